# SPDX-License-Identifier: GPL-3.0-or-later
"""Gupta potential: energies and forces of the atoms of a metal particle.

The second-moment approximation of tight binding: an atom is repelled by each of its
neighbors, and bound by the square root of what all of them give.
"""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from ase.data import atomic_numbers
from numba import njit
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


class _Pair(NamedTuple):
    """Parameters of two elements: A and xi [eV], p, q, and the distance r0 [Å]."""

    A: float
    xi: float
    p: float
    q: float
    r0: float


# Cleri and Rosato, Phys. Rev. B 48 (1993) 22, tables II and III. The distance is that
# of neighbors in the crystal; of cobalt, the mean of its two.
_PURE = {
    "Ag": _Pair(0.1028, 1.1780, 10.928, 3.139, 2.889),
    "Co": _Pair(0.0950, 1.4880, 11.604, 2.286, 2.502),
}

# The sums of that paper end after the fifth shell, at 2.236 distances of neighbors; the
# sixth is at 2.449.
_FADES, _ENDS = 2.25, 2.44
_SKIN = 0.5  # by which the list of pairs reaches farther [Å]


def check_potential(elements: Iterable[str]) -> None:
    """Raise a ValueError if there are no parameters for one of the elements."""
    for element in elements:
        if element not in _PURE:
            raise ValueError(
                f"there is no potential for {element!r}, only for {', '.join(_PURE)}"
            )


class GuptaPotential:
    """Gupta potential of particles of silver and cobalt.

    Silver and cobalt have the geometric means of the energies of both, and the
    arithmetic means of the other parameters.

    Parameters
    ----------
    numbers
        Atomic number of each atom, shape (atom,).

    Raises
    ------
    ValueError
        If there are no parameters for one of the elements.

    References
    ----------
    F. Cleri and V. Rosato, Phys. Rev. B 48 (1993) 22.
    """

    def __init__(self, numbers: NDArray[np.integer]) -> None:
        of_number = {atomic_numbers[element]: element for element in _PURE}
        present = np.unique(numbers).tolist()
        check_potential(of_number.get(n, str(n)) for n in present)
        elements = [of_number[n] for n in present]
        self._kinds = np.searchsorted(present, numbers)
        table = [_mixed(_PURE[a], _PURE[b]) for a, b in product(elements, elements)]
        shape = (len(elements), len(elements), len(_Pair._fields))
        self._table = np.array(table).reshape(shape)
        self._listed: NDArray[np.float64] | None = None

    def forces(
        self, positions: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64]]:
        """Return the energy of a particle [eV] and the forces on its atoms [eV/Å].

        Parameters
        ----------
        positions
            Positions of the atoms, shape (atom, 3) [Å]; none are in the same place.

        Returns
        -------
        The energy, and forces of the shape of `positions`.
        """
        self._find_pairs(positions)
        return _energy_and_forces(positions, self._pairs, self._kinds, self._table)

    def _find_pairs(self, positions: NDArray[np.float64]) -> None:
        """Find the pairs anew if atoms have moved so far that some may be missing."""
        if self._listed is not None:
            moved = np.sum((positions - self._listed) ** 2, axis=1).max()
            if moved < (_SKIN / 2) ** 2:
                return
        self._listed = positions.copy()
        farthest = _ENDS * self._table[..., -1] + _SKIN
        pairs = cKDTree(positions).query_pairs(farthest.max(), output_type="ndarray")
        first, second = pairs.T
        distance = np.linalg.norm(positions[first] - positions[second], axis=1)
        pairs = pairs[distance < farthest[self._kinds[first], self._kinds[second]]]
        # In order, memory is read from one end to the other.
        self._pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]


def _mixed(a: _Pair, b: _Pair) -> _Pair:
    return _Pair(
        A=math.sqrt(a.A * b.A),
        xi=math.sqrt(a.xi * b.xi),
        p=(a.p + b.p) / 2,
        q=(a.q + b.q) / 2,
        r0=(a.r0 + b.r0) / 2,
    )


@njit(cache=True)
def _energy_and_forces(
    positions: NDArray[np.float64],
    pairs: NDArray[np.intp],
    kinds: NDArray[np.intp],
    table: NDArray[np.float64],
) -> tuple[float, NDArray[np.float64]]:
    """Return the energy [eV] and the forces [eV/Å]; see `GuptaPotential.forces`.

    In loops, which are compiled: there are 200 000 pairs in a particle of 6 nm, and
    with arrays for all of them a step took ten times as long.
    """
    slopes = np.zeros((len(pairs), 2))
    squares = np.zeros(len(positions))
    energy = 0.0
    for n in range(len(pairs)):
        i, j = pairs[n]
        square = 0.0
        for k in range(3):
            square += (positions[i, k] - positions[j, k]) ** 2
        distance = math.sqrt(square)
        A, xi, p, q, r0 = table[kinds[i], kinds[j]]
        if distance >= _ENDS * r0:
            continue
        cut, slope = _cutoff(distance / r0)
        repelling = 2 * A * math.exp(-p * (distance / r0 - 1))
        binding = xi**2 * math.exp(-2 * q * (distance / r0 - 1))
        energy += repelling * cut
        squares[i] += binding * cut
        squares[j] += binding * cut
        slopes[n, 0] = repelling * (slope - p * cut) / (r0 * distance)
        slopes[n, 1] = binding * (slope - 2 * q * cut) / (r0 * distance)
    bonds = np.sqrt(squares)
    energy -= bonds.sum()
    # An atom without neighbors has no bond, and no force.
    halves = 0.5 / np.maximum(bonds, 1e-6)
    forces = np.zeros_like(positions)
    for n in range(len(pairs)):
        i, j = pairs[n]
        slope = slopes[n, 0] - slopes[n, 1] * (halves[i] + halves[j])
        for k in range(3):
            force = slope * (positions[i, k] - positions[j, k])
            forces[i, k] -= force
            forces[j, k] += force
    return energy, forces


@njit(cache=True)
def _cutoff(distance: float) -> tuple[float, float]:
    """Return a factor that falls from 1 to 0, and its slope, by distances of r0."""
    x = min(max((distance - _FADES) / (_ENDS - _FADES), 0.0), 1.0)
    factor = 1 - x * x * x * (10 + x * (6 * x - 15))
    return factor, -30 * (x * (1 - x)) ** 2 / (_ENDS - _FADES)
