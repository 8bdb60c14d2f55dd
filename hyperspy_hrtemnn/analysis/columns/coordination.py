# SPDX-License-Identifier: GPL-3.0-or-later
"""Coordination of atomic columns: which are on the surface, and which in the bulk."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from .table import check_columns, neighbor_distance

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

# Neighbors are nearer than this many distances of nearest neighbors. Along [110] of an
# fcc crystal the six are at 1 and 1.155, and the next at 1.63; along [100] the four are
# at 1 and the next at 1.41.
_REACH = 1.3

# Share of columns that have at most as many neighbors as those in the bulk: single
# false columns add to the neighbors of some.
_FULL = 95


class Coordination(NamedTuple):
    """Neighbors of columns, and where they are.

    Attributes
    ----------
    neighbors
        Number of columns around each, shape (column,).
    surface
        Whether it lacks neighbors that columns in the bulk have, shape (column,).
    """

    neighbors: NDArray[np.float64]
    surface: NDArray[np.bool_]


def coordination(
    places: NDArray[np.float64],
    distance: float,
    share: NDArray[np.float64] | None = None,
) -> Coordination:
    """Return how many neighbors columns have, and which are on the surface.

    Parameters
    ----------
    places
        Places of columns or sites, shape (column, 2).
    distance
        Distance of neighboring columns.
    share
        Share of the time in which there is a column, 0 to 1, shape (column,); by
        default always.
    """
    there = np.ones(len(places)) if share is None else share
    neighbors = np.zeros(len(places))
    if len(places) > 1:
        pairs = cKDTree(places).query_pairs(_REACH * distance, output_type="ndarray")
        for one, other in (pairs.T, pairs.T[::-1]):
            np.add.at(neighbors, one, there[other])
    occupied = neighbors[there > 0.5]
    full = np.percentile(occupied, _FULL, method="higher") if len(occupied) else 0.0
    # Half a column less is lost to columns that are missed now and then.
    return Coordination(neighbors, neighbors < full - 0.5)


def column_coordination(columns: pd.DataFrame) -> pd.DataFrame:
    """Tell surface columns from bulk columns by the number of their neighbors.

    Neighbors are the columns of the same particle in the same frame that are nearer
    than 1.3 times the distance of nearest columns: six in a gold particle along [110],
    four along [100]. Columns of the bulk have as many as the best coordinated twentieth
    of the columns of the frame. At the edge of the field of view columns look as on a
    surface.

    Parameters
    ----------
    columns
        Table from `Segmentation.find_columns`, with ``frame``, ``x`` and ``y``, and
        ``id`` of the particle if there is one.

    Returns
    -------
    The table with ``coordination``, the number of neighbors, and ``surface``, whether
    there are fewer than in the bulk.

    Raises
    ------
    ValueError
        If the table lacks a column, or a place is not finite.

    Examples
    --------
    >>> import pandas as pd
    >>> x, y = np.mgrid[:3, :3].reshape(2, -1)
    >>> square = pd.DataFrame({"frame": 0, "x": x, "y": y})
    >>> column_coordination(square)["coordination"].tolist()
    [2, 3, 2, 3, 4, 3, 2, 3, 2]
    """
    check_columns(columns, "frame", "x", "y")
    distance = neighbor_distance(columns)
    neighbors = np.zeros(len(columns), np.int64)
    surface = np.zeros(len(columns), bool)
    keys = ["frame", "id"] if "id" in columns else ["frame"]
    if np.isfinite(distance):
        places = columns[["x", "y"]].to_numpy(float)
        for rows in columns.groupby(keys).indices.values():
            found = coordination(places[rows], distance)
            neighbors[rows], surface[rows] = found.neighbors, found.surface
    result = columns.assign(coordination=neighbors, surface=surface)
    result.attrs = dict(columns.attrs)
    return result
