# SPDX-License-Identifier: GPL-3.0-or-later
"""Materials as cards name them, "Au on CeO2", and the spacings of their lattices."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ase.data import chemical_symbols

from hyperspy_hrtemnn.analysis.refinement.atoms.known_sheets import LATTICES, graphene
from hyperspy_hrtemnn.analysis.reflections.crystal import reflecting_planes
from hyperspy_hrtemnn.compounds import COMPOUNDS
from hyperspy_hrtemnn.crystals import as_crystal

_ON = " on "

# Spacings of hexagonal sheets, seen along their normal, over their lattice constant.
_OF_SHEETS = {"{10}": math.sqrt(3) / 2, "{11}": 1 / 2, "{20}": math.sqrt(3) / 4}


@dataclass(frozen=True)
class Part:
    """A part of a material.

    Parameters
    ----------
    name
        Its name.
    spacings
        The spacing of each of its families of reflections by name, the largest first
        [Å]; none if it is amorphous, or its lattice is not known here.
    """

    name: str
    spacings: dict[str, float]


def parts_of(material: str, min_spacing: float) -> list[Part]:
    """Return the parts of a material, what the images are of first.

    Parameters
    ----------
    material
        A text such as "Au on CeO2" or "MoS2".
    min_spacing
        Smallest spacing [Å].

    Examples
    --------
    >>> for part in parts_of("Au on amorphous carbon", min_spacing=2):
    ...     print(part.name, {k: round(d, 2) for k, d in part.spacings.items()})
    Au {'{111}': 2.36, '{200}': 2.04}
    amorphous carbon {}
    """
    names = [name.strip() for name in material.split(_ON)]
    return [Part(name, _spacings(name, min_spacing)) for name in names]


def _spacings(name: str, min_spacing: float) -> dict[str, float]:
    constants = {sheet: a for sheet, (a, _) in LATTICES.items()}
    constants["graphene"] = graphene().lattice_constant
    if name in constants:
        every = {k: constants[name] * ratio for k, ratio in _OF_SHEETS.items()}
        return {k: d for k, d in every.items() if d >= min_spacing}
    # Only names: a card must not make us open a file.
    if name not in COMPOUNDS and name not in chemical_symbols[1:]:
        return {}
    try:
        planes = reflecting_planes(as_crystal(name), min_spacing / 10)
    except ValueError:
        # An element with a lattice that is not known here.
        return {}
    found = {
        planes.names[family]: 10 * float(spacing)
        for family, spacing in zip(planes.family, planes.spacing, strict=True)
    }
    return dict(sorted(found.items(), key=lambda item: -item[1]))
