# SPDX-License-Identifier: GPL-3.0-or-later
"""Cutting: a region is cut into a given number of parts, at its deepest necks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from .necks import PIXEL_ROUNDING, basins_and_passages

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Labels = NDArray[np.int32]

    Passage = tuple[int, int, float]


def cut_into_parts(region: Mask, count: int) -> Labels:
    """Cut a region into a number of parts, at its deepest necks.

    Pieces that do not touch are parts. Where there are fewer pieces and necks than
    asked for, the largest part is cut across its long axis into two of the same area.

    Parameters
    ----------
    region
        Mask, shape (y, x). The border of the array is not an edge of the region.
    count
        Number of parts.

    Returns
    -------
    Labels of shape (y, x), the largest part first, 0 outside.

    Raises
    ------
    ValueError
        If the region has fewer pixels than that.
    """
    if np.count_nonzero(region) < count:
        raise ValueError(
            f"There are {np.count_nonzero(region)} pixels, too few for {count} parts."
        )
    parts = _largest(_cut_at_deepest(region, count), count)
    while parts.max() < count:
        place = np.argwhere(parts == 1)
        far = _along_the_axis(place)
        half = place[np.argsort(far, kind="stable")[: len(place) // 2]]
        parts[half[:, 0], half[:, 1]] = parts.max() + 1
        parts = _largest(parts, count)
    return parts


def _cut_at_deepest(region: Mask, count: int) -> Labels:
    """Return the pieces of a region, cut at no more than its `count` - 1 deepest necks.

    The depth is how much narrower a neck is than the narrower one of its sides.
    """
    if region.all():
        return region.astype(np.int32)
    basins, heights, pairs = basins_and_passages(region)
    _, depths = _joined(pairs, heights, set())
    deepest = sorted(depths, key=lambda basin: -depths[basin])[: count - 1]
    # Shallower necks come from the rounding of the edge to pixels.
    kept = {basin for basin in deepest if depths[basin] > PIXEL_ROUNDING}
    part_of, _ = _joined(pairs, heights, kept)
    return part_of[basins]


def _joined(
    pairs: list[Passage], heights: NDArray[np.float64], kept: set[int]
) -> tuple[NDArray[np.int32], dict[int, float]]:
    """Join touching basins, the widest passages first, to the one with a higher peak.

    Parameters
    ----------
    pairs
        From `basins_and_passages`.
    heights
        Peak of each basin.
    kept
        Basins that are not joined to a higher one.

    Returns
    -------
    The part of each basin, and the depth of the neck of each basin that was joined.
    """
    part_of = np.arange(len(heights), dtype=np.int32)
    depths = {}
    for first, second, width in pairs:
        high, low = sorted((int(part_of[first]), int(part_of[second])))
        if high != low and low not in kept:
            depths[low] = float(heights[low] - width)
            part_of[part_of == low] = high
    return part_of, depths


def _largest(parts: Labels, count: int) -> Labels:
    """Return parts by falling area; those beyond `count` go to the nearest."""
    numbers, area = np.unique(parts[parts > 0], return_counts=True)
    order = numbers[np.argsort(-area, kind="stable")]
    centers = np.array(ndimage.center_of_mass(parts > 0, parts, order))
    new = np.zeros(parts.max() + 1, np.int32)
    new[order[:count]] = np.arange(1, len(order[:count]) + 1)
    if len(order) > count:
        _, nearest = cKDTree(centers[:count]).query(centers[count:])
        new[order[count:]] = nearest + 1
    return new[parts]


def _along_the_axis(place: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return how far places, shape (place, 2), are along their long axis."""
    centered = place - place.mean(axis=0)
    _, axes = np.linalg.eigh(centered.T @ centered)
    return np.asarray(centered @ axes[:, -1])
