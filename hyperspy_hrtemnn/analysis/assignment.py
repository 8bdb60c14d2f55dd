# SPDX-License-Identifier: GPL-3.0-or-later
"""Assignment: one-to-one pairs of particles or columns in two frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.intp]


def assign(
    rows: Index, columns: Index, weight: NDArray[np.float64]
) -> tuple[Index, Index]:
    """Pair rows with columns one to one so that the sum of the weights is largest.

    Each group of competing pairs is solved by itself: a frame with hundreds of
    particles has hundreds of small problems, most of them with one pair.

    Parameters
    ----------
    rows, columns
        Row and column of each possible pair, shape (pair,); each pair once.
    weight
        Weight of each possible pair, shape (pair,).

    Returns
    -------
    Rows and columns of the pairs that are taken.
    """
    if len(rows) == 0:
        return rows, columns
    alone = (np.bincount(rows)[rows] == 1) & (np.bincount(columns)[columns] == 1)
    chosen_rows, chosen_columns = [rows[alone]], [columns[alone]]
    if alone.all():
        return rows, columns
    rows, columns, weight = rows[~alone], columns[~alone], weight[~alone]
    n_rows = int(rows.max()) + 1
    size = n_rows + int(columns.max()) + 1
    graph = coo_array((weight, (rows, columns + n_rows)), shape=(size, size))
    _, group = connected_components(graph, directed=False)
    group = group[rows]
    for number in np.unique(group):
        members = group == number
        row, row_at = np.unique(rows[members], return_inverse=True)
        column, column_at = np.unique(columns[members], return_inverse=True)
        gain = np.zeros((len(row), len(column)))
        gain[row_at, column_at] = weight[members]
        i, j = linear_sum_assignment(gain, maximize=True)
        paired = gain[i, j] > 0
        chosen_rows.append(row[i[paired]])
        chosen_columns.append(column[j[paired]])
    return np.concatenate(chosen_rows), np.concatenate(chosen_columns)


def near_pairs(
    known: NDArray[np.float64], found: NDArray[np.float64], search_range: float
) -> tuple[Index, Index, NDArray[np.float64]]:
    """Return all pairs of places within a search range, with a weight for `assign`.

    With these weights as many pairs as possible are taken and, among these, the
    nearest.

    Parameters
    ----------
    known, found
        Places, shape (place, 2).
    search_range
        Longest distance of a pair.

    Returns
    -------
    Positions in `known` and `found`, and weights, each of shape (pair,).
    """
    if not len(known) or not len(found):
        return np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0)
    near = cKDTree(known).sparse_distance_matrix(
        cKDTree(found), search_range, output_type="ndarray"
    )
    # Between 1 and 1/2: two far pairs are worth more than one near pair.
    return near["i"], near["j"], 1 - (near["v"] / search_range) ** 2 / 2
