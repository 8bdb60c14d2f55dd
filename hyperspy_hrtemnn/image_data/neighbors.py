# SPDX-License-Identifier: GPL-3.0-or-later
"""The pixels around others, sorted, without those that are bad."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]
    Mask = NDArray[np.bool_]
    Places = NDArray[np.intp]  # (2, pixel)

NEAR = np.array([(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)])
FAR = np.array(
    [(y, x) for y in range(-2, 3) for x in range(-2, 3) if max(abs(y), abs(x)) == 2]
)


def fill(image: Image, bad: Mask, usable: Mask) -> None:
    """Replace pixels, those with good neighbors first."""
    places = np.stack(np.nonzero(bad))
    while places.size:
        value = median(image, usable, places, NEAR)
        known = np.isfinite(value)
        if not known.any():
            value = np.full(len(value), np.median(image[usable]) if usable.any() else 0)
            known = np.ones(len(value), bool)
        image[tuple(places[:, known])] = value[known]
        usable[tuple(places[:, known])] = True
        places = places[:, ~known]


def median(image: Image, usable: Mask, places: Places, around: Places) -> Image:
    """Return the median of the usable pixels around places, NaN without any."""
    values, count = sorted_around(image, usable, places, around)
    index = np.arange(len(values))
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, len(around) - 1)
    median = (values[index, low] + values[index, high]) / 2
    return np.asarray(np.where(count > 0, median, np.nan), np.float32)


def sorted_around(
    image: Image,
    usable: Mask,
    places: Places,
    around: Places,
    sign: Image | None = None,
) -> tuple[Image, Places]:
    """Return the pixels around places, ascending, and how many of them are usable.

    Others come last. Beyond its edges the image is continued by reflection. With a sign
    for each place the pixels are multiplied by it.
    """
    inside = places[:, :, np.newaxis] + around.T[:, np.newaxis]
    for index, size in zip(inside, image.shape, strict=True):
        np.abs(index, out=index)
        np.subtract(index, 2 * np.maximum(index - (size - 1), 0), out=index)
    values = image[inside[0], inside[1]]
    if sign is not None:
        values = values * sign[:, np.newaxis]
    good = usable[inside[0], inside[1]]
    return np.sort(np.where(good, values, np.inf), axis=1), good.sum(axis=1)
