# SPDX-License-Identifier: GPL-3.0-or-later
"""Oxides: crystals of a support, and the surfaces at which they are cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from ase.data import atomic_numbers

if TYPE_CHECKING:
    from ase import Atoms

    from ._assembly import Group
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
    "alpha-Al2O3": Face((0, 0, 1), (1, 0, 0)),
    "gamma-Al2O3": Face((1, 1, 0), (1, -1, 0)),
    "ZrO2": Face((-1, 1, 1), (1, 1, 0)),
    "SrTiO3": Face((0, 1, 0), (0, 0, 1), top="Ti"),
    "ZnO": Face((1, 0, 0), (0, 1, 0)),
    "MgAl2O4": Face((1, 1, 1), (1, -1, 0)),
    "Fe3O4": Face((1, 1, 1), (1, -1, 0)),
    "Si": Face((1, 1, 1), (1, -1, 0)),
}
"""Of each built-in crystal its commonest surface and a zone axis in it: thesis 3.1
(CeO2), the cleavage plane (MgO, Si), Diebold, Surf. Sci. Rep. 48 (2003) 53 (TiO2),
Digne et al., J. Catal. 226 (2004) 54 (gamma-Al2O3), Christensen and Carter, Phys. Rev.
B 58 (1998) 8050 (ZrO2), the natural faces of the others."""

_EMPTY = {"gamma-Al2O3": ("Al", 1 / 9)}
"""Element of which sites are empty at random, and their share: Al21.3O32 has 24 sites
(Smrcok et al., Acta Cryst. C 62 (2006) i83, who find 0.17 and 0.18 of both kinds)."""


def without_empty_sites(crystal: str, atoms: Group, rng: np.random.Generator) -> Group:
    """Return a crystal without the atoms of sites that are empty, which it may have.

    Parameters
    ----------
    crystal
        Its name.
    atoms
        Atoms on all sites.
    rng
        Source of the choice of the sites.
    """
    if crystal not in _EMPTY:
        return atoms
    element, share = _EMPTY[crystal]
    positions, numbers = atoms
    sites = np.flatnonzero(numbers == atomic_numbers[element])
    gone = rng.choice(sites, round(share * len(sites)), replace=False)
    return np.delete(positions, gone, axis=0), np.delete(numbers, gone)


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
