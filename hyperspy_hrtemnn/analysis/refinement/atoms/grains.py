# SPDX-License-Identifier: GPL-3.0-or-later
"""Grains: parts of a hexagonal sheet with one orientation, found from columns.

Bonds lead from column to column, so that the sheet may be strained and bent; columns
that no bond reaches are found by the sites that their surroundings predict.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# Largest distance of a column from its site, in lengths of a bond.
_TOLERANCE = 0.35

# Columns nearest to a site that tell how it is displaced.
_AROUND = 8

# Columns in the smallest grain.
_SMALLEST = 6

_ROUNDS = 4  # in which bonds and columns are found from each other

# Directions of bonds that are of one grain, as the precision of the angle times the
# symmetry: positions that are right to 5 % of a bond differ by half a radian in it.
_ALIKE = 4.0

# Columns of another grain that a column is bonded to if it is of that one.
_OTHERS = 2


@dataclass(frozen=True)
class Grain:
    """A part of a sheet with one orientation.

    Parameters
    ----------
    columns
        Numbers of its columns, shape (column,).
    sublattice
        Sublattice of each, 0 or 1.
    indices
        Site of each, in lattice vectors, shape (column, 2).
    origin
        Position of the site (0, 0) of sublattice 0 [Å].
    bonds
        The three bonds from sublattice 0 to 1 [Å], shape (3, 2).
    """

    columns: NDArray[np.intp]
    sublattice: NDArray[np.intp]
    indices: NDArray[np.intp]
    origin: NDArray[np.float64]
    bonds: NDArray[np.float64]

    @property
    def vectors(self) -> NDArray[np.float64]:
        """Lattice vectors, one per row [Å]."""
        return np.array([self.bonds[0] - self.bonds[1], self.bonds[0] - self.bonds[2]])

    def ideal(
        self, sublattice: NDArray[np.intp], indices: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """Return the positions of sites in the ideal lattice [Å]."""
        return np.asarray(
            self.origin
            + indices @ self.vectors
            + np.asarray(sublattice)[:, np.newaxis] * self.bonds[0]
        )


def find_grains(
    positions: NDArray[np.float64], expected: NDArray[np.intp] | None
) -> Iterator[tuple[NDArray[np.intp], Grain]]:
    """Find one grain after the other, and yield the numbers of its columns with it.

    Parameters
    ----------
    positions
        Positions of the columns in the plane of the sheet [Å], shape (column, 2).
    expected
        Sublattice that the class of each column tells, mostly right, -1 where it tells
        none; None where both are alike.
    """
    left = np.arange(len(positions))
    if len(left) < _SMALLEST:
        return
    # What is left of one grain by others may have longer distances.
    length = float(np.median(cKDTree(positions).query(positions, k=2)[0][:, 1]))
    while len(left) >= _SMALLEST:
        known = None if expected is None else expected[left]
        grain = _find_grain(positions[left], known, length)
        if grain is None:
            break
        columns = left[grain.columns]
        yield columns, grain
        left = np.setdiff1d(left, columns)


def free_sites(grain: Grain) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return sublattice and indices of the sites that columns are bonded to or enclose.

    Parameters
    ----------
    grain
        The grain; sites with a column are left out.
    """
    # One more cell on each side, where no column is, so that it is outside.
    first = grain.indices.min(axis=0) - 1
    shape = (2, *(grain.indices.max(axis=0) - first + 2))
    taken = np.zeros(shape, bool)
    taken[(grain.sublattice, *(grain.indices - first).T)] = True
    one, other = _bonded_sites(shape)
    beside = np.zeros(taken.size, bool)
    for site, neighbor in ((one, other), (other, one)):
        beside[site[taken.flat[neighbor]]] = True
    both_free = ~(taken.flat[one] | taken.flat[other])
    bonds = (one[both_free], other[both_free])
    graph = coo_array((np.ones(len(bonds[0])), bonds), shape=(taken.size, taken.size))
    _, part = connected_components(graph, directed=False)
    edge = np.ones(shape, bool)
    edge[:, 1:-1, 1:-1] = False
    outside = np.isin(part, part[edge.ravel()])
    free = ~taken & (beside | ~outside).reshape(shape)
    sublattice, *indices = np.nonzero(free)
    return sublattice, np.transpose(indices) + first


