# SPDX-License-Identifier: GPL-3.0-or-later
"""Random network: atoms whose bonds find their length, with all others farther away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOMENTUM, _STIFFNESS, _SOFTNESS = 0.8, 0.2, 0.1


@dataclass(frozen=True)
class Springs:
    """What pulls bonded atoms together and pushes all others apart.

    With several elements only unlike atoms are bonded.

    Parameters
    ----------
    bonds
        Most bonds of an atom of each element.
    bond
        Length of a bond [Å].
    apart
        Least distance of atoms that are not bonded, for each pair of elements [Å].
    """

    bonds: tuple[int, ...]
    bond: float
    apart: tuple[tuple[float, ...], ...]

    def relaxed(
        self,
        positions: NDArray[np.float64],
        elements: NDArray[np.intp],
        period: NDArray[np.float64],
        *,
        steps: int,
    ) -> NDArray[np.float64]:
        """Pull bonded atoms to the bond length, push all others beyond the next shell.

        Steepest descent with momentum on springs along the pairs, all stiff enough that
        a lone pair is nearly at rest after one step. The bonds are found anew every
        fifth.

        Parameters
        ----------
        positions
            Positions of the atoms, shape (atom, 3) [Å].
        elements
            Element of each atom, an index into `bonds`, shape (atom,).
        period
            Lengths of the periodic box, shape (3,) [Å].
        steps
            Number of steps.
        """
        n = len(positions)
        apart = np.array(self.apart)
        velocity = np.zeros_like(positions)
        for step in range(steps):
            if step % 5 == 0:
                positions = positions % period
                pairs, bonded = self._pairs(positions, elements, period)
                first, second = pairs.T
                least = apart[elements[first], elements[second]]
            between = positions[first] - positions[second]
            between -= period * np.round(between / period)
            distance = np.linalg.norm(between, axis=1)
            push = np.where(
                bonded,
                _STIFFNESS * (self.bond - distance),
                _SOFTNESS * np.maximum(least - distance, 0),
            )
            push = between * (push / distance)[:, np.newaxis]
            force = [
                np.bincount(first, push[:, i], n) - np.bincount(second, push[:, i], n)
                for i in range(3)
            ]
            velocity = _MOMENTUM * velocity + np.stack(force, axis=1)
            positions = positions + velocity
        return positions % period

    def _pairs(
        self,
        positions: NDArray[np.float64],
        elements: NDArray[np.intp],
        period: NDArray[np.float64],
    ) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Return pairs of atoms that may touch soon, shape (pair, 2), and the bonded.

        Two atoms are bonded if each is among the nearest of the other, as many as it
        has bonds.
        """
        pairs = cKDTree(positions, boxsize=period).query_pairs(
            np.max(self.apart) + 0.3, output_type="ndarray"
        )
        between = positions[pairs[:, 0]] - positions[pairs[:, 1]]
        between -= period * np.round(between / period)
        pairs = pairs[np.argsort(np.linalg.norm(between, axis=1))]
        kinds = elements[pairs]
        bonded = (len(self.bonds) == 1) | (kinds[:, 0] != kinds[:, 1])
        # From the nearest pair on, the how-manieth pair it is for each of its atoms.
        atoms = pairs[bonded].ravel()
        order = np.argsort(atoms, kind="stable")
        in_order = atoms[order]
        rank = np.empty_like(atoms)
        rank[order] = np.arange(len(atoms)) - np.searchsorted(in_order, in_order)
        most = np.array(self.bonds)[kinds[bonded]]
        bonded[bonded] = np.all(rank.reshape(-1, 2) < most, axis=1)
        return pairs, bonded
