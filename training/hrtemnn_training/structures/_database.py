# SPDX-License-Identifier: GPL-3.0-or-later
"""Database: structures of files, no set of elements in two data sets."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import defaultdict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import ase.io
import numpy as np
from ase.data import chemical_symbols
from pydantic import Field
from scipy.spatial.transform import Rotation

from hrtemnn_training.ranges import Range

from ._assembly import VACUUM, Group, assemble
from ._choices import Shares
from ._crystal import oriented_block, tilt
from ._generator import Generator, Purpose, Seed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ase import Atoms
    from numpy.typing import NDArray

    from ._sites import Sites
    from ._structure import Structure

_DEEP = 500.0  # beyond any sheet and any molecule [Å]


class Database(Generator):
    """Two-dimensional materials and molecules that somebody else has collected.

    Publication I, section 2: of the C2DB the materials of at most eight atoms a cell,
    split so that all with the same elements are in the same set. Here a hash of the
    elements splits them: the same on each machine, and still when the database grows.
    """

    generator: Literal["database"] = "database"
    path: Path = Field(
        description="an ASE database (.db, .json), another file that ASE reads, or a "
        "folder of such; each may hold many structures"
    )
    max_atoms: int = Field(
        8,
        ge=1,
        description="most atoms of a cell or a molecule; larger ones are left out",
    )
    axis_tilt: Range = Field((0.0, 10.0), description="off the beam [degrees]")
    shares: Shares[Purpose] = Field(
        {"train": 0.6, "validation": 0.2, "test": 0.2},
        description="shares of the sets of elements that go to each set, in proportion",
    )
    purpose: Purpose | None = Field(
        None, description="the set whose structures are drawn; all if not given"
    )

    def of(self, purpose: Purpose) -> Database:
        return self.model_copy(update={"purpose": purpose})

    @property
    def column_names(self) -> tuple[str, ...]:
        return ()  # depends on the elements of the structure

    def make(self, seed: Seed) -> Structure:
        """Draw one structure, turned about the beam and tilted off it.

        What is periodic along its first two axes is a sheet: one cell deep, it fills
        the field. All else is put into the field as it is. The classes of the columns
        are the elements in them, such as "Mo", "S" and "Mo+S"; the kind and the value
        `formula` are the chemical formula.

        Raises
        ------
        FileNotFoundError
            If `path` does not exist.
        ValueError
            If ASE cannot read a file, or no structure is left to be drawn.
        """
        rng = np.random.default_rng(seed)
        atoms = self._draw(rng)
        turn = Rotation.from_euler("z", rng.uniform(0, 360), degrees=True).as_matrix()
        rotation = tilt(rng.uniform(*self.axis_tilt), rng.uniform(0, 360)) @ turn
        formula = atoms.symbols.formula
        if _is_sheet(atoms):
            formula, _ = formula.reduce()
            particle = _filled(atoms, rotation, self.field)
        else:
            particle = _placed(atoms, rotation, self.field, rng)
        name = formula.format("metal")
        structure = assemble(
            None,
            [particle],
            self.field,
            kinds=[name],
            values={"formula": name},
            particles_of=name,
        )
        return dataclasses.replace(structure, sites=_by_elements(structure.sites))

    def _draw(self, rng: np.random.Generator) -> Atoms:
        found = [
            structure
            for elements, structures in _read(self.path, self.max_atoms).items()
            if self.purpose in {None, _purpose(elements, self.shares)}
            for structure in structures
        ]
        if not found:
            raise ValueError(
                f"{self.path} holds no structure of at most {self.max_atoms} atoms "
                f"for the set {self.purpose or 'of all'}; its elements are split by "
                f"the shares {self.shares}."
            )
        return found[rng.integers(len(found))]


@lru_cache(maxsize=1)
def _read(path: Path, max_atoms: int) -> Mapping[str, list[Atoms]]:
    """Return the structures that are not too large, by their elements."""
    if not path.exists():
        raise FileNotFoundError(f"There is no database or folder {path}.")
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.glob("[!.]*") if file.is_file())
    structures: dict[str, list[Atoms]] = defaultdict(list)
    for file in files:
        try:
            read = ase.io.read(file, ":")
        except Exception as error:  # of each format its own
            raise ValueError(f"ASE cannot read {file}: {error}") from error
        if not read:
            raise ValueError(f"ASE finds no structure in {file}; move it elsewhere.")
        for atoms in read:
            if 1 <= len(atoms) <= max_atoms:
                structures[" ".join(sorted(set(atoms.symbols)))].append(atoms)
    return structures


def _purpose(elements: str, shares: Mapping[Purpose, float]) -> Purpose:
    """Return the data set that has the structures of these elements."""
    digest = hashlib.sha256(elements.encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    purposes = sorted(shares)
    ends = np.cumsum([shares[purpose] for purpose in purposes])
    return purposes[int(np.searchsorted(ends / ends[-1], place, side="right"))]


def _is_sheet(atoms: Atoms) -> bool:
    return bool(atoms.pbc[0] and atoms.pbc[1])


def _filled(atoms: Atoms, rotation: NDArray[np.float64], field: float) -> Group:
    """Repeat a sheet until it fills the field."""
    layer = atoms.copy()
    layer.cell = layer.cell.complete()
    upright, _ = layer.cell.standard_form()
    layer.set_cell(upright, scale_atoms=True)
    layer.positions[:, 2] -= layer.positions[:, 2].mean()
    layer.cell[2] = [0, 0, 4 * _DEEP]
    half = field / 2
    positions, numbers = oriented_block(
        layer, rotation, [-half, -half, -_DEEP], [half, half, _DEEP]
    )
    return positions + np.array([half, half, 0]), numbers


def _placed(
    atoms: Atoms,
    rotation: NDArray[np.float64],
    field: float,
    rng: np.random.Generator,
) -> Group:
    """Put a structure anywhere in the field where all of it is seen."""
    positions = atoms.positions @ rotation.T
    positions -= (positions.max(axis=0) + positions.min(axis=0)) / 2
    slack = np.maximum(field / 2 - VACUUM - positions.max(axis=0)[:2], 0)
    positions[:, :2] += field / 2 + rng.uniform(-slack, slack)
    return positions, atoms.numbers.astype(np.uint8)


def _by_elements(sites: Sites) -> Sites:
    """Return the columns with the elements in them for classes."""
    symbols = np.array(chemical_symbols)[sites.elements]
    mixtures, classes = np.unique(sites.counts > 0, axis=0, return_inverse=True)
    names = tuple("+".join(symbols[mixture]) for mixture in mixtures)
    return dataclasses.replace(sites, classes=classes.astype(np.uint8), names=names)
