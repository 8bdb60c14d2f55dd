# SPDX-License-Identifier: GPL-3.0-or-later
"""Lattice fit: the ideal lattice of the columns of a crystal, and its empty sites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import binary_fill_holes
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components
from scipy.spatial import cKDTree

from .vectors import find_lattice_vectors, reduced, span_a_plane

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# Steps to the nearest sites of the same sublattice, in lattice vectors that are 60 to
# 90 degrees apart.
STEPS = np.array([(1, 0), (0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1)])

# Longest distance of a column from the end of a lattice vector from its neighbor, in
# distances of nearest columns.
_TOLERANCE = 0.4

_ROUNDS = 10  # rounds in which lattice vectors and neighbors are found from each other

_SMALLEST = 3  # columns in the smallest lattice

# Number of neighbors that are averaged for the position of a missing column.
_AROUND = 6


@dataclass(frozen=True)
class Lattice:
    """An ideal lattice, and the sites on which the columns of a frame are.

    Columns that lattice vectors connect are a part: one sublattice of one crystal.
    MoS2, a honeycomb, has two parts, of Mo and of S.

    Parameters
    ----------
    vectors
        Lattice vectors, one per row, (x, y) in the unit of the positions.
    parts
        Number of the part of each column, -1 for a column that is not on a lattice,
        shape (column,).
    indices
        Distance of each column from the origin of its part, in lattice vectors, shape
        (column, 2).
    neighbors
        Column that each of the `STEPS` leads to, -1 where there is none, shape
        (column, 6).
    ideal
        Position of each column in the ideal lattice, NaN for a column that is not on a
        lattice, shape (column, 2).
    """

    vectors: NDArray[np.float64]
    parts: NDArray[np.intp]
    indices: NDArray[np.intp]
    neighbors: NDArray[np.intp]
    ideal: NDArray[np.float64]


def fit_lattice(
    positions: ArrayLike, vectors: ArrayLike | None = None, *, refine: bool = True
) -> Lattice:
    """Fit a lattice to the columns of a frame.

    Lattice vectors lead from each column to its neighbors, so that the lattice may be
    strained by some percent and turned by some degrees from one column to the next, and
    by more in total. Lattice vectors and the origin of each sublattice are then fitted
    by least squares.

    Parameters
    ----------
    positions
        Positions of the columns, shape (column, 2): ``x`` and ``y`` of a frame.
    vectors
        Lattice vectors to begin with, one per row, within about 10 % and 10 degrees of
        the true ones. By default they are found from the positions.
    refine
        Whether to fit the vectors. If not, only the origins are fitted, and `ideal` is
        the lattice with exactly the given vectors.

    Raises
    ------
    ValueError
        If the positions or vectors have the wrong shape, or no lattice fits.

    Examples
    --------
    >>> i, j = np.mgrid[:5, :6].reshape(2, -1)
    >>> square = np.stack([0.4 * i, 0.4 * j], axis=1)
    >>> abs(fit_lattice(square).vectors.round(3))
    array([[0.4, 0. ],
           [0. , 0.4]])
    """
    places = np.asarray(positions, float)
    if places.ndim != 2 or places.shape[1] != 2 or not np.isfinite(places).all():
        raise ValueError(
            "Finite positions of shape (column, 2) are needed, not "
            f"{np.shape(positions)}; of a table take table[['x', 'y']] of one frame."
        )
    if vectors is None:
        cell = find_lattice_vectors(places)
    else:
        cell = np.asarray(vectors, float)
        if cell.shape != (2, 2) or abs(np.linalg.det(cell)) < 1e-6 * np.sum(cell**2):
            raise ValueError(f"Two independent vectors are needed, not {vectors}.")
        cell = reduced(cell)
    neighbors = _neighbors(places, cell)
    parts, indices = _index(neighbors)
    on = parts >= 0
    middle = np.stack([_means(c, parts) for c in (*indices.T, *places.T)], axis=1)
    offset, origin = middle[parts[on], :2], middle[parts[on], 2:]
    centered = indices[on] - offset
    if not span_a_plane(centered):
        raise ValueError(
            "No lattice fits: too few columns have neighbors at the lattice vectors "
            f"{cell.round(4).tolist()}. Give vectors that are nearer."
        )
    if refine:
        fitted = np.linalg.lstsq(centered, places[on] - origin, rcond=None)[0]
        cell = np.asarray(fitted, float)
    ideal = np.full(places.shape, np.nan)
    ideal[on] = origin + centered @ cell
    return Lattice(cell, parts, indices, neighbors, ideal)


def missing_sites(
    positions: ArrayLike, lattice: Lattice
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Find the sites without a column that columns of their sublattice enclose.

    Sites that are open to the edge of the crystal, or of the image, are not missing.

    Parameters
    ----------
    positions
        Positions of the columns, as given to `fit_lattice`.
    lattice
        Lattice from `fit_lattice`.

    Returns
    -------
    Positions of the missing columns, displaced as the six nearest of their sublattice
    are, shape (site, 2), and the part of the lattice of each site, shape (site,).
    """
    displacement = np.asarray(positions, float) - lattice.ideal
    connected = np.zeros((3, 3), bool)
    connected[1, 1] = True
    connected[tuple(1 + STEPS.T)] = True
    places, parts = [np.zeros((0, 2))], [np.zeros(0, np.intp)]
    for part in range(lattice.parts.max(initial=-1) + 1):
        members = np.flatnonzero(lattice.parts == part)
        indices = lattice.indices[members]
        lowest = indices.min(axis=0)
        occupied = np.zeros(np.ptp(indices, axis=0) + 1, bool)
        occupied[tuple((indices - lowest).T)] = True
        holes = binary_fill_holes(occupied, connected) & ~occupied
        empty = np.argwhere(holes) + lowest
        ideal = lattice.ideal[members[0]] + (empty - indices[0]) @ lattice.vectors
        count = min(_AROUND, len(members))
        _, near = cKDTree(lattice.ideal[members]).query(ideal, k=count)
        near = np.reshape(near, (len(empty), count))
        places.append(ideal + displacement[members[near]].mean(axis=1))
        parts.append(np.full(len(empty), part))
    return np.concatenate(places), np.concatenate(parts)


