# SPDX-License-Identifier: GPL-3.0-or-later
"""Crystals that particles sit on, and the surfaces at which they are cut."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from ase.build import bulk
from ase.io import read
from ase.spacegroup import crystal

if TYPE_CHECKING:
    from ase import Atoms

    from ._crystal import Indices

_SAME_LAYER = 0.01  # [Å]


class Face(NamedTuple):
    """How a crystal is cut and looked at.

    Parameters
    ----------
    surface
        (hkl).
    zone_axis
        [uvw] along the beam.
    top
        Element of the outermost layer; where not given, any.
    """

    surface: Indices
    zone_axis: Indices
    top: str | None = None


FACES = {
    # Thesis 3.1 asks for (111) and [110]. Cerium on top is how the networks so far
    # saw it; the neutral surface would be the oxygen above.
    "CeO2": Face((-1, 1, 1), (1, 1, 0), top="Ce"),
    "MgO": Face((0, 1, 0), (0, 0, 1)),
    "rutile": Face((1, 1, 0), (0, 0, 1)),
    "anatase": Face((1, 0, 1), (0, 1, 0)),
}
"""Of each built-in crystal its commonest surface and a zone axis in it: thesis 3.1
(CeO2), the cleavage plane (MgO), Diebold, Surf. Sci. Rep. 48 (2003) 53 (TiO2)."""


def find_crystal(name: str) -> Atoms:
    """Return one conventional cell of a crystal.

    Parameters
    ----------
    name
        "CeO2" (a = 5.47 Å, Materials Project, thesis 3.1), "MgO" (a = 4.212 Å),
        "rutile", "anatase" (both Burdett et al., J. Am. Chem. Soc. 109 (1987) 3639,
        at 295 K), or the path of a CIF.

    Raises
    ------
    ValueError
        If it is none of these, or the file cannot be read.
    """
    match name:
        case "CeO2":
            return bulk("CeO2", "fluorite", a=5.47, cubic=True)
        case "MgO":
            return bulk("MgO", "rocksalt", a=4.212, cubic=True)
        case "rutile":
            return crystal(
                ("Ti", "O"),
                [(0, 0, 0), (0.305, 0.305, 0)],
                spacegroup=136,
                cellpar=[4.594, 4.594, 2.959, 90, 90, 90],
            )
        case "anatase":
            return crystal(
                ("Ti", "O"),
                [(0, 0, 0), (0, 0, 0.208)],
                spacegroup=141,
                cellpar=[3.785, 3.785, 9.514, 90, 90, 90],
            )
    return _read_cif(name)


def _read_cif(name: str) -> Atoms:
    if not Path(name).is_file():
        raise ValueError(
            f"{name!r} is no file, and no crystal known by name; name a CIF or one of "
            f"{', '.join(FACES)}."
        )
    try:
        return read(name, format="cif")
    except Exception as error:  # ASE raises whatever its parser trips over.
        raise ValueError(f"{name} cannot be read as a CIF: {error}") from error


def terminated(unit_cell: Atoms, surface: Indices, top: str | None = None) -> Atoms:
    """Return the crystal shifted such that its outermost layer is at the origin.

    Of all layers parallel to the surface, the outermost is the one below which a
    repeat unit has no dipole across the surface, since no other surface of an ionic
    crystal is stable (Tasker, J. Phys. C 12 (1979) 4977); of several such layers the
    one with the widest gap above, where the fewest bonds are cut.

    Parameters
    ----------
    unit_cell
        One conventional cell.
    surface
        (hkl).
    top
        Element of the outermost layer; where not given, any.

    Returns
    -------
    A copy. The plane through the origin, normal to (hkl), is its surface.

    Raises
    ------
    ValueError
        If the crystal has no such element.
    """
    indices = np.array(surface) // np.gcd.reduce(surface)
    normal = np.linalg.inv(np.asarray(unit_cell.cell)) @ indices
    spacing = 1 / np.linalg.norm(normal)
    normal *= spacing
    heights = unit_cell.positions @ normal
    # Neutral as a whole; that the weights are no charges does not matter for zero.
    weights = unit_cell.numbers - unit_cell.numbers.mean()

    def cost(height: float) -> tuple[float, float]:
        depths = (height - heights + _SAME_LAYER) % spacing - _SAME_LAYER
        gap = spacing - depths.max()
        return round(abs(weights @ depths) / len(depths), 2), -round(gap, 2)

    layers = [
        height
        for height, symbol in zip(heights, unit_cell.symbols, strict=True)
        if top in {None, symbol}
    ]
    if not layers:
        raise ValueError(f"There is no {top} in {unit_cell.get_chemical_formula()}.")
    shifted = unit_cell.copy()
    shifted.positions -= min(layers, key=cost) * normal
    return shifted
