# SPDX-License-Identifier: GPL-3.0-or-later
"""One structure in its simulation box, with what the labels need to know of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Structure:
    """Atoms in a box and the outlines of the particles among them.

    Parameters
    ----------
    positions
        x, y, z of each atom, shape (atom, 3) [Å]. The beam runs along z.
    numbers
        Atomic number of each atom, shape (atom,).
    particles
        Particle each atom belongs to, shape (atom,); 0 is the support.
    box
        Lengths of the box along x, y, z [Å].
    sites
        x, y of each atomic column of the particles, shape (site, 2) [Å].
    site_particles
        Particle each site belongs to, shape (site,).
    outlines
        Corners (x, y) of the convex hull of each particle, in the order of the
        particle's number, from 1 [Å].
    """

    positions: NDArray[np.float32]
    numbers: NDArray[np.uint8]
    particles: NDArray[np.uint8]
    box: tuple[float, float, float]
    sites: NDArray[np.float32]
    site_particles: NDArray[np.uint8]
    outlines: tuple[NDArray[np.float32], ...]
