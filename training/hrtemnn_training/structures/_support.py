# SPDX-License-Identifier: GPL-3.0-or-later
"""An oxide slab seen along its surface, on which particles sit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ase.build import bulk

from ._crystal import oriented_block, rotation_between, tilt

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def make_support(
    width: float,
    thickness: float,
    tilts: tuple[float, float],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Return CeO2 whose (111) surface is at y = 0, with [110] near the beam.

    Thesis 3.1, with the lattice parameter of the Materials Project.

    Parameters
    ----------
    width
        Of the field of view; the slab reaches beyond it however it is turned [Å].
    thickness
        Along the beam, centred at z = 0 [Å].
    tilts
        Least and largest tilt of [110] off the beam [degrees].
    rng
        Source of the twin orientation and the tilt.

    Returns
    -------
    Positions, shape (atom, 3) [Å], and atomic numbers.
    """
    ceria = bulk("CeO2", crystalstructure="fluorite", a=5.47, cubic=True)
    orientation = rotation_between((1, 1, 0), (-1, 1, 1))
    if rng.random() < 0.5:
        # Mirrored along x and z, which is a rotation: the other twin.
        orientation *= [[-1], [1], [-1]]
    return oriented_block(
        ceria,
        tilt(rng.uniform(*tilts), rng.uniform(0, 360)) @ orientation,
        [-width, -1.3 * width, -thickness / 2],
        [width, 0.0, thickness / 2],
    )