def _bonded_sites(
    shape: tuple[int, ...],
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the numbers of sites of sublattice 0 and 1 that are bonded.

    Parameters
    ----------
    shape
        Sublattices, and cells along both lattice vectors; sites are counted in order.
    """
    sites = np.arange(np.prod(shape)).reshape(shape)
    pairs = (
        (sites[0], sites[1]),
        (sites[0, 1:], sites[1, :-1]),
        (sites[0, :, 1:], sites[1, :, :-1]),
    )
    one, other = (np.concatenate([p[n].ravel() for p in pairs]) for n in (0, 1))
    return one, other


def nearest_places(
    known: NDArray[np.float64], places: NDArray[np.float64], *, leave: bool
) -> NDArray[np.intp]:
    """Return the known places around each, with or without the nearest one.

    Parameters
    ----------
    known
        Positions (y, x), shape (known, 2).
    places
        Places around which they are looked for, shape (place, 2).
    leave
        Whether the nearest one is left out, which is the place itself.

    Returns
    -------
    Numbers of the known places, shape (place, number).
    """
    count = min(_AROUND + leave, len(known))
    _, near = cKDTree(known).query(places, k=count)
    return np.asarray(np.reshape(near, (len(places), count))[:, int(leave) :], np.intp)


def _find_grain(
    positions: NDArray[np.float64],
    expected: NDArray[np.intp] | None,
    length: float,
) -> Grain | None:
    tree = cKDTree(positions)
    pairs = tree.query_pairs((1 + _TOLERANCE) * length, output_type="ndarray")
    if len(pairs) < _SMALLEST:
        return None
    one, other = pairs.T
    if expected is not None:
        swapped = (expected[one] == 1) & (expected[other] == 0)
        one, other = np.where(swapped, other, one), np.where(swapped, one, other)
        clear = (expected[one] == 0) & (expected[other] == 1)
        if clear.any():
            one, other = one[clear], other[clear]
    way = positions[other] - positions[one]
    angle = np.arctan2(way[:, 0], way[:, 1])
    fold = 6 if expected is None else 3
    first = _most_common(fold * angle) / fold
    angles = first + 2 * np.pi / 3 * np.arange(3)
    bonds = length * np.stack([np.sin(angles), np.cos(angles)], axis=1)
    start = _start(positions, tree, bonds, expected, length)
    if start is None:
        return None
    grain = None
    for _ in range(_ROUNDS):
        found = _grow(positions, tree, bonds, start)
        if len(found[0]) < _SMALLEST:
            return grain
        grain = _fitted(positions, *found)
        if np.allclose(grain.bonds, bonds, atol=1e-3):
            break
        bonds = grain.bonds
    # Columns in a row have no lattice.
    if grain is None or abs(np.linalg.det(grain.vectors)) < length**2:
        return None
    return _with_lonely(positions, grain)


def _most_common(angle: NDArray[np.float64]) -> float:
    """Return the angle that most angles are near to [rad].

    Their mean is of no grain if there are several: opposite ones have none.
    """
    tried = np.linspace(-np.pi, np.pi, 72, endpoint=False)
    near = np.exp(_ALIKE * (np.cos(tried[:, np.newaxis] - angle) - 1))
    return float(np.angle(near[near.sum(axis=1).argmax()] @ np.exp(1j * angle)))


def _start(
    positions: NDArray[np.float64],
    tree: cKDTree,
    bonds: NDArray[np.float64],
    expected: NDArray[np.intp] | None,
    length: float,
) -> tuple[int, int] | None:
    """Return the column from which the grain grows, and its sublattice."""
    best, most = None, 0.0
    middle = np.median(positions, axis=0)
    for sublattice, sign in ((0, 1), (1, -1)):
        ends = positions[:, np.newaxis] + sign * bonds
        distance, _ = tree.query(ends, distance_upper_bound=_TOLERANCE * length)
        bonded = np.isfinite(distance).sum(axis=1).astype(float)
        if expected is not None:
            bonded[expected == 1 - sublattice] -= 1
        # The middle one of those with all bonds, by less than a bond counts.
        away = np.hypot(*(positions - middle).T)
        bonded -= 0.5 * away / max(float(away.max()), length)
        if bonded.max() > most:
            most, best = float(bonded.max()), (int(bonded.argmax()), sublattice)
    return best


def _grow(
    positions: NDArray[np.float64],
    tree: cKDTree,
    bonds: NDArray[np.float64],
    start: tuple[int, int],
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Follow the bonds, and return columns, sublattices and indices."""
    # The cell of the neighbor along each bond, seen from sublattice 0.
    steps = ((0, 0), (-1, 0), (0, -1))
    found = {start[0]: (start[1], (0, 0))}
    taken = {(start[1], 0, 0)}
    reach = _TOLERANCE * float(np.hypot(*bonds.T).mean())
    # All at once, as single queries would take most of the time.
    signs = np.array([1, -1])[:, np.newaxis, np.newaxis, np.newaxis]
    ends = positions[:, np.newaxis] + signs * bonds
    distance, nearest = tree.query(ends, distance_upper_bound=reach)
    bonded = np.where(np.isfinite(distance), nearest, -1).tolist()
    queue = deque([start[0]])
    while queue:
        column = queue.popleft()
        sublattice, (i, j) = found[column]
        sign = 1 - 2 * sublattice
        for near, step in zip(bonded[sublattice][column], steps, strict=True):
            site = (1 - sublattice, i + sign * step[0], j + sign * step[1])
            if near < 0 or near in found or site in taken:
                continue
            found[near] = (1 - sublattice, site[1:])
            taken.add(site)
            queue.append(near)
    columns = np.array(list(found), np.intp)
    of_columns = np.array([each[0] for each in found.values()], np.intp)
    indices = np.array([each[1] for each in found.values()], np.intp)
    return columns, of_columns, indices


def _fitted(
    positions: NDArray[np.float64],
    columns: NDArray[np.intp],
    sublattice: NDArray[np.intp],
    indices: NDArray[np.intp],
) -> Grain:
    """Return the grain with its lattice by least squares."""
    terms = np.column_stack([np.ones(len(columns)), sublattice, indices])
    solved = np.linalg.lstsq(terms, positions[columns], rcond=None)[0]
    origin, first, *vectors = solved
    bonds = np.array([first, first - vectors[0], first - vectors[1]])
    return Grain(columns, sublattice, indices, origin, bonds)


def _with_lonely(positions: NDArray[np.float64], grain: Grain) -> Grain:
    """Return a grain with the columns that are on its sites but bonded to none."""
    left = np.setdiff1d(np.arange(len(positions)), grain.columns)
    if not len(left):
        return grain
    ideal = grain.ideal(grain.sublattice, grain.indices)
    displacement = positions[grain.columns] - ideal
    near_left = nearest_places(ideal, positions[left], leave=False)
    places = positions[left] - displacement[near_left].mean(axis=1)
    inverse = np.linalg.inv(grain.vectors)
    length = float(np.hypot(*grain.bonds.T).mean())
    taken = {
        (s, *cell)
        for s, cell in zip(grain.sublattice, grain.indices.tolist(), strict=True)
    }
    fitting = []
    for column, place in zip(left.tolist(), places, strict=True):
        for sublattice in (0, 1):
            way = place - grain.origin - sublattice * grain.bonds[0]
            cell = np.round(way @ inverse).astype(int)
            distance = float(np.hypot(*(way - cell @ grain.vectors)))
            near = cKDTree(ideal).query(place)[0]
            # Farther from the grain its lattice is not known.
            if distance < _TOLERANCE * length and near < 4 * length:
                fitting.append((column, sublattice, cell))
                break
    others = np.setdiff1d(left, [column for column, *_ in fitting])
    added = []
    for column, sublattice, cell in fitting:
        site = (sublattice, *cell.tolist())
        away = np.hypot(*(positions[others] - positions[column]).T)
        # In a twin one sublattice goes on through the other grain.
        own = np.count_nonzero(away < (1 + _TOLERANCE) * length) < _OTHERS
        if own and site not in taken:
            taken.add(site)
            added.append((column, sublattice, cell))
    if not added:
        return grain
    columns, sublattices, cells = zip(*added, strict=True)
    return Grain(
        np.append(grain.columns, columns).astype(np.intp),
        np.append(grain.sublattice, sublattices).astype(np.intp),
        np.concatenate([grain.indices, np.array(cells)]),
        grain.origin,
        grain.bonds,
    )
