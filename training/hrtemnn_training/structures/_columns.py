# SPDX-License-Identifier: GPL-3.0-or-later
"""Atomic columns: atoms that lie behind one another along the beam."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray


def column_of_atoms(
    positions: NDArray[np.floating], radius: float = 0.3
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the column each atom is of, and the mean positions of the columns.

    Atoms nearer than `radius` to each other in projection are of one column, however
    far they are along the beam (thesis 3.1).

    Parameters
    ----------
    positions
        x, y, z of the atoms, shape (atom, 3) [Å].
    radius
        Well below the lattice constant, large enough for displaced atoms [Å].

    Returns
    -------
    Number of the column of each atom, shape (atom,), and x, y of the columns, shape
    (column, 2) [Å].
    """
    projected = np.asarray(positions, dtype=float)[:, :2]
    pairs = cKDTree(projected).query_pairs(radius, output_type="ndarray")
    n = len(projected)
    graph = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), (n, n))
    n_sites, column = connected_components(graph, directed=False)
    counts = np.bincount(column, minlength=n_sites)
    sums = [np.bincount(column, projected[:, i], n_sites) for i in (0, 1)]
    centers = (np.stack(sums, axis=1) / counts[:, np.newaxis]).astype(np.float32)
    return column.astype(np.intp), centers
