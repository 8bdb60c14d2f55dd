# SPDX-License-Identifier: GPL-3.0-or-later
"""What an image must be before a network sees it, said in the user's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.bad_frames import BadFrameError, check_data

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._card import Card

# A frame with less than this share of pixels off its lowest or highest value shows
# nothing. Frames of a counting camera at a tenth of an electron a pixel have 10 %.
_LEAST_INFORMATIVE = 1e-3


def finite_float32(images: NDArray[Any]) -> NDArray[np.float32]:
    """Return real images of any dtype as float32.

    Gray images stored in three equal colors, as programs export them, are taken.

    Raises
    ------
    BadFrameError
        If all values are NaN.
    ValueError
        If they are complex, colored, no numbers, or hold NaN or infinite values.
    """
    images = _gray(np.asarray(images))
    if images.dtype.kind == "c":
        raise ValueError(
            "The image is complex; give a real one, such as the amplitude of the wave."
        )
    if images.dtype.kind not in "biuf":
        raise ValueError(
            f"The image has the data type {images.dtype}, not one number per pixel."
        )
    check_data(images)
    with np.errstate(over="ignore"):
        converted = images.astype(np.float32)
    faulty = converted.size - np.count_nonzero(np.isfinite(converted))
    if faulty:
        raise ValueError(
            f"The image holds {faulty} NaN or infinite pixels; replace them, for "
            "example by the median of their neighbors."
        )
    return converted


def _gray(images: NDArray[Any]) -> NDArray[Any]:
    """Return one of the colors of HyperSpy's RGB dtypes, if all are equal."""
    if images.dtype.names is None or not {"R", "G", "B"} <= set(images.dtype.names):
        return images
    red = images["R"]
    if any(np.any(images[color] != red) for color in "GB"):
        raise ValueError("The image is colored; convert it to gray, or take one color.")
    return red


def check_contrast(image: NDArray[np.float32]) -> None:
    """Raise a BadFrameError if an image shows nothing: blank, constant, saturated."""
    for name, value in (("lowest", image.min()), ("highest", image.max())):
        share = np.count_nonzero(image == value) / image.size
        if share == 1:
            raise BadFrameError(
                f"The image is constant: every pixel is {value:g}. Leave blank frames "
                "out.",
                "constant",
            )
        if share > 1 - _LEAST_INFORMATIVE:
            raise BadFrameError(
                f"{share:.2%} of the pixels have the image's {name} value, {value:g}: "
                "it is blank or saturated. Leave such frames out.",
                "blank" if name == "lowest" else "saturated",
            )


def as_channels(images: NDArray[Any], card: Card) -> NDArray[np.float32]:
    """Return valid images as the channels of one input, shape (channel, y, x).

    Raises
    ------
    ValueError
        If their number is not the network's, or one of them cannot be used.
    """
    if images.ndim not in (2, 3):
        raise ValueError(
            f"The image has {images.ndim} dimensions; give (y, x) or (channel, y, x)."
        )
    if images.size == 0:
        raise ValueError(f"The image has no pixels: its shape is {images.shape}.")
    count = 1 if images.ndim == 2 else images.shape[0]
    if count != card.channels:
        step = (
            ""
            if card.defocus_step is None
            else f", {card.defocus_step / 10:g} nm of defocus apart"
        )
        needed = "one image" if card.channels == 1 else f"{card.channels} images{step}"
        raise ValueError(
            f"The network {card.name!r} takes {needed} at a time; there are {count}."
        )
    channels = finite_float32(images).reshape(count, *images.shape[-2:])
    for channel in channels:
        check_contrast(channel)
    return channels
