# SPDX-License-Identifier: GPL-3.0-or-later
"""Positions and classes of atomic columns, from the probabilities of pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage.feature import peak_local_max
from skimage.segmentation import watershed

from hyperspy_hrtemnn.image_data import without_mask

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# Number of distance maps between the threshold and 1 that are added up: they show the
# outline of discs, whose probability is flat, and the summit of Gaussians.
_LEVELS = 4

# Shares of the radius of a typical column.
_SEPARATION = 1.5
_AROUND = 0.8  # standard deviation of the Gaussian its probability is averaged with

# Share of the threshold that this mean has to reach; it is lower for a Gaussian than
# for a disc.
_FILLED = 0.8


@dataclass(frozen=True)
class SegmentedColumns:
    """Atomic columns of one image, the most certain first.

    Parameters
    ----------
    positions
        Row and column of each atomic column [pixels]; the center of the first pixel is
        (0, 0). Shape (column, 2).
    classes
        Index of the class of each atomic column, shape (column,).
    confidence
        Largest probability of this class in each atomic column, shape (column,).
    filling
        Mean probability of any class over the size of a typical column of the image,
        around each atomic column, 1 for a whole disc, shape (column,). It is low where
        few pixels are certain, as at sites where a network is not sure of a column.
    """

    positions: NDArray[np.float64]
    classes: NDArray[np.intp]
    confidence: NDArray[np.float64]
    filling: NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of columns."""
        return len(self.positions)


def find_columns(
    probabilities: ArrayLike,
    *,
    probability: float = 0.5,
    min_separation: float | None = None,
) -> SegmentedColumns:
    """Find the atomic columns in a segmented image, each once (thesis section 4.3).

    The classes share a site: their probabilities add up to the probability of a column
    of any class. Where this is above the threshold a column is found, whatever the rest
    of the image shows. Its class is the one with the largest sum over its pixels. Blobs
    that touch are cut by a watershed. The position is the center of mass of the
    probability above the threshold, which is unbiased to 0.01 pixels for discs and
    Gaussians that do not touch. A few certain pixels are not a column: the probability
    averaged over the size of a typical blob has to come near the threshold, too.

    Parameters
    ----------
    probabilities
        Probability of each pixel to show a column of each class, 0 to 1, shape
        (class, y, x) without the background, or (y, x) for one class; NaN where there
        is no data. Labels of discs or Gaussians can be given, too.
    probability
        Threshold of the probability, above 0 and below 1.
    min_separation
        Smallest distance between two columns of any class [pixels]. Of two that are
        closer, the more certain one stays. The default is 1.5 times the radius of a
        typical blob of the image, so that touching discs stay two.

    Raises
    ------
    ValueError
        If the shape is not one of these, or a number is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.mgrid[:20, :30]
    >>> gaussian = np.exp(-((y - 8.3) ** 2 + (x - 12.6) ** 2) / 8)
    >>> find_columns(gaussian).positions.round(1)
    array([[ 8.3, 12.6]])
    """
    maps = np.nan_to_num(np.asarray(without_mask(probabilities), float), nan=0)
    if maps.ndim == 2:
        maps = maps[np.newaxis]
    if maps.ndim != 3:
        raise ValueError(
            "One image of shape (y, x) or (class, y, x) is needed, not "
            f"{np.shape(probabilities)}."
        )
    if not 0 < probability < 1:
        raise ValueError(f"probability has to be between 0 and 1, not {probability}.")
    if min_separation is not None and not (
        min_separation > 0 and math.isfinite(min_separation)
    ):
        raise ValueError(f"min_separation has to be positive, not {min_separation}.")

    total = np.minimum(maps.sum(axis=0), 1)
    inside = total >= probability
    if not inside.any():
        nothing = np.zeros(0)
        return SegmentedColumns(
            np.zeros((0, 2)), np.zeros(0, np.intp), nothing, nothing
        )
    # The border of the frame is not an edge of a column.
    outlines = ndimage.distance_transform_edt(np.pad(inside, 1, mode="edge"))
    depth = outlines[1:-1, 1:-1]
    radius = typical_radius(depth)
    if min_separation is None:
        min_separation = _SEPARATION * radius
    for level in np.linspace(probability, 1, _LEVELS, endpoint=False)[1:]:
        depth += ndimage.distance_transform_edt(total >= level)
    regions = _regions(depth, inside, min_separation)
    columns = _measure(maps, total - probability, regions)
    around = _around(total, radius, columns.positions)
    columns = replace(columns, filling=np.minimum(around, 1))
    columns = _only(columns, around >= _FILLED * probability)
    return _apart(columns, min_separation)


