# SPDX-License-Identifier: GPL-3.0-or-later
"""Crystals: unit cells by name, from CIFs and from ASE; does not import HyperSpy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ase.build import bulk
from ase.data import chemical_symbols, reference_states
from ase.io import read
from ase.spacegroup import crystal

from hyperspy_hrtemnn.analysis import Crystal

if TYPE_CHECKING:
    from ase import Atoms

COMPOUNDS = ("CeO2", "MgO", "rutile", "anatase")
"""Compounds that are known by name."""

_ELEMENTS = ("fcc", "bcc", "hcp", "diamond")  # structures of elements, by ASE's names


def find_crystal(name: str) -> Atoms:
    """Return one conventional cell of a crystal.

    Parameters
    ----------
    name
        Symbol of an element that is fcc, bcc, hcp or diamond, with ASE's lattice
        constant; "CeO2" (a = 5.47 Å, Materials Project, thesis 3.1), "MgO"
        (a = 4.212 Å), "rutile", "anatase" (both Burdett et al., J. Am. Chem. Soc. 109
        (1987) 3639, at 295 K); or the path of a CIF.

    Raises
    ------
    ValueError
        If the name is not one of these, or the file cannot be read.
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
