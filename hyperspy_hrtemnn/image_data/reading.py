# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading of images: `ImageData`, its finite pixels, and which of them are data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.bad_frames import NO_DATA, BadFrameError

from .bad_pixels import replace_bad_pixels
from .dead_lines import dead_lines
from .fills import filled
from .glare import glare
from .openings import connected, opened
from .scaling import real_numbers, scaled
from .shadow import shadow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

# Smallest share of pixels that differ from the lowest and highest value of a frame that
# shows something. Frames of a counting camera with 0.1 electrons per pixel have 10 %.
_LEAST_INFORMATIVE = 1e-3

# Smallest share of data in a frame; with less there are no statistics.
_LEAST_DATA = 0.02

# NaN regions into which a square of three pixels does not fit are bad pixels and lines,
# up to this share of an image; above it they are regions without data.
_MOST_SPECKS = 0.02


@dataclass(frozen=True)
class ImageData:
    """Pixels of an image, or of the channels of a focal series, and which are data.

    Parameters
    ----------
    values
        Finite values, float32, shape (channel, y, x). A pixel of the image is
        ``value * scale + offset``; for ordinary images these are 1 and 0.
    valid
        True where all channels are data, shape (y, x). Elsewhere the values have no
        meaning.
    bad_pixels
        Number of hot, dead and missing pixels that were replaced, in all channels.
    offset, scale
        Offset and scale of the values.
    """

    values: NDArray[np.float32]
    valid: Mask
    bad_pixels: int
    offset: float
    scale: float

    @property
    def no_data(self) -> int:
        """Number of pixels that are not data."""
        return int(self.valid.size - np.count_nonzero(self.valid))

    def counts(self, no_data: float = np.nan) -> NDArray[np.floating]:
        """Return the pixels in the unit of the image, shape (channel, y, x).

        The type is float32 if it can represent them, otherwise float64.

        Parameters
        ----------
        no_data
            Value of pixels without data.
        """
        counts: NDArray[np.floating] = self.values
        if self.scale != 1 or self.offset:
            counts = self.values.astype(np.float64) * self.scale + self.offset
        elif self.no_data:
            counts = counts.copy()
        counts[:, ~self.valid] = no_data
        return counts


def image_data(images: NDArray[Any], *, replace: bool = True) -> ImageData:
    """Find the data in an image, and replace hot and dead pixels.

    Pixels without data are NaN and infinite pixels; borders that a program has filled,
    constant or with copies of the last row; bars that are burnt in; and the shadow of
    an aperture. Single pixels and lines of NaN are replaced like hot and dead ones.

    Parameters
    ----------
    images
        Real numbers of any dtype, shape (y, x), or (channel, y, x) for the images of a
        focal series.
    replace
        Whether to replace hot and dead pixels, and not only the missing ones.

    Raises
    ------
    ValueError
        If they are complex, colored, wrapped or no numbers.
    """
    numbers = real_numbers(images)
    stack = scaled(numbers.reshape(-1, *numbers.shape[-2:]))
    valid = np.ones(stack.values.shape[1:], bool)
    bad_pixels = 0
    for image, finite in zip(stack.values, stack.finite, strict=True):
        data, count = _cleaned(image, finite, stack.zero, replace=replace)
        valid &= data
        bad_pixels += count
    return ImageData(stack.values, valid, bad_pixels, stack.offset, stack.scale)


def contrast_checked(data: ImageData) -> ImageData:
    """Return the data of a frame, or raise an error if it cannot be used.

    Raises
    ------
    BadFrameError
        If an image is without data, blank, constant or saturated.
    """
    share = np.count_nonzero(data.valid) / data.valid.size
    if share < _LEAST_DATA:
        raise BadFrameError(
            f"{1 - share:.2%} of the pixels have no data (NaN, infinite or filled). "
            "Leave such frames out.",
            NO_DATA,
        )
    for image in data.values:
        pixels = image if data.no_data == 0 else image[data.valid]
        for name, value in (("lowest", pixels.min()), ("highest", pixels.max())):
            same = np.count_nonzero(pixels == value) / pixels.size
            shown = float(value) * data.scale + data.offset
            if same == 1:
                raise BadFrameError(
                    f"The image is constant: every pixel is {shown:g}. Leave blank "
                    "frames out.",
                    "constant",
                )
            if same > 1 - _LEAST_INFORMATIVE:
                raise BadFrameError(
                    f"{same:.2%} of the pixels have the image's {name} value, "
                    f"{shown:g}: it is blank or saturated. Leave such frames out.",
                    "blank" if name == "lowest" else "saturated",
                )
    return data


def _cleaned(
    image: NDArray[np.float32], finite: Mask, zero: float, *, replace: bool
) -> tuple[Mask, int]:
    """Replace the bad pixels of an image in place.

    Returns
    -------
    True where the image is data, and the number of replaced pixels.
    """
    whole = bool(finite.all())
    if not finite.any():
        return finite, 0
    missing = np.zeros(image.shape, bool) if whole else _specks(finite)
    valid = finite | missing
    valid &= ~filled(image, None if whole else ~finite)
    lines, gaps = dead_lines(image, valid)
    missing |= lines & valid
    valid &= ~gaps
    if replace and (hits := glare(image, valid & ~missing, zero)):
        missing |= hits[0]
        valid &= ~hits[1]
    bad = replace_bad_pixels(
        image,
        missing if missing.any() else None,
        None if valid.all() else valid,
        search=replace,
    )
    dark = shadow(image, valid, zero)
    if dark is not None:
        valid &= ~dark
    return valid, int(np.count_nonzero(bad))


def _specks(finite: Mask) -> Mask:
    """Return the missing pixels that are only bad pixels or lines of them."""
    missing = ~finite
    specks = missing & ~connected(missing, opened(missing, (3, 3)))
    if np.count_nonzero(specks) > _MOST_SPECKS * missing.size:
        return np.zeros_like(missing)
    return specks
