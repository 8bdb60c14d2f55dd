# SPDX-License-Identifier: GPL-3.0-or-later
"""Structures of a database keep their lattice, and their elements keep to one set."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import ase.db
import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import graphene, molecule, mx2
from pydantic import ValidationError
from scipy.spatial import cKDTree

from hrtemnn_training.generation import PURPOSES, make_structures
from hrtemnn_training.recipe import Recipe
from hrtemnn_training.store import DataSet
from hrtemnn_training.structures import Database

if TYPE_CHECKING:
    from pathlib import Path

METALS = ("Mo", "W", "Nb", "Ta", "V", "Ti", "Zr", "Hf")
CHALCOGENS = ("S", "Se", "Te")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "2d.db"
    with ase.db.connect(path) as rows:
        for metal in METALS:
            for chalcogen in CHALCOGENS:
                sheet = mx2(f"{metal}{chalcogen}2", vacuum=7)
                rows.write(sheet)
                rows.write(mx2(f"{metal}{chalcogen}2", kind="1T"))
    return path


def folder_of(tmp_path: Path, **structures: Atoms) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    for name, atoms in structures.items():
        ase.io.write(folder / f"{name}.xyz", atoms)
    return folder


def flat(path: Path, **changes: object) -> Database:
    return Database(path=path, field=33, axis_tilt=(0, 0), **changes)


@pytest.mark.parametrize("turned", [False, True])
def test_a_sheet_fills_the_field_with_its_lattice(tmp_path: Path, turned: bool) -> None:
    sheet = mx2("MoS2", a=3.18, thickness=3.19, vacuum=7)
    if turned:  # the normal of a sheet need not be z
        sheet.rotate(50, "y", rotate_cell=True)
    structure = flat(folder_of(tmp_path, sheet=sheet)).make(2)
    molybdenum = structure.numbers == 42
    assert np.mean(molybdenum) == pytest.approx(1 / 3, abs=0.03)
    area = 3.18**2 * np.sqrt(3) / 2
    assert len(structure.sites) == pytest.approx(2 * 29**2 / area, rel=0.06)
    nearest, _ = cKDTree(structure.positions[molybdenum]).query(
        structure.positions[molybdenum], 2
    )
    np.testing.assert_allclose(nearest[:, 1], 3.18, atol=1e-3)
    assert np.ptp(structure.positions[:, 2]) == pytest.approx(3.19, abs=1e-3)


def test_columns_are_classified_by_their_elements(tmp_path: Path) -> None:
    structure = flat(folder_of(tmp_path, sheet=mx2("MoS2", vacuum=5))).make(0)
    sites = structure.sites
    assert sites.names == ("Mo", "S")
    assert structure.kinds == ("MoS2",)
    assert structure.values == {"formula": "MoS2", "material": "MoS2"}
    heights = [sites.heights[sites.classes == i] for i in (0, 1)]
    assert [set(h) for h in heights] == [{1}, {2}]
    assert len(heights[0]) == pytest.approx(len(heights[1]), rel=0.1)


def test_mixed_columns_name_all_their_elements(tmp_path: Path) -> None:
    # Two square nets, one behind the other: Pb before O, and Au alone.
    cell = Atoms(
        "PbOAu",
        [[0, 0, 0], [0, 0, 2.2], [2.1, 1.9, 1]],
        cell=[4.2, 3.8, 9],
        pbc=[True, True, False],
    )
    sites = flat(folder_of(tmp_path, cell=cell)).make(1).sites
    assert sites.names == ("Au", "O+Pb")
    assert {len(name.split("+")) for name in sites.names} == {1, 2}
    assert Counter(sites.heights[sites.classes == 1]).keys() == {2}


def test_sheets_are_turned_and_tilted(tmp_path: Path) -> None:
    path = folder_of(tmp_path, sheet=graphene(vacuum=4))
    ranges = Database(path=path, field=40, axis_tilt=(7, 7))
    directions = []
    for seed in range(4):
        positions = ranges.make(seed).positions.astype(float)
        centered = positions - positions.mean(axis=0)
        normal = np.linalg.svd(centered, full_matrices=False)[2][2]
        assert np.degrees(np.arccos(abs(normal[2]))) == pytest.approx(7, abs=1e-3)
        directions.append(np.round(normal * np.sign(normal[2]), 3))
    assert len(np.unique(directions, axis=0)) == 4


def test_a_molecule_is_placed_whole_and_once(tmp_path: Path) -> None:
    path = folder_of(tmp_path, benzene=molecule("C6H6"))
    structures = [flat(path, max_atoms=12).make(seed) for seed in range(3)]
    for structure in structures:
        assert len(structure.numbers) == 12
        assert structure.values["formula"] == "C6H6"
        assert structure.sites.names == ("C", "H")
    assert len({s.positions[0, 0] for s in structures}) == 3


@pytest.mark.parametrize("suffix", ["db", "json"])
def test_databases_of_both_kinds_are_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x.{suffix}"
    with ase.db.connect(path) as rows:
        rows.write(mx2("WSe2", vacuum=5))
        rows.write(mx2("WSe2", size=(2, 2, 1), vacuum=5))  # more than eight atoms
    for seed in range(4):
        assert flat(path).make(seed).values["formula"] == "WSe2"


def elements_of(path: Path, purpose: str, n: int = 60) -> set[frozenset[int]]:
    generator = Database(path=path, field=16).of(purpose)
    return {frozenset(generator.make(i).numbers.tolist()) for i in range(n)}


def test_no_set_of_elements_is_in_two_sets(database: Path) -> None:
    sets = [elements_of(database, purpose) for purpose in PURPOSES]
    assert all(sets)
    assert not sets[0] & sets[1]
    assert not sets[0] & sets[2]
    assert not sets[1] & sets[2]
    assert len(sets[0]) > len(sets[1])


def test_a_database_that_grows_moves_nothing(database: Path, tmp_path: Path) -> None:
    before = {purpose: elements_of(database, purpose) for purpose in PURPOSES}
    larger = tmp_path / "larger.db"
    with ase.db.connect(larger) as rows:
        rows.write(graphene(vacuum=5))
        for row in ase.db.connect(database).select():
            rows.write(row.toatoms())
    for purpose, others in ((p, set(PURPOSES) - {p}) for p in PURPOSES):
        for other in others:
            assert not elements_of(larger, purpose) & before[other]


def test_shares_are_those_asked_for() -> None:
    from hrtemnn_training.structures._database import _purpose

    shares = {"train": 2.0, "validation": 1.0}
    counts = Counter(_purpose(f"A{i} B", shares) for i in range(3000))
    assert counts["train"] / 3000 == pytest.approx(2 / 3, abs=0.03)
    assert counts["test"] == 0
    # These never change, or data sets of one recipe would.
    defaults = Database(path="x").shares
    pinned = [_purpose(elements, defaults) for elements in ("Mo S", "S W", "B N")]
    assert pinned == ["train", "validation", "test"]


def test_data_sets_of_a_recipe_are_split(
    database: Path, tmp_path: Path, recipe_values: dict
) -> None:
    recipe_values["structures"] = {
        "generator": "database",
        "path": str(database),
        "field": 16,
    }
    recipe = Recipe.model_validate(recipe_values)
    make_structures(recipe, tmp_path, processes=1, progress=False)
    formulas = [
        {data.read_structure(i).values["formula"] for i in range(len(data))}
        for data in (DataSet(tmp_path / f"{purpose}.zarr") for purpose in PURPOSES)
    ]
    assert not formulas[0] & formulas[1]
    assert not formulas[0] & formulas[2]
    assert not formulas[1] & formulas[2]


def test_same_seed_same_structure(database: Path) -> None:
    first, again = (flat(database).make(9) for _ in range(2))
    np.testing.assert_array_equal(first.positions, again.positions)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no database or folder .*nowhere\.db"):
        flat(tmp_path / "nowhere.db").make(0)
    folder = folder_of(tmp_path, sheet=graphene())
    (folder / "broken.json").write_text("{")
    with pytest.raises(ValueError, match=r"cannot read .*broken\.json"):
        flat(folder).make(0)
    (folder / "broken.json").unlink()
    (folder / "notes.txt").write_text("bought in May")
    with pytest.raises(ValueError, match=r"notes\.txt"):
        flat(folder).make(0)


def test_a_set_without_structures_is_an_error(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, sheet=graphene())
    with pytest.raises(ValueError, match="at most 1 atoms"):
        flat(folder, max_atoms=1).make(0)
    with pytest.raises(ValueError, match="for the set test"):
        flat(folder, shares={"train": 1, "test": 0}).of("test").make(0)


def test_shares_of_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="one share at least"):
        Database(path=tmp_path, shares={"train": 0})