def _neighbors(
    places: NDArray[np.float64], cell: NDArray[np.float64]
) -> NDArray[np.intp]:
    """Return the column that each step leads to, and adjust the vectors to them."""
    neighbors = np.full((len(places), len(STEPS)), -1)
    if len(places) < 2:
        return neighbors
    tree = cKDTree(places)
    tolerance = _TOLERANCE * float(np.median(tree.query(places, k=2)[0][:, 1]))
    for _ in range(_ROUNDS):
        ends = places[:, np.newaxis] + STEPS @ cell
        _, found = tree.query(ends, distance_upper_bound=tolerance)
        found[found == len(places)] = -1
        if np.array_equal(found, neighbors):
            break
        neighbors = found
        column, step = np.nonzero(found >= 0)
        way = places[found[column, step]] - places[column]
        if span_a_plane(STEPS[step]):
            cell = np.linalg.lstsq(STEPS[step], way, rcond=None)[0]
    return neighbors


def _index(neighbors: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return part and indices of each column, counted from one column of the part."""
    count = len(neighbors)
    column, step = np.nonzero(neighbors >= 0)
    edges = (column, neighbors[column, step])
    graph = coo_array((step + 1, edges), shape=(count, count)).tocsr()
    # Only mutual neighbors are kept: the step back has to lead to the same column.
    graph = graph.multiply(graph.T != 0).tocsr()
    _, group = connected_components(graph, directed=False)
    sizes = np.bincount(group, minlength=1)
    large = np.flatnonzero(sizes >= _SMALLEST)
    number = np.full(len(sizes), -1)
    number[large] = np.arange(len(large))
    parts = number[group] if count else np.zeros(0, np.intp)
    indices = np.zeros((count, 2), np.intp)
    for part in range(len(large)):
        start = int(np.flatnonzero(parts == part)[0])
        order, before = breadth_first_order(graph, start, directed=True)
        after = order[1:]
        steps = STEPS[np.asarray(graph[before[after], after]).ravel() - 1]
        for node, previous, way in zip(after, before[after], steps, strict=True):
            indices[node] = indices[previous] + way
    return parts, indices


def _means(values: NDArray[np.float64], parts: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the mean of the values of each part."""
    on = parts >= 0
    counts = np.bincount(parts[on])
    return np.asarray(np.bincount(parts[on], values[on]) / np.maximum(counts, 1))
