# SPDX-License-Identifier: GPL-3.0-or-later
"""Bond network: flat atoms with at most three bonds each, and how they relax."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STRETCH = 26.060  # α of Jain et al. [eV/Å²]
_BEND = 5.511  # β of Jain et al. [eV/Å²]
_ANGLE = 2 * np.pi / 3


@dataclass(frozen=True)
class BondNetwork:
    """Atoms in a plane and the bonds between them.

    Parameters
    ----------
    positions
        x, y of each atom, shape (atom, 2) [Å].
    numbers
        Atomic number of each atom, shape (atom,).
    neighbors
        The atoms each atom is bonded to, shape (atom, 3); -1 where a bond is missing.
    """

    positions: NDArray[np.float64]
    numbers: NDArray[np.uint8]
    neighbors: NDArray[np.intp]

    def keep(self, kept: NDArray[np.bool_]) -> BondNetwork:
        """Return the network of the atoms that are True in `kept`, shape (atom,)."""
        renamed = np.where(kept, np.cumsum(kept) - 1, -1)
        renamed = np.append(renamed, -1)  # what a missing bond, -1, points at
        return BondNetwork(
            self.positions[kept], self.numbers[kept], renamed[self.neighbors[kept]]
        )


def energy(
    positions: NDArray[np.float64], neighbors: NDArray[np.intp], bond: float
) -> tuple[float, NDArray[np.float64]]:
    """Return the energy of a flat network and its gradient.

    The flat part of the potential of Jain et al., J. Phys. Chem. C 119, 9646 (2015):
    3/16 α/d² Σ (r² - d²)² over the bonds and 3/8 β d² Σ (θ - 120°)² over the angles
    between bonds. Only bonds that are given interact; nothing leaves the plane.

    Parameters
    ----------
    positions
        x, y of each atom, shape (atom, 2) [Å].
    neighbors
        See `BondNetwork`.
    bond
        Length d of a relaxed bond [Å].

    Returns
    -------
    Energy [eV] and its derivatives, shape (atom, 2) [eV/Å].
    """
    bonded = neighbors >= 0
    arms = np.where(
        bonded[..., np.newaxis], positions[neighbors] - positions[:, np.newaxis], 1.0
    )
    squares = np.sum(arms**2, axis=-1)
    # Half of each bond's energy, for both its atoms have it as an arm.
    stretch = np.where(bonded, squares - bond**2, 0.0)
    total = 3 / 32 * _STRETCH / bond**2 * np.sum(stretch**2)
    slopes = 3 / 8 * _STRETCH / bond**2 * stretch[..., np.newaxis] * arms

    directions = np.arctan2(arms[..., 1], arms[..., 0])
    turned = np.stack([-arms[..., 1], arms[..., 0]], axis=-1) / squares[..., np.newaxis]
    for first, second in ((0, 1), (1, 2), (2, 0)):
        angle = directions[:, second] - directions[:, first]
        angle = (angle + np.pi) % (2 * np.pi) - np.pi
        bend = np.where(
            bonded[:, first] & bonded[:, second], np.abs(angle) - _ANGLE, 0.0
        )
        total += 3 / 8 * _BEND * bond**2 * np.sum(bend**2)
        torque = 3 / 4 * _BEND * bond**2 * bend * np.sign(angle)
        slopes[:, second] += torque[:, np.newaxis] * turned[:, second]
        slopes[:, first] -= torque[:, np.newaxis] * turned[:, first]

    slopes[~bonded] = 0
    gradient = -slopes.sum(axis=1)
    ends = neighbors[bonded]
    for axis in (0, 1):
        gradient[:, axis] += np.bincount(ends, slopes[bonded, axis], len(positions))
    return float(total), gradient


def relax(network: BondNetwork, bond: float) -> BondNetwork:
    """Return the network with the atoms where `energy` is least.

    Parameters
    ----------
    network
        Near enough to its rest that no bonds cross.
    bond
        Length of a relaxed bond [Å].
    """

    def flat_energy(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        total, gradient = energy(flat.reshape(-1, 2), network.neighbors, bond)
        return total, gradient.ravel()

    found = minimize(
        flat_energy,
        network.positions.ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 500, "gtol": 1e-2},
    )
    return BondNetwork(found.x.reshape(-1, 2), network.numbers, network.neighbors)
