# SPDX-License-Identifier: GPL-3.0-or-later
"""Flakes of MX2 have their lattices, vacancies, classes and graphene."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.path import Path as Polygon
from pydantic import TypeAdapter, ValidationError
from scipy.spatial import cKDTree

from hrtemnn_training.structures import (
    AnyGenerator,
    MX2Flake,
    Nanotube,
    Sheet,
    SupportedParticles,
)
from hrtemnn_training.structures._mx2 import LATTICES, mx2_cell

A_MOS2, THICKNESS_MOS2 = LATTICES["MoS2"]
MO, S, C = 42, 16, 6


def flat(**changes: Any) -> MX2Flake:
    """Flakes inside the field, on the zone axis, every atom at its place."""
    still: dict[str, Any] = {
        "side": (40, 50),
        "offset": (0, 0),
        "axis_tilt": (0, 0),
        "distort": 0,
        "vacancies": (0, 0),
        "holes": (0, 0),
        "graphene_vacancies": (0, 0),
    }
    return MX2Flake(**(still | changes))


def orientation(points: np.ndarray, spacing: float) -> float:
    """Direction of the shortest lattice vectors [degrees, of 60]."""
    i, j = cKDTree(points).query_pairs(spacing * 1.1, output_type="ndarray").T
    vectors = points[j] - points[i]
    vectors = vectors[np.hypot(*vectors.T) > spacing * 0.9]
    sixfold = np.exp(6j * np.arctan2(vectors[:, 1], vectors[:, 0])).mean()
    return float(np.degrees(np.angle(sixfold)) / 6)


@pytest.mark.parametrize(
    ("formula", "length"),
    [
        ("MoS2", 2.42),
        ("MoSe2", 2.53),
        ("MoTe2", 2.72),
        ("WS2", 2.41),
        ("WSe2", 2.53),
        ("NbSe2", 2.60),
        ("TiS2", 2.43),
        ("TiSe2", 2.56),
        ("SnS2", 2.57),
        ("PtSe2", 2.51),
    ],
)
def test_bonds_of_the_table_are_as_long_as_measured(
    formula: str, length: float
) -> None:
    for phase in ("2H", "1T"):
        cell = mx2_cell(formula, phase, *LATTICES[formula])
        assert cell.get_distance(0, 1, mic=True) == pytest.approx(length, abs=0.02)
        assert cell.get_distance(0, 2, mic=True) == pytest.approx(length, abs=0.02)


def test_columns_of_2h_are_a_honeycomb_of_metal_and_pairs() -> None:
    structure = flat().make(3)
    sites = structure.sites
    assert sites.names == ("1Mo", "2S", "1S")
    assert np.bincount(sites.classes, minlength=3)[2] == 0
    np.testing.assert_array_equal(sites.heights, np.where(sites.classes == 0, 1, 2))
    distances, others = cKDTree(sites.positions).query(sites.positions, 4)
    inner = distances[:, 3] < 2
    assert inner.sum() > 50
    np.testing.assert_allclose(distances[inner, 1:], A_MOS2 / np.sqrt(3), atol=2e-4)
    assert np.all(sites.classes[others[inner, 1:]] != sites.classes[inner, np.newaxis])
    metal = sites.positions[sites.classes == 0]
    nearest = cKDTree(metal).query(metal, 2)[0][:, 1]
    assert np.median(nearest) == pytest.approx(A_MOS2, abs=2e-4)
    z = structure.positions[structure.numbers == S, 2]
    assert np.ptp(z) == pytest.approx(THICKNESS_MOS2, abs=1e-4)


def test_in_1t_every_chalcogen_is_a_column() -> None:
    sites = flat(phases={"1T": 1}, formulas=("TiS2",)).make(3).sites
    n = np.bincount(sites.classes, minlength=3)
    assert n[1] == 0
    assert n[2] == pytest.approx(2 * n[0], rel=0.2)
    nearest = cKDTree(sites.positions).query(sites.positions, 2)[0][:, 1]
    assert np.median(nearest) == pytest.approx(LATTICES["TiS2"][0] / 3**0.5, abs=1e-3)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), percent=st.floats(0, 60))
def test_vacancies_are_a_percentage_of_the_sulfur(seed: int, percent: float) -> None:
    whole = flat().make(seed)
    structure = flat(vacancies=(percent, percent)).make(seed)
    n = np.sum(whole.numbers == S)
    gone = round(n * percent / 100)
    assert np.sum(structure.numbers == S) == n - gone
    assert np.sum(structure.numbers == MO) == np.sum(whole.numbers == MO)
    # Each is half of a column, or two are a whole one.
    singles = np.sum(structure.sites.classes == 2)
    assert singles + 2 * (len(whole.sites) - len(structure.sites)) == gone


def test_holes_are_whole_columns() -> None:
    whole, structure = flat().make(5), flat(holes=(20, 20)).make(5)
    n = len(whole.sites)
    assert len(structure.sites) == n - round(0.2 * n)
    assert set(structure.sites.classes) == {0, 1}


def test_a_flake_is_all_of_the_sheet_within_a_convex_outline() -> None:
    for seed in range(4):
        structure = flat().make(seed)
        sites = structure.sites
        metal = sites.positions[sites.classes == 0]
        angles = np.radians(orientation(metal, A_MOS2) + 60 * np.arange(6))
        steps = A_MOS2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        candidates = (metal[:, np.newaxis] + steps).reshape(-1, 2)
        outline = Polygon(structure.outlines[0])
        inside = np.all(
            [
                outline.contains_points(candidates + shift)
                for shift in 0.1 * np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
            ],
            axis=0,
        )
        assert inside.sum() > 100
        assert cKDTree(metal).query(candidates[inside])[0].max() < 0.01


def test_a_pair_stays_a_column_at_the_largest_tilt() -> None:
    for seed in range(3):
        level = flat(vacancies=(10, 10)).make(seed).sites
        tilted = flat(vacancies=(10, 10), axis_tilt=(15, 15)).make(seed).sites
        np.testing.assert_array_equal(
            np.bincount(tilted.classes), np.bincount(level.classes)
        )


def test_tilt_and_displacements_are_as_large_as_they_say() -> None:
    structure = flat(axis_tilt=(9, 9)).make(2)
    metal = structure.positions[structure.numbers == MO].astype(float)
    normal = np.linalg.svd(metal - metal.mean(axis=0))[2][2]
    assert np.degrees(np.arccos(abs(normal[2]))) == pytest.approx(9, abs=1e-2)
    assert structure.values["tilt"] == pytest.approx(9)
    moved = flat(axis_tilt=(9, 9), distort=0.05).make(2)
    steps = (moved.positions - structure.positions)[:, :2]
    assert steps.std(axis=0) == pytest.approx([0.05, 0.05], rel=0.15)


def test_graphene_is_the_support_at_its_distance() -> None:
    structure = flat(supported=1, distance=(4.2, 4.2)).make(1)
    carbon = structure.numbers == C
    np.testing.assert_array_equal(carbon, structure.particles == 0)
    assert C not in structure.sites.elements
    z = structure.positions[:, 2]
    assert z[~carbon].min() - z[carbon].max() == pytest.approx(4.2, abs=1e-4)
    sheet = structure.positions[carbon]
    nearest = cKDTree(sheet).query(sheet, 2)[0][:, 1]
    assert np.median(nearest) == pytest.approx(1.42, abs=1e-3)
    assert structure.values["support"] == "graphene"
    fewer = flat(supported=1, graphene_vacancies=(10, 10)).make(1)
    n = carbon.sum()
    assert np.sum(fewer.numbers == C) == n - round(n / 10)


def test_a_quarter_of_the_graphene_has_each_of_the_angles() -> None:
    ranges = flat(supported=1, side=(25, 25))
    angles = []
    for seed in range(60):
        structure = ranges.make(seed)
        flake, sheet = (
            structure.positions[structure.numbers == number, :2] for number in (MO, C)
        )
        if min(len(flake), len(sheet)) > 9:
            turn = orientation(sheet, 2.46) - orientation(flake, A_MOS2)
            angles.append(turn % 60)
    for angle in (0, 15, 30):
        away = (np.array(angles) - angle + 30) % 60 - 30
        assert 0.1 < np.mean(np.abs(away) < 0.1) < 0.45


def test_several_formulas_share_their_classes() -> None:
    ranges = flat(
        formulas=("MoS2", "WSe2", "CrS2"),
        lattices={"CrS2": (3.04, 2.94)},
        phases={"2H": 1, "1T": 1},
        vacancies=(5, 5),
        side=(20, 30),
    )
    structures = [ranges.make(seed) for seed in range(30)]
    assert {s.sites.names for s in structures} == {("1M", "2X", "1X")}
    assert {s.values["formula"] for s in structures} == set(ranges.formulas)
    assert {s.values["phase"] for s in structures} == {"2H", "1T"}
    for structure in structures:
        metals = np.isin(structure.sites.elements, [24, 42, 74])
        n_metal = structure.sites.counts[:, metals].sum(axis=1)
        n_x = structure.sites.counts[:, ~metals].sum(axis=1)
        names = np.array(structure.sites.names)[structure.sites.classes]
        expected = np.select([n_metal == 1, n_x == 2], ["1M", "2X"], "1X")
        np.testing.assert_array_equal(names, expected)
        assert structure.kinds == (structure.values["formula"],)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_flakes_keep_to_the_field(seed: int) -> None:
    ranges = MX2Flake(field=50, supported=0.5)
    structure, again = ranges.make(seed), ranges.make(seed)
    np.testing.assert_array_equal(structure.positions, again.positions)
    assert np.all(structure.positions[:, :2] > 2)
    assert np.all(structure.positions[:, :2] < 48)
    assert set(np.unique(structure.particles)) <= {0, 1}
    assert ranges.make(seed + 1).positions.shape != structure.positions.shape


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"formulas": ("CrS2",)}, "No lattice of CrS2 is known.*`lattices`"),
        ({"formulas": ("S2Mo",)}, "'S2Mo' is not a formula MX2"),
        ({"formulas": ("XyS2",)}, "'XyS2' is not a formula MX2"),
        ({"formulas": ()}, "formulas"),
        ({"phases": {"3R": 1}}, "phases"),
        ({"vacancies": (5, 120)}, "not in 0 to 100"),
        ({"holes": (3, 2)}, "reversed"),
        ({"corners": (2, 5)}, "not in 3 to 30"),
        ({"axis_tilt": (0, 40)}, "not in 0 to 15"),
        ({"thickness": 3}, "thickness"),
    ],
)
def test_what_cannot_be_drawn_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        MX2Flake(**changes)


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        ({}, SupportedParticles),
        ({"generator": "mx2 flake"}, MX2Flake),
        ({"generator": "sheet"}, Sheet),
        ({"generator": "nanotube"}, Nanotube),
    ],
)
def test_a_recipe_names_its_generator(recipe: dict[str, str], expected: type) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(AnyGenerator)
    generator = adapter.validate_python(recipe)
    assert type(generator) is expected
    assert adapter.validate_json(adapter.dump_json(generator)) == generator
    with pytest.raises(ValidationError, match="nanotubes"):
        adapter.validate_python({"generator": "nanotubes"})
