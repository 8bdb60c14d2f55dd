# SPDX-License-Identifier: GPL-3.0-or-later
"""Crystals: unit cells by name, from CIFs and from ASE; does not import HyperSpy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ase.build import bulk
from ase.data import chemical_symbols, reference_states
from ase.io import read

from hyperspy_hrtemnn.analysis import Crystal
from hyperspy_hrtemnn.compounds import COMPOUNDS

if TYPE_CHECKING:
    from ase import Atoms

_ELEMENTS = ("fcc", "bcc", "hcp", "diamond")  # structures of elements, by ASE's names


def find_crystal(name: str) -> Atoms:
    """Return one conventional cell of a crystal.

    Parameters
    ----------
    name
        Symbol of an element that is fcc, bcc, hcp or diamond, with ASE's lattice
        constant; "CeO2", "MgO", "rutile", "anatase", "alpha-Al2O3", "gamma-Al2O3",
        "ZrO2" (monoclinic), "SrTiO3", "ZnO", "MgAl2O4" or "Fe3O4", whose sources are in
        `hyperspy_hrtemnn.compounds`; or the path of a CIF. All sites of gamma-Al2O3 are
        full, of which a ninth of those of aluminum would be empty.

    Raises
    ------
    ValueError
        If the name is not one of these, or the file cannot be read.
    """
    if name in COMPOUNDS:
        return COMPOUNDS[name]()
    structure = _structure(name)
    if structure not in _ELEMENTS:
        return _read_cif(name)
    return bulk(name, cubic=structure != "hcp")


def as_crystal(crystal: str | Path | Atoms) -> Crystal:
    """Return a crystal for the indexing of reflections.

    Parameters
    ----------
    crystal
        Name or path of a CIF, see `find_crystal`, or ASE atoms of one cell, to which
        Miller indices then refer.

    Raises
    ------
    ValueError
        If there is no such crystal, or it is not periodic in three directions.
    """
    atoms = find_crystal(str(crystal)) if isinstance(crystal, str | Path) else crystal
    if not len(atoms) or atoms.cell.rank < 3:
        raise ValueError("A crystal needs atoms and a cell of three vectors.")
    angstrom = 0.1  # in nm
    return Crystal(
        cell=np.asarray(atoms.cell) * angstrom,
        positions=atoms.get_scaled_positions(wrap=False),
        numbers=np.asarray(atoms.numbers),
    )


def _structure(name: str) -> str | None:
    """Return ASE's name for the structure of an element, None for other names."""
    if name not in chemical_symbols[1:]:
        return None
    state = reference_states[chemical_symbols.index(name)]
    return None if state is None else str(state["symmetry"])


def _read_cif(name: str) -> Atoms:
    if not Path(name).is_file():
        raise ValueError(
            f"{name!r} is not a file, and not a known crystal. Give the path of a CIF, "
            "the symbol of an fcc, bcc, hcp or diamond element, or one of "
            f"{', '.join(COMPOUNDS)}."
        )
    try:
        return read(name, format="cif")
    except Exception as error:  # ASE's parser raises errors of many types.
        raise ValueError(f"{name} cannot be read as a CIF: {error}") from error
