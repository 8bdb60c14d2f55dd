# SPDX-License-Identifier: GPL-3.0-or-later
"""Structure: atoms in their simulation box, with what labels need to know of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from ._sites import Sites


@dataclass(frozen=True)
class Structure:
    """Atoms in a box, and the particles among them.

    Particles are the objects that labels show: nanoparticles, flakes, sheets, tubes.

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
        Atomic columns of the particles.
    outlines
        Corners (x, y) of the outline of each particle, in the order of the particle's
        number, from 1 [Å]; convex hulls, if the generator does not say otherwise.
    kinds
        Kind of each particle, in the same order.
    values
        Values that are true of the whole: numbers to regress, texts to classify. All
        generators give the `material`, such as "Au on CeO2".
    """

    positions: NDArray[np.float32]
    numbers: NDArray[np.uint8]
    particles: NDArray[np.uint8]
    box: tuple[float, float, float]
    sites: Sites
    outlines: tuple[NDArray[np.float32], ...]
    kinds: tuple[str, ...]
    values: Mapping[str, float | str] = field(default_factory=dict)
