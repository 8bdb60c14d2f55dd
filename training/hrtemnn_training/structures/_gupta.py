# SPDX-License-Identifier: GPL-3.0-or-later
"""Gupta potential: energies and forces of the atoms of a metal particle.

The second-moment approximation of tight binding: an atom is repelled by each of its
neighbors, and bound by the square root of what all of them give.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from ase.data import atomic_numbers
from scipy.spatial import cKDTree

from ._gupta_parameters import ENDS, PURE, PairParameters, check_potential, mixed

if TYPE_CHECKING:
    from numpy.typing import NDArray


_SKIN = 0.5  # by which the list of pairs reaches farther [Å]


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
        of_number = {atomic_numbers[element]: element for element in PURE}
        present = np.unique(numbers).tolist()
        check_potential(of_number.get(n, str(n)) for n in present)
        elements = [of_number[n] for n in present]
        self._kinds = np.searchsorted(present, numbers)
        table = [mixed(PURE[a], PURE[b]) for a, b in product(elements, elements)]
        shape = (len(elements), len(elements), len(PairParameters._fields))
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
        # It takes a second to import.
        from ._gupta_forces import energy_and_forces

        self._find_pairs(positions)
        energy, forces = energy_and_forces(
            positions, self._pairs, self._kinds, self._table
        )
        return float(energy), np.asarray(forces)

    def _find_pairs(self, positions: NDArray[np.float64]) -> None:
        """Find the pairs anew if atoms have moved so far that some may be missing."""
        if self._listed is not None:
            moved = np.sum((positions - self._listed) ** 2, axis=1).max()
            if moved < (_SKIN / 2) ** 2:
                return
        self._listed = positions.copy()
        farthest = ENDS * self._table[..., -1] + _SKIN
        pairs = cKDTree(positions).query_pairs(farthest.max(), output_type="ndarray")
        first, second = pairs.T
        distance = np.linalg.norm(positions[first] - positions[second], axis=1)
        pairs = pairs[distance < farthest[self._kinds[first], self._kinds[second]]]
        # In order, memory is read from one end to the other.
        self._pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
