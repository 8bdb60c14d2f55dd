# SPDX-License-Identifier: GPL-3.0-or-later
"""Necks: regions are cut between the peaks of their distance maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage.morphology import local_maxima
from skimage.segmentation import watershed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Labels = NDArray[np.int32]
    Distance = NDArray[np.float64]
    Index = NDArray[np.intp]

_EIGHT_NEIGHBORS = np.ones((3, 3), dtype=bool)

# Smallest depth of a neck [pixels], because the edge of a mask is rounded to pixels.
PIXEL_ROUNDING = 1.0

# Number of peaks whose neighbors are in memory at the same time.
_TOGETHER = 500

# Steps from each pixel to half of its eight neighbors; the others are their opposites.
_HERE_AND_THERE = (
    (np.s_[:, :-1], np.s_[:, 1:]),
    (np.s_[:-1], np.s_[1:]),
    (np.s_[:-1, :-1], np.s_[1:, 1:]),
    (np.s_[:-1, 1:], np.s_[1:, :-1]),
)


def cut_at_necks(
    solid: Mask, min_separation: float, depth: float, unknown: Mask
) -> tuple[Labels, NDArray[np.float64]]:
    """Cut a mask at its necks.

    This is a watershed on the distance map, with its peaks as markers.

    Parameters
    ----------
    solid
        Mask of one connected region or several, shape (y, x). The border of the array
        is not an edge of a region.
    min_separation
        Smallest distance of two peaks [pixels].
    depth
        Depth of a neck: its half-width is less than that of the narrower part by more
        than this share of it, and by more than a pixel.
    unknown
        Pixels without data, which are not an edge of a region.

    Returns
    -------
    Labels of shape (y, x), the part with the widest middle first, 0 outside; and the
    half-width of each part in its middle, the peak of the distance map, by label. The
    half-width is infinite where there is no edge.
    """
    without_edge = solid | unknown
    if without_edge.all():
        return solid.astype(np.int32), np.array([0.0, np.inf])
    distance = ndimage.distance_transform_edt(without_edge)
    del without_edge
    distance[~solid] = 0
    basins, heights = _basins(distance, solid, min_separation, depth)
    if len(heights) == 2:  # a single peak
        return basins, heights
    part_of = _without_bumps(basins, distance, heights, depth)
    half_width = np.zeros(part_of.max() + 1)
    np.maximum.at(half_width, part_of, heights)
    return part_of[basins], half_width


def basins_and_passages(
    region: Mask,
) -> tuple[Labels, NDArray[np.float64], list[tuple[int, int, float]]]:
    """Return all basins of the distance map of a mask, and where they meet.

    Parameters
    ----------
    region
        Mask, shape (y, x), which is not True everywhere.

    Returns
    -------
    Labels of the basins, the highest peak first, 0 outside; the peak of each, by label;
    and pairs of touching basins, lower label first, with the half-width between them,
    the widest first.
    """
    distance = ndimage.distance_transform_edt(region)
    basins, heights = _basins(distance, region, 0.0, 0.0)
    return basins, heights, list(zip(*_passages(basins, distance), strict=True))


def touching(labels: Labels, others: Labels) -> tuple[Index, Index]:
    """Return which labels of one array touch which of another, each pair once."""
    most = int(others.max(initial=0)) + 1
    pairs = [np.zeros(0, np.int64)]
    for here, there in _HERE_AND_THERE:
        for a, b in ((labels[here], others[there]), (labels[there], others[here])):
            both = (a > 0) & (b > 0)
            pairs.append(np.unique(a[both].astype(np.int64) * most + b[both]))
    first, second = np.divmod(np.unique(np.concatenate(pairs)), most)
    return first, second


def _basins(
    distance: Distance, solid: Mask, min_separation: float, depth: float
) -> tuple[Labels, NDArray[np.float64]]:
    """Return the basin of each peak of a distance map, and the heights by label."""
    markers, heights = _markers(distance, min_separation, depth)
    if len(heights) == 2:
        return solid.astype(np.int32), heights
    basins: Labels = watershed(  # type: ignore[no-untyped-call]
        -distance, markers, connectivity=2, mask=solid
    )
    return basins, heights


def _markers(
    distance: Distance, min_separation: float, depth: float
) -> tuple[Labels, NDArray[np.float64]]:
    """Return the peaks that are far enough from all higher ones, highest first.

    A plateau is one peak, at the pixel that is closest to its center of mass.

    Returns
    -------
    The markers, 0 elsewhere, and the height of each; index 0 is not a marker.
    """
    peaks = local_maxima(distance, connectivity=2)  # type: ignore[no-untyped-call]
    plateaus, count = ndimage.label(peaks, structure=_EIGHT_NEIGHBORS)
    rows, columns = np.nonzero(plateaus)
    plateau = plateaus[rows, columns]
    size = np.bincount(plateau)[1:]
    center = np.stack(
        [np.bincount(plateau, weights=w)[1:] / size for w in (rows, columns)], axis=1
    )
    height = np.zeros(count)
    height[plateau - 1] = distance[rows, columns]
    order = np.argsort(-height, kind="stable")
    kept = order[_far_apart(center[order], height[order], min_separation, depth)]
    number_of = np.zeros(count + 1, dtype=np.int32)
    number_of[kept + 1] = np.arange(1, len(kept) + 1)
    return number_of[plateaus], np.concatenate([[0.0], height[kept]])


def _far_apart(
    center: NDArray[np.float64],
    height: NDArray[np.float64],
    min_separation: float,
    depth: float,
) -> Index:
    """Return the indices of peaks that are not too near to a higher one.

    The distance map falls by at most one per pixel, so that the passage between two
    near peaks must be wide. This removes most bumps.
    """
    places = cKDTree(center)
    least = _smallest_neck(height, depth)
    # Lower peaks come later; farther away they cannot be bumps of a higher one.
    farthest = np.maximum(min_separation, height + 2 * PIXEL_ROUNDING)
    free = np.ones(len(height), bool)
    for first in range(0, len(height), _TOGETHER):
        some = first + np.flatnonzero(free[first : first + _TOGETHER])
        around = places.query_ball_point(center[some], farthest[some])
        for index, neighbors in zip(some, around, strict=True):
            if len(neighbors) == 1 or not free[index]:
                continue
            near = np.array(neighbors)
            near = near[(near > index) & free[near]]
            gap = np.hypot(*(center[near] - center[index]).T)
            bump = height[index] - height[near] + 2 * least[near]
            free[near[gap < np.maximum(min_separation, bump)]] = False
    return np.flatnonzero(free)


def _smallest_neck(height: NDArray[np.float64], depth: float) -> NDArray[np.float64]:
    return np.maximum(PIXEL_ROUNDING, depth * height)


def _without_bumps(
    basins: Labels, distance: Distance, heights: NDArray[np.float64], depth: float
) -> Labels:
    """Return the part of each basin; basins that meet without a neck are one part.

    The widest passages come first, and each basin belongs to its highest peak, so that
    a chain of small bumps becomes one part and two particles stay two.
    """
    part_of = np.arange(len(heights))
    least = _smallest_neck(heights, depth)

    def top(basin: int) -> int:
        while part_of[basin] != basin:
            part_of[basin] = part_of[part_of[basin]]
            basin = part_of[basin]
        return basin

    for first, second, width in zip(*_passages(basins, distance), strict=True):
        # Basins are numbered by falling height: the lower number has the higher peak.
        high, low = sorted((top(first), top(second)))
        if high != low and heights[low] - width <= least[low]:
            part_of[low] = high
    tops = np.array([top(basin) for basin in range(len(heights))])
    _, numbered = np.unique(tops, return_inverse=True)
    return numbered.astype(np.int32)


def _passages(
    basins: Labels, distance: Distance
) -> tuple[list[int], list[int], list[float]]:
    """Return pairs of touching basins and the half-width between them, widest first."""
    most = int(basins.max()) + 1
    pairs, widths = [], []
    for here, there in _HERE_AND_THERE:
        a, b = basins[here], basins[there]
        border = (a != b) & (a > 0) & (b > 0)
        a, b = a[border].astype(np.int64), b[border]
        pairs.append(np.minimum(a, b) * most + np.maximum(a, b))
        widths.append(np.minimum(distance[here][border], distance[there][border]))
    pair, width = np.concatenate(pairs), np.concatenate(widths)
    widest = np.lexsort([pair, -width])
    pair, width = pair[widest], width[widest]
    _, first = np.unique(pair, return_index=True)
    first.sort()
    one, other = np.divmod(pair[first], most)
    return one.tolist(), other.tolist(), width[first].tolist()
