# SPDX-License-Identifier: GPL-3.0-or-later
"""Point defects of a honeycomb: turned bonds, double and single vacancies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._bond_network import BondNetwork

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


def add_defects(
    network: BondNetwork,
    rng: np.random.Generator,
    *,
    stone_wales: int = 0,
    double_vacancies: int = 0,
    vacancies: int = 0,
) -> BondNetwork:
    """Return the network with defects at random places, not relaxed.

    The defects of Banhart et al., ACS Nano 5, 26 (2011), apart from each other and from
    atoms that have less than three bonds; as many as there is room for.

    Parameters
    ----------
    network
        The sheet.
    rng
        Source of the places.
    stone_wales
        Bonds turned by 90 degrees: two pentagons and two heptagons each.
    double_vacancies
        Pairs of atoms removed and their neighbors bonded to each other: an octagon
        between two pentagons each.
    vacancies
        Atoms removed and their neighbors left with two bonds, the symmetric form.
    """
    positions, neighbors = network.positions.copy(), network.neighbors.copy()
    kept = np.ones(len(positions), bool)
    free = np.all(neighbors >= 0, axis=1)
    for i, j in _bonds_apart(neighbors, free, stone_wales, rng):
        _turn(positions, neighbors, i, j)
    for i, j in _bonds_apart(neighbors, free, double_vacancies, rng):
        _rebond(neighbors, i, j)
        _rebond(neighbors, j, i)
        kept[[i, j]] = False
    for i, _ in _bonds_apart(neighbors, free, vacancies, rng):
        kept[i] = False
    return BondNetwork(positions, network.numbers, neighbors).keep(kept)


def _bonds_apart(
    neighbors: NDArray[np.intp],
    free: NDArray[np.bool_],
    count: int,
    rng: np.random.Generator,
) -> Iterator[tuple[int, int]]:
    """Yield bonds among free atoms; what is near to them is no longer free."""
    for i in rng.permutation(len(free)):
        if count == 0:
            return
        j = neighbors[i, rng.integers(3)]
        if free[i] and np.all(free[neighbors[[i, j]]]):
            free[neighbors[neighbors[[i, j]]]] = False
            count -= 1
            yield i, j


def _turn(
    positions: NDArray[np.float64], neighbors: NDArray[np.intp], i: int, j: int
) -> None:
    """Turn a bond by 90 degrees: i takes a neighbor of j's, j one of i's."""
    middle, half = (positions[i] + positions[j]) / 2, (positions[j] - positions[i]) / 2
    normal = np.array([-half[1], half[0]])
    of_i = neighbors[i][neighbors[i] != j]
    of_j = neighbors[j][neighbors[j] != i]
    below = of_i[np.argmin(positions[of_i] @ normal)]
    above = of_j[np.argmax(positions[of_j] @ normal)]
    positions[i], positions[j] = middle + normal, middle - normal
    _replace(neighbors, i, below, above)
    _replace(neighbors, j, above, below)
    _replace(neighbors, above, j, i)
    _replace(neighbors, below, i, j)


def _rebond(neighbors: NDArray[np.intp], gone: int, partner: int) -> None:
    """Bond the neighbors of an atom to each other, but for one."""
    first, second = neighbors[gone][neighbors[gone] != partner]
    _replace(neighbors, first, gone, second)
    _replace(neighbors, second, gone, first)


def _replace(neighbors: NDArray[np.intp], atom: int, old: int, new: int) -> None:
    neighbors[atom, neighbors[atom] == old] = new
