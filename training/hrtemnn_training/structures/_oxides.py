# SPDX-License-Identifier: GPL-3.0-or-later
"""Oxides: crystals of a support, and the surfaces at which they are cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

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
    # Neutral as a whole; that the weights are not charges does not matter for zero.
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
