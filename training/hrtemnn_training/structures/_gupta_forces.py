# SPDX-License-Identifier: GPL-3.0-or-later
"""Forces of the Gupta potential, in compiled loops over the pairs of atoms.

There are 200 000 pairs in a particle of 6 nm: with arrays for all of them a step took
fifteen times as long.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from ._gupta_parameters import ENDS, FADES

if TYPE_CHECKING:
    from numpy.typing import NDArray


@njit(cache=True)  # type: ignore[untyped-decorator]
def energy_and_forces(
    positions: NDArray[np.float64],
    pairs: NDArray[np.intp],
    kinds: NDArray[np.intp],
    table: NDArray[np.float64],
) -> tuple[float, NDArray[np.float64]]:
    """Return the energy [eV] and the forces [eV/Å]; see `GuptaPotential.forces`.

    Parameters
    ----------
    positions
        Positions of the atoms, shape (atom, 3) [Å].
    pairs
        Pairs of atoms that may be near, shape (pair, 2).
    kinds
        Number of the element of each atom, shape (atom,).
    table
        A, xi, p, q and r0 of each two elements, shape (element, element, 5).
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
        if distance >= ENDS * r0:
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


@njit(cache=True)  # type: ignore[untyped-decorator]
def _cutoff(distance: float) -> tuple[float, float]:
    """Return a factor that falls from 1 to 0, and its slope, by distances of r0."""
    x = min(max((distance - FADES) / (ENDS - FADES), 0.0), 1.0)
    factor = 1 - x * x * x * (10 + x * (6 * x - 15))
    return factor, -30 * (x * (1 - x)) ** 2 / (ENDS - FADES)
