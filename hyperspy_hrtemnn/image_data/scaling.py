# SPDX-License-Identifier: GPL-3.0-or-later
"""Scaling of pixels of any dtype to float32, without loss of contrast."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .masked import without_mask
from .wrapped import refuse_wrapped

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Number of pixels for median and spread of an image; the error of quantiles is below 1
# %.
_SAMPLE = 40_000

# An offset of more than this many spreads is subtracted before float32 rounds it to 24
# bits; a smaller one costs 6e-6 of the spread. A power of 2 is divided out where
# squares would exceed the range of float32, outside of 1e-19 to 1e19. Ordinary images
# stay exactly the same.
_OFFSET = 100.0
_LEFT = 5.0  # spreads of an offset that remain, as in images of 30 electrons per pixel
_USUAL = (1e-6, 1e9)

# Largest distance from the median in the new unit; a hot pixel may have any value.
_LARGEST = 1e18


@dataclass(frozen=True)
class Scaled:
    """Images in float32; a pixel is ``values * scale + offset``.

    `finite` is True where the pixels were finite; the values are finite everywhere.
    """

    values: NDArray[np.float32]
    finite: NDArray[np.bool_]
    offset: float
    scale: float

    @property
    def zero(self) -> float:
        """Value of a pixel without counts."""
        return -self.offset / self.scale


def real_numbers(images: NDArray[Any]) -> NDArray[Any]:
    """Return images if they have one real number for each pixel.

    Gray images stored in three equal colors, as programs export them, are accepted.
    What is masked in a masked array is NaN.

    Raises
    ------
    ValueError
        If they are complex, colored, wrapped or no numbers.
    """
    images = one_number_a_pixel(images)
    refuse_wrapped(np.asarray(images))
    numbers: NDArray[Any] = without_mask(images)
    return numbers


def one_number_a_pixel(images: NDArray[Any]) -> NDArray[Any]:
    """Return images as they are, or one of three equal colors.

    Raises
    ------
    ValueError
        If they are complex, colored or no numbers.
    """
    images = _gray(np.asanyarray(images))
    if images.dtype.kind == "c":
        raise ValueError(
            "The image is complex. Give a real one, such as the amplitude of the wave."
        )
    if images.dtype.kind not in "biuf":
        raise ValueError(
            f"The image has the data type {images.dtype}, not one number per pixel."
        )
    return images


def scaled(images: NDArray[Any]) -> Scaled:
    """Return images of one gain and offset in float32.

    Parameters
    ----------
    images
        Real numbers of any dtype and shape.
    """
    whole, images = _without_large_integers(images)
    finite = np.isfinite(images)
    middle, spread = _middle_and_spread(images, finite)
    offset = 0.0
    if abs(middle) > _OFFSET * spread > 0:
        offset = middle - math.copysign(_LEFT * spread, middle)
    size = spread or abs(middle)
    ordinary = size == 0 or _USUAL[0] <= max(size, abs(middle - offset)) <= _USUAL[1]
    scale = 1.0 if ordinary else 2.0 ** math.floor(math.log2(size))
    with np.errstate(over="ignore", invalid="ignore"):
        if offset or scale != 1:
            # Doubles have 53 bits, more than any detector.
            wide = images.astype(np.result_type(images, np.float64))
            wide -= offset
            wide /= scale
            images = wide
        values = images.astype(np.float32)
    if not finite.all():
        values[~finite] = (middle - offset) / scale
    if values.size and max(values.max(), -values.min()) > _LARGEST:
        np.clip(values, -_LARGEST, _LARGEST, out=values)
    return Scaled(values, finite, whole + offset, scale)


def _gray(images: NDArray[Any]) -> NDArray[Any]:
    """Return one of the colors of HyperSpy's RGB dtypes, if all are equal."""
    if images.dtype.names is None or not {"R", "G", "B"} <= set(images.dtype.names):
        return images
    red: NDArray[Any] = images["R"]
    if any(np.any(images[color] != red) for color in "GB"):
        raise ValueError("The image is colored. Convert it to gray, or take one color.")
    return red


def _without_large_integers(images: NDArray[Any]) -> tuple[float, NDArray[Any]]:
    """Subtract the minimum from integers of 64 bits, whose last bits a double loses."""
    if images.dtype.kind not in "iu" or images.dtype.itemsize < 8 or not images.size:
        return 0.0, images
    low = images.min()
    # With both as unsigned numbers, their difference is right also after an overflow.
    return float(low), images.astype(np.uint64) - low.astype(np.uint64)


def _middle_and_spread(
    images: NDArray[Any], finite: NDArray[np.bool_]
) -> tuple[float, float]:
    """Return the median and the 90 % quantile of the distance from it."""
    pixels = sampled(images)[sampled(finite)].astype(np.float64)
    if not pixels.size:
        pixels = images[finite].astype(np.float64)
    if not pixels.size:
        return 0.0, 0.0
    middle = float(np.median(pixels))
    off = np.abs(pixels - middle)
    return middle, float(np.quantile(off, 0.9) or off.max())


def sampled(images: NDArray[Any]) -> NDArray[Any]:
    """Return some pixels of an array, always the same, that do not follow a lattice."""
    flat = images.reshape(-1)
    if flat.size <= _SAMPLE:
        return flat
    places = np.random.default_rng(0).integers(flat.size, size=_SAMPLE)
    taken: NDArray[Any] = flat[np.sort(places)]
    return taken
