# SPDX-License-Identifier: GPL-3.0-or-later
"""Relaxation: the atoms of a particle move to where no force is left on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._gupta import GuptaPotential

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._assembly import Group

# Of the FIRE algorithm, as in its paper; the time is in units in which atoms of 1 eV/Å
# are accelerated by 1 Å.
_STEP, _LONGEST = 0.1, 0.3
_FASTER, _SLOWER = 1.1, 0.5
_MIXING, _LESS_MIXING = 0.1, 0.99
_PATIENCE = 5

_FARTHEST = 0.12  # that an atom moves in one step [Å]


def relaxed(
    particle: Group, *, force: float = 0.1, steps: int = 150
) -> NDArray[np.float64]:
    """Return where the atoms of a particle are at rest, in the Gupta potential.

    This is the nearest minimum of the energy: bonds find their lengths and interfaces
    their steps, but atoms do not diffuse.

    Parameters
    ----------
    particle
        Positions, shape (atom, 3) [Å], and atomic numbers.
    force
        Largest force that may be left on an atom [eV/Å].
    steps
        Steps after which it is left as it is.

    Returns
    -------
    Positions about the same middle, shape (atom, 3) [Å].

    Raises
    ------
    ValueError
        If there are no parameters for one of the elements.

    References
    ----------
    E. Bitzek et al., Phys. Rev. Lett. 97 (2006) 170201 (FIRE).
    """
    positions, numbers = particle
    potential = GuptaPotential(numbers)
    positions = np.array(positions, float)
    velocity = np.zeros_like(positions)
    step, mixing, downhill = _STEP, _MIXING, 0
    for _ in range(steps):
        _, forces = potential.forces(positions)
        largest = np.sqrt(np.max(np.sum(forces**2, axis=1)))
        if largest < force:
            break
        if np.vdot(forces, velocity) > 0:
            ahead = forces * (np.linalg.norm(velocity) / np.linalg.norm(forces))
            velocity += mixing * (ahead - velocity)
            downhill += 1
            if downhill > _PATIENCE:
                step = min(step * _FASTER, _LONGEST)
                mixing *= _LESS_MIXING
        else:
            velocity[:] = 0
            step, mixing, downhill = step * _SLOWER, _MIXING, 0
        velocity += step * forces
        moves = step * velocity
        farthest = np.sqrt(np.max(np.sum(moves**2, axis=1)))
        positions += moves * min(1.0, _FARTHEST / max(farthest, 1e-12))
    return positions
