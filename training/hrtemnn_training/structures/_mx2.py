# SPDX-License-Identifier: GPL-3.0-or-later
"""MX2 layers: lattices of the common ones, unit cells of all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ase.build import mx2
from ase.data import atomic_numbers

from hyperspy_hrtemnn.analysis.refinement.atoms.known_sheets import (
    LATTICES as LATTICES_2H,
)

if TYPE_CHECKING:
    from ase import Atoms

LATTICES = {
    **LATTICES_2H,
    "TiS2": (3.407, 2.85),
    "TiSe2": (3.540, 3.06),
    "SnS2": (3.648, 2.95),
    "PtSe2": (3.728, 2.59),
}
"""Lattice constant a and distance between the planes of X [Å], of bulk crystals.

X-ray values; of 1T, from TiS2 on: Chianelli et al., Acta Cryst. B 31, 2344 (1975);
Riekel, J. Solid State Chem. 17, 389 (1976); Hazen and Finger, Am. Mineral. 63, 289
(1978); Furuseth et al., Acta Chem. Scand. 19, 257 (1965).
"""


def elements_of(formula: str) -> tuple[str, str]:
    """Return the symbols of M and X.

    Parameters
    ----------
    formula
        Written M before X, such as "MoS2".

    Raises
    ------
    ValueError
        If it is not of two different elements as 1 to 2.
    """
    match = re.fullmatch(r"([A-Z][a-z]?)([A-Z][a-z]?)2", formula)
    if (
        match is None
        or match[1] == match[2]
        or not {match[1], match[2]} <= atomic_numbers.keys()
    ):
        raise ValueError(f"{formula!r} is not a formula MX2, such as 'MoS2'.")
    return match[1], match[2]


def mx2_cell(formula: str, phase: str, a: float, thickness: float) -> Atoms:
    """Return one cell of a layer, M at z = 0, with as much vacuum as it is thick.

    Parameters
    ----------
    formula
        Written M before X, such as "MoS2".
    phase
        "2H", where the two X are one column along z, or "1T", where they are two.
    a
        Lattice constant [Å].
    thickness
        Distance between the planes of X [Å].
    """
    cell = mx2(formula, kind=phase, a=a, thickness=thickness)
    cell.cell[2, 2] = 2 * thickness
    return cell
