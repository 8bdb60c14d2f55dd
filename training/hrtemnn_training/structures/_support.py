# SPDX-License-Identifier: GPL-3.0-or-later
"""Support: a slab of a crystal seen along its surface, on which particles sit."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.crystals import find_crystal

from ._amorphous import amorphous_film
from ._amorphous_materials import Material, densities
from ._crystal import (
    orientation,
    oriented_block,
    random_rotation,
    rotation_between,
    tilt,
)
from ._oxides import FACES, Face, terminated, without_empty_sites

if TYPE_CHECKING:
    from ._assembly import Group

_TOLERANCE = 1e-9  # that rounding does not thin out the layer at y = 0 [Å]

_ON_A_SURFACE = 0.5  # share of the slabs that end at a surface of low indices
_INDICES = (-1, 0, 1)
_SURFACES = [hkl for hkl in product(_INDICES, _INDICES, _INDICES) if any(hkl)]


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
    cut = terminated(unit_cell, face.surface, face.top)
    turn = tilt(rng.uniform(*tilts), rng.uniform(0, 360)) @ rotation
    slab = oriented_block(cut, turn, *_below_0(width, thickness))
    return without_empty_sites(crystal, slab, rng)


def make_turned_support(
    width: float, thickness: float, rng: np.random.Generator, *, crystal: str
) -> Group:
    """Return a slab as `make_support`, in any orientation.

    Half of the slabs have a surface of indices -1 to 1 at y = 0, turned about its
    normal by any angle; the others are cut anywhere.

    Parameters
    ----------
    width, thickness, crystal
        See `make_support`.
    rng
        Source of the orientation.

    Returns
    -------
    Positions, shape (atom, 3) [Å], and atomic numbers.

    Raises
    ------
    ValueError
        If there is no such crystal.
    """
    unit_cell = find_crystal(crystal)
    if rng.random() < _ON_A_SURFACE:
        surface = _SURFACES[rng.integers(len(_SURFACES))]
        unit_cell = terminated(unit_cell, surface)
        normal = np.linalg.inv(np.asarray(unit_cell.cell)) @ surface
        rotation = rotation_between(np.cross(normal, rng.normal(size=3)), normal)
    else:
        rotation = random_rotation(rng)
    slab = oriented_block(unit_cell, rotation, *_below_0(width, thickness))
    return without_empty_sites(crystal, slab, rng)


def make_amorphous_support(
    width: float, thickness: float, rng: np.random.Generator, *, material: Material
) -> Group:
    """Return a slab as `make_support`, of an amorphous film cut at y = 0.

    Parameters
    ----------
    width, thickness
        See `make_support`.
    rng
        Source of the film.
    material
        One of the materials of `amorphous_film`.

    Returns
    -------
    Positions, shape (atom, 3) [Å], and atomic numbers.
    """
    lower, upper = np.array(_below_0(width, thickness))
    x, y, z = (upper - lower).tolist()
    density = rng.uniform(*densities(material))
    positions, numbers = amorphous_film(material, (x, y, z), rng, density=density)
    return positions + lower, numbers


def make_slab(
    width: float, thickness: float, rng: np.random.Generator, *, crystal: str
) -> Group:
    """Return a film of a crystal in any orientation, across the beam from z = 0 up.

    Parameters
    ----------
    width
        Length along x and y, from 0 [Å].
    thickness
        Length along z [Å].
    rng
        Source of the orientation.
    crystal
        See `make_support`.

    Returns
    -------
    Positions, shape (atom, 3) [Å], and atomic numbers.
    """
    upper = [width, width, thickness]
    slab = oriented_block(find_crystal(crystal), random_rotation(rng), [0, 0, 0], upper)
    return without_empty_sites(crystal, slab, rng)


def _below_0(width: float, thickness: float) -> tuple[list[float], list[float]]:
    """Return the corners of the box of a support whose surface is at y = 0 [Å]."""
    return (
        [-width, -1.3 * width, -thickness / 2],
        [width, _TOLERANCE, thickness / 2],
    )
