# SPDX-License-Identifier: GPL-3.0-or-later
"""Members: which atomic column belongs to which particle."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# A column may belong to a particle up to this distance from its pixels, in distances of
# neighboring columns.
_REACH = 0.6


class Members(NamedTuple):
    """What atomic columns belong to.

    Attributes
    ----------
    particle
        Number of the particle, 0 for a column that is near none, shape (column,).
    outside
        Distance from the pixels of the particle, 0 for a column inside, shape
        (column,).
    """

    particle: NDArray[np.int64]
    outside: NDArray[np.float64]


def particles_of_columns(
    positions: ArrayLike, labels: ArrayLike, reach: float | None = None
) -> Members:
    """Return the particle that each atomic column of a frame belongs to.

    This is the particle whose pixels are nearest. Columns on the surface may lie a
    little outside a mask, whose edge is smooth and flickers from frame to frame.

    Parameters
    ----------
    positions
        Row and column of each atomic column [pixels], shape (column, 2).
    labels
        Number of the particle of each pixel, 0 or less where there is none, shape
        (y, x).
    reach
        Longest distance of a column from the pixels of its particle [pixels]. The
        default is 0.6 times the median distance to the nearest column.

    Raises
    ------
    ValueError
        If a shape is wrong, or `reach` is negative.

    Examples
    --------
    >>> labels = np.zeros((6, 9), int)
    >>> labels[2:5, 3:7] = 4
    >>> particles_of_columns([(3, 4), (1, 5), (3, 0)], labels, reach=1).particle
    array([4, 4, 0])
    """
    places = np.asarray(positions, float).reshape(-1, 2)
    particles = np.asarray(labels)
    if particles.ndim != 2:
        raise ValueError(f"labels have the shape {particles.shape}, not (y, x).")
    if reach is not None and not reach >= 0:
        raise ValueError(f"reach has to be 0 or more, not {reach}.")
    if not len(places) or not (particles > 0).any():
        return Members(np.zeros(len(places), np.int64), np.zeros(len(places)))
    if reach is None:
        reach = 0.0
        if len(places) > 1:
            reach = _REACH * float(
                np.median(cKDTree(places).query(places, k=2)[0][:, 1])
            )
    distance, (row, column) = distance_transform_edt(
        particles <= 0, return_indices=True
    )
    limit = np.array(particles.shape) - 1
    at = tuple(np.clip(np.rint(places).astype(np.intp), 0, limit).T)
    near = distance[at] <= reach
    particle = np.where(near, particles[row[at], column[at]], 0).astype(np.int64)
    return Members(particle, np.where(near, distance[at], 0.0))
