# SPDX-License-Identifier: GPL-3.0-or-later
"""Validation of the images that are given to a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.image_data import ImageData, contrast_checked, image_data

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._card import Card


def as_channels(images: NDArray[Any] | ImageData, card: Card) -> ImageData:
    """Return the data in the channels of one input, shape (channel, y, x).

    Raises
    ------
    ValueError
        If their number is not that of the network, or they are not real numbers.
    BadFrameError
        If one of them cannot be used.
    """
    if isinstance(images, ImageData):
        _check_count(len(images.values), card)
        return contrast_checked(images)
    images = np.asanyarray(images)
    if images.ndim not in (2, 3):
        raise ValueError(
            f"The image has {images.ndim} dimensions; give (y, x) or (channel, y, x)."
        )
    if images.size == 0:
        raise ValueError(f"The image has no pixels: its shape is {images.shape}.")
    _check_count(1 if images.ndim == 2 else images.shape[0], card)
    return contrast_checked(image_data(images))


def _check_count(count: int, card: Card) -> None:
    if count != card.channels:
        step = (
            ""
            if card.defocus_step is None
            else f", {card.defocus_step / 10:g} nm of defocus apart"
        )
        needed = "one image" if card.channels == 1 else f"{card.channels} images{step}"
        raise ValueError(
            f"The network {card.name!r} takes {needed} at a time, not {count}."
        )
