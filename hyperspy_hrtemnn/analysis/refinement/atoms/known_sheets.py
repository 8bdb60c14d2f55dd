# SPDX-License-Identifier: GPL-3.0-or-later
"""Known sheets: graphene, and one layer of MX2, with what may stand on their sites."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .occupants import Occupant, Sheet, empty

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Shares of sites that are expected to be something else; nobody knows them better, and
# images that tell anything tell more.
_VACANCY, _SUBSTITUTE, _ANTISITE = 0.03, 0.01, 0.001

LATTICES = {
    "MoS2": (3.160, 3.17),
    "MoSe2": (3.288, 3.33),
    "MoTe2": (3.519, 3.60),
    "WS2": (3.153, 3.14),
    "WSe2": (3.282, 3.34),
    "NbSe2": (3.445, 3.33),
}
"""Lattice constant and distance between the planes of X [Å] of layers in the phase 2H.

X-ray values of bulk crystals: Bronsema et al., Z. Anorg. Allg. Chem. 540, 15 (1986);
James and Lavik, Acta Cryst. 16, 1183 (1963); Puotinen and Newnham, Acta Cryst. 14, 691
(1961); Schutte et al., J. Solid State Chem. 70, 207 (1987); Marezio et al., J. Solid
State Chem. 4, 425 (1972).
"""

_OWN = "{} is among the dopants, and the sheet itself has it; name other elements only."

_GRAPHENE = 2.46  # lattice constant [Å]


def sheet_of_classes(
    classes: Iterable[str], dopants: Sequence[str] = ()
) -> tuple[Sheet, dict[str, str]]:
    """Return the sheet that the classes of a table of columns are of.

    Parameters
    ----------
    classes
        Names of classes: ``C`` for graphene; ``1M``, ``2X`` and ``1X`` for a layer of
        MX2 in the phase 2H, such as ``1Mo``, ``2S`` and ``1S``, or those of columns
        that are refined already.
    dopants
        Symbols of elements that may stand in place of others.

    Returns
    -------
    The sheet, and the name of the occupant for each class: one X is taken for an upper
    one to begin with.

    Raises
    ------
    ValueError
        If the classes are not those of a known sheet.
    """
    names = sorted({str(each) for each in classes})
    if names in (["C"], ["1C"]):
        if "C" in dopants:
            raise ValueError(_OWN.format("C"))
        return graphene(dopants), {names[0]: "C"}
    metals = [each[1:] for each in names if re.fullmatch(r"1[A-Z][a-z]?", each)]
    pairs = [each[1:] for each in names if re.fullmatch(r"2[A-Z][a-z]?", each)]
    elements = {*metals, *pairs}
    pairs = [each for each in pairs if each not in dopants]
    metals = [each for each in metals if each not in (*pairs, *dopants)]
    if len(metals) != 1 or len(pairs) != 1:
        if len(elements) == len("MX") and (own := elements & set(dopants)):
            raise ValueError(_OWN.format(", ".join(sorted(own))))
        raise ValueError(
            f"The columns are of the classes {', '.join(names)}; known are C, of "
            "graphene, and those of a layer MX2 such as 1Mo, 2S and 1S."
        )
    m, x = metals[0], pairs[0]
    sheet = mx2(m, x, dopants)
    # Columns that are refined already have the names of occupants.
    of_class = {each.name: each.name for each in sheet.occupants if each.atoms}
    of_class[f"1{x}"] = f"1{x} upper"
    if not of_class.keys() >= set(names):
        raise ValueError(
            f"The class {', '.join(sorted(set(names) - set(of_class)))} is not of a "
            f"layer {m}{x}2."
        )
    return sheet, of_class


def graphene(dopants: Sequence[str] = ()) -> Sheet:
    """Return graphene: C, a dopant, or nothing on each site."""
    site = (
        Occupant("C", (("C", 0.0),), 1 - _VACANCY),
        *(Occupant(each, ((each, 0.0),), _SUBSTITUTE) for each in dopants),
        empty(_VACANCY),
    )
    return Sheet("graphene", _GRAPHENE, (site, site, ()))


def mx2(m: str, x: str, dopants: Sequence[str] = ()) -> Sheet:
    """Return one layer of MX2 in the phase 2H, where two X are one column.

    On a site of M may be M, a dopant, two X or nothing; on one of X two, the upper or
    the lower one alone, which is nearer to the exit or the entrance of the beam, a
    dopant in place of one or of both, M, or nothing.

    Parameters
    ----------
    m, x
        Symbols of M and X.
    dopants
        Symbols of elements that may stand in place of others.

    Raises
    ------
    ValueError
        If the lattice of the layer is not known.
    """
    formula = f"{m}{x}2"
    if formula not in LATTICES:
        raise ValueError(
            f"The lattice of {formula} in the phase 2H is not known, only that of "
            f"{', '.join(LATTICES)}."
        )
    constant, thickness = LATTICES[formula]
    half = thickness / 2
    metal = Occupant(f"1{m}", ((m, 0.0),), 1 - _VACANCY)
    pair = Occupant(f"2{x}", ((x, -half), (x, half)), 1 - 3 * _VACANCY)
    upper = Occupant(f"1{x} upper", ((x, half),), _VACANCY)
    lower = Occupant(f"1{x} lower", ((x, -half),), _VACANCY)
    of_m = [metal, pair.with_share(_ANTISITE)]
    of_x = [pair, upper, lower, metal.with_share(_ANTISITE)]
    for each in dopants:
        of_m.append(Occupant(f"1{each}", ((each, 0.0),), _SUBSTITUTE))
        of_x += [
            Occupant(f"1{each} upper 1{x}", ((x, -half), (each, half)), _SUBSTITUTE),
            Occupant(f"1{each} lower 1{x}", ((each, -half), (x, half)), _SUBSTITUTE),
            Occupant(f"2{each}", ((each, -half), (each, half)), _SUBSTITUTE),
        ]
    sublattices = (*of_m, empty(_VACANCY)), (*of_x, empty(_VACANCY)), ()
    return Sheet(formula, constant, sublattices)
