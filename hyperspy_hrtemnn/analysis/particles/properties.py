# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties of particles: size, position and shape of each particle of a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import ndimage
from skimage.measure import perimeter_crofton

from hyperspy_hrtemnn.image_data import without_mask

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# Distance from regions without data at which a particle may be cut [pixels]: their edge
# is ragged, and networks find less beside it.
_BESIDE = 2


def particle_properties(
    labels: ArrayLike, image: ArrayLike | None = None, sampling: float = 1.0
) -> pd.DataFrame:
    """Measure the particles of one frame.

    Parameters
    ----------
    labels
        Integer labels, 0 = background, below 0 = no data, shape (y, x).
    image
        Image in which they were found, shape (y, x), for the intensity only; NaN where
        there is no data.
    sampling
        Side of a pixel. The result has its unit of length.

    Returns
    -------
    A row for each particle, by ascending id, with the columns

    ======================= =====================================================
    ``id``                  the label
    ``area``                number of pixels times the area of one
    ``x``, ``y``            centroid; the center of the first pixel is (0, 0)
    ``equivalent_diameter`` diameter of the disc of this area
    ``perimeter``           Crofton's formula in four directions; where the frame
                            cuts a particle, the cut counts
    ``eccentricity``        of the ellipse with the same second moments, 0 = disc
    ``orientation``         angle from the x axis to the long axis of that ellipse,
                            in degrees from -90 (excluded) to 90, positive towards
                            y: clockwise on the screen, where y points down
    ``touches_border``      whether the border of the frame, or of a region without
                            data, may cut the particle
    ``mean_intensity``      mean of `image` over the particle, if it is given; NaN
                            where there is no data
    ======================= =====================================================

    Raises
    ------
    ValueError
        If the labels are not an integer image, or the image has another shape.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.zeros((5, 9), dtype=int)
    >>> labels[1:4, 2:8] = 3
    >>> table = particle_properties(labels, sampling=0.5)
    >>> table[["id", "area", "x", "y", "orientation"]]
       id  area     x    y  orientation
    0   3   4.5  2.25  1.0          0.0
    """
    frame = without_mask(labels, -1)
    if frame.ndim != 2 or not np.issubdtype(frame.dtype, np.integer):
        raise ValueError(
            f"Integer labels of shape (y, x) are needed, not {frame.dtype} of shape "
            f"{frame.shape}."
        )
    row, column = np.nonzero(frame > 0)
    ids, owner = np.unique(frame[row, column], return_inverse=True)
    count = np.bincount(owner, minlength=len(ids))

    def mean(values: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.bincount(owner, weights=values, minlength=len(ids)) / count

    boxes = _boxes(row, column, owner, count)
    x, y = mean(column.astype(float)), mean(row.astype(float))
    dx, dy = column - x[owner], row - y[owner]
    eccentricity, orientation = _ellipse(mean(dx * dx), mean(dy * dy), mean(dx * dy))
    table = {
        "id": ids.astype(np.int64),
        "area": count * sampling**2,
        "x": x * sampling,
        "y": y * sampling,
        "equivalent_diameter": np.sqrt(4 * count / np.pi) * sampling,
        "perimeter": _perimeters(frame, ids, boxes) * sampling,
        "eccentricity": eccentricity,
        "orientation": orientation,
        "touches_border": np.isin(ids, _border(frame)),
    }
    if image is not None:
        intensity = without_mask(image)
        if intensity.shape != frame.shape:
            raise ValueError(
                f"The image has the shape {intensity.shape}, the labels {frame.shape}."
            )
        table["mean_intensity"] = _means(intensity[row, column], owner, len(ids))
    return pd.DataFrame(table)


def _ellipse(
    xx: NDArray[np.float64], yy: NDArray[np.float64], xy: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return eccentricity and orientation from the second central moments in pixels."""
    # The moments are taken at the centers of pixels; each pixel is a square.
    xx, yy = xx + 1 / 12, yy + 1 / 12
    middle, spread = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    eccentricity = np.sqrt(2 * spread / (middle + spread))
    orientation = np.degrees(np.arctan2(2 * xy, xx - yy)) / 2
    return eccentricity, np.where(orientation <= -90, 90.0, orientation)


def _perimeters(
    frame: NDArray[np.integer],
    ids: NDArray[np.integer],
    boxes: list[tuple[slice, slice]],
) -> NDArray[np.float64]:
    perimeters = np.zeros(len(ids))
    for index, (number, box) in enumerate(zip(ids, boxes, strict=True)):
        particle = np.pad(frame[box] == number, 1)
        perimeters[index] = perimeter_crofton(particle, 4)  # type: ignore[no-untyped-call]
    return perimeters


def _boxes(
    row: NDArray[np.intp],
    column: NDArray[np.intp],
    owner: NDArray[np.intp],
    count: NDArray[np.intp],
) -> list[tuple[slice, slice]]:
    """Return the bounding box of each particle from the list of its pixels."""
    if len(count) == 0:
        return []
    order = np.argsort(owner, kind="stable")
    start = np.cumsum(count) - count
    limits = [
        limit.reduceat(index[order], start).tolist()
        for index in (row, column)
        for limit in (np.minimum, np.maximum)
    ]
    return [
        (slice(top, bottom + 1), slice(left, right + 1))
        for top, bottom, left, right in zip(*limits, strict=True)
    ]


def _means(
    values: NDArray[Any], owner: NDArray[np.intp], count: int
) -> NDArray[np.float64]:
    """Return the mean of the finite values of each particle."""
    finite = np.isfinite(values)
    values, owner = values[finite].astype(float), owner[finite]
    with np.errstate(invalid="ignore"):
        total = np.bincount(owner, values, count)
        mean: NDArray[np.float64] = total / np.bincount(owner, minlength=count)
    return mean


def _border(frame: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return the labels at the edges of a frame and beside regions without data."""
    edges = [frame[0], frame[-1], frame[:, 0], frame[:, -1]]
    no_data = frame < 0
    if no_data.any():
        beside = ndimage.binary_dilation(no_data, iterations=_BESIDE)
        edges.append(frame[beside])
    return np.concatenate(edges)
