# SPDX-License-Identifier: GPL-3.0-or-later
"""Support: a slab of a crystal seen along its surface, on which particles sit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperspy_hrtemnn.crystals import find_crystal

from ._crystal import orientation, oriented_block, tilt
from ._oxides import FACES, Face, terminated

if TYPE_CHECKING:
    import numpy as np

    from ._assembly import Group

_TOLERANCE = 1e-9  # that rounding does not thin out the layer at y = 0 [Å]


def make_support(
    width: float,
    thickness: float,
    tilts: tuple[float, float],
    rng: np.random.Generator,
    *,
    crystal: str = "CeO2",
    face: Face | None = None,
) -> Group:
    """Return a slab whose surface is at y = 0, with a zone axis near the beam.

    Thesis 3.1, for any crystal.

    Parameters
    ----------
    width
        Width of the field of view; the slab reaches beyond it however it is turned [Å].
    thickness
        Along the beam, centered at z = 0 [Å].
    tilts
        Least and largest tilt of the zone axis off the beam [degrees].
    rng
        Source of the twin orientation and the tilt.
    crystal
        A name or the path of a CIF, see `find_crystal`.
    face
        Surface and zone axis; by default those of the crystal of that name.

    Returns
    -------
    Positions, shape (atom, 3) [Å], and atomic numbers.

    Raises
    ------
    ValueError
        If there is no such crystal, or the zone axis does not lie in the surface.
    """
    unit_cell = find_crystal(crystal)
    face = face or FACES[crystal]
    rotation = orientation(unit_cell, face.zone_axis, face.surface)
    if rng.random() < 0.5:
        # Mirrored along x and z, which is a rotation: the other twin.
        rotation *= [[-1], [1], [-1]]
    return oriented_block(
        terminated(unit_cell, face.surface, face.top),
        tilt(rng.uniform(*tilts), rng.uniform(0, 360)) @ rotation,
        [-width, -1.3 * width, -thickness / 2],
        [width, _TOLERANCE, thickness / 2],
    )