def typical_radius(depth: NDArray[np.float64]) -> float:
    """Return the radius of the blobs in pixels from their distance map.

    This is the median over the summits of the map, each weighted by its height: ragged
    edges have many small summits, and a chain of discs has one for each disc.
    """
    heights = np.sort(depth[tuple(_summits(depth, 1).T)])
    total = np.cumsum(heights)
    return float(heights[np.searchsorted(total, total[-1] / 2)])


def _summits(depth: NDArray[np.float64], min_separation: float) -> NDArray[np.intp]:
    summits: NDArray[np.intp] = peak_local_max(  # type: ignore[no-untyped-call]
        depth,
        footprint=np.ones((3, 3)),
        min_distance=min_separation,
        p_norm=2,
        threshold_abs=0.5,
        exclude_border=False,
    )
    return summits


def _regions(
    depth: NDArray[np.float64], inside: NDArray[np.bool_], min_separation: float
) -> NDArray[np.int32]:
    """Return the pixels of each column, labelled from 1 on."""
    summits = _summits(depth, min_separation)
    markers = np.zeros(depth.shape, np.int32)
    markers[tuple(summits.T)] = np.arange(1, len(summits) + 1)
    cut: NDArray[np.int32] = watershed(  # type: ignore[no-untyped-call]
        -depth, markers, connectivity=2, mask=inside
    )
    return cut


def _measure(
    maps: NDArray[np.float64],
    excess: NDArray[np.float64],
    regions: NDArray[np.int32],
) -> SegmentedColumns:
    """Return position, class and confidence of each region; its filling is 0."""
    row, column = np.nonzero(regions)
    owner = regions[row, column] - 1
    count = int(owner.max()) + 1
    # A blob whose probability equals the threshold needs a center of mass, too.
    weight = np.maximum(excess[row, column], np.finfo(np.float32).eps)
    mass = np.bincount(owner, weight, count)
    positions = np.stack(
        [np.bincount(owner, weight * w, count) / mass for w in (row, column)], axis=1
    )
    values = maps[:, row, column]
    classes = np.argmax([np.bincount(owner, v, count) for v in values], axis=0)
    confidence = np.zeros(count)
    np.maximum.at(confidence, owner, values[classes[owner], np.arange(len(owner))])
    return SegmentedColumns(
        positions, classes, np.minimum(confidence, 1), np.zeros(count)
    )


def _around(
    total: NDArray[np.float64], radius: float, positions: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mean of a probability around positions, 1 in the middle of a disc."""
    width = _AROUND * radius
    mean = ndimage.gaussian_filter(total, width, mode="nearest")
    row, column = np.rint(positions).astype(int).T
    return np.asarray(mean[row, column] / -math.expm1(-0.5 * (radius / width) ** 2))


def _only(
    columns: SegmentedColumns, kept: NDArray[np.bool_] | NDArray[np.intp]
) -> SegmentedColumns:
    return SegmentedColumns(
        columns.positions[kept],
        columns.classes[kept],
        columns.confidence[kept],
        columns.filling[kept],
    )


def _apart(columns: SegmentedColumns, min_separation: float) -> SegmentedColumns:
    """Return the most certain columns that are not too close, in this order."""
    order = np.argsort(-columns.confidence, kind="stable")
    positions = columns.positions[order]
    kept = np.ones(len(order), bool)
    pairs = cKDTree(positions).query_pairs(min_separation, output_type="ndarray")
    # The columns are sorted by certainty. A dropped column does not drop others.
    for first, second in sorted(map(tuple, np.sort(pairs, axis=1).tolist())):
        if kept[first]:
            kept[second] = False
    return _only(columns, order[kept])
