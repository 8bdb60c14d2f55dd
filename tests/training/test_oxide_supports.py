# SPDX-License-Identifier: GPL-3.0-or-later
"""Supports of many crystals have their bonds and densities, in any orientation."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from ase.data import atomic_masses, atomic_numbers
from ase.io import write
from ase.units import kg
from pydantic import ValidationError
from scipy.spatial import cKDTree

from hrtemnn_training.structures import (
    FACES,
    ParticlesOnFilm,
    SupportedParticles,
    make_slab,
    make_support,
    make_turned_support,
    oriented_block,
)
from hyperspy_hrtemnn.crystals import find_crystal

# Density [g/cm³], and the bonds to oxygen of each kind of metal, shortest first [Å].
KNOWN = {
    "alpha-Al2O3": (3.98, {"Al": {(1.85,) * 3 + (1.97,) * 3}}),
    "ZrO2": (5.82, {"Zr": {(2.05, 2.06, 2.15, 2.16, 2.18, 2.24, 2.27)}}),
    "SrTiO3": (5.12, {"Ti": {(1.95,) * 6}, "Sr": {(2.76,) * 12}}),
    "ZnO": (5.68, {"Zn": {(1.97,) * 3 + (1.99,)}}),
    "MgAl2O4": (3.58, {"Mg": {(1.92,) * 4}, "Al": {(1.93,) * 6}}),
    "Fe3O4": (5.20, {"Fe": {(1.89,) * 4, (2.06,) * 6}}),
    "gamma-Al2O3": (3.65, {"Al": {(1.78,) * 4, (1.94,) * 6}}),
}


def density(numbers: np.ndarray, volume: float) -> float:
    return atomic_masses[numbers].sum() / kg * 1e3 / (volume * 1e-24)


@pytest.mark.parametrize("name", KNOWN)
def test_metals_have_their_bonds_to_oxygen(name: str) -> None:
    block = oriented_block(find_crystal(name), np.eye(3), [-19] * 3, [19] * 3)
    positions, numbers = block
    oxygen = cKDTree(positions[numbers == 8])
    for element, expected in KNOWN[name][1].items():
        sites = positions[numbers == atomic_numbers[element]]
        inner = sites[np.linalg.norm(sites, axis=1) < 14]
        near, _ = oxygen.query(inner, 14)
        bonds = near < 1.25 * near[:, :1]
        found = {
            tuple(row[bond].round(2).tolist())
            for row, bond in zip(near, bonds, strict=True)
        }
        assert found == expected


@pytest.mark.parametrize("name", KNOWN)
def test_slabs_of_any_orientation_have_the_density_of_the_crystal(name: str) -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        positions, numbers = make_slab(60, 41, rng, crystal=name)
        assert density(numbers, 60 * 60 * 41) == pytest.approx(KNOWN[name][0], rel=0.03)
        assert np.all((positions >= 0) & (positions <= [60, 60, 41]))


def test_gamma_alumina_is_alumina_with_empty_sites_at_random() -> None:
    counts = []
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        _, numbers = make_support(40, 30, (0, 0), rng, crystal="gamma-Al2O3")
        counts.append(np.mean(numbers == 13))
        assert counts[-1] == pytest.approx(0.4, abs=0.005)
    # Without them it would be Al24O32.
    cell = find_crystal("gamma-Al2O3")
    assert np.mean(cell.numbers == 13) == pytest.approx(24 / 56)


@pytest.mark.parametrize("name", sorted(FACES))
def test_turned_supports_lie_below_0_and_reach_it(name: str) -> None:
    spread = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        positions, _ = make_turned_support(20, 17, rng, crystal=name)
        assert positions[:, 1].max() == pytest.approx(0, abs=0.5)
        assert np.abs(positions[:, 2]).max() <= 8.5
        # Planes along the surface show only where it is one of low indices.
        top = positions[positions[:, 1] > -0.01, 1]
        spread.append(len(top))
    assert max(spread) > 20
    assert min(spread) < max(spread) / 3


def test_both_kinds_of_turned_supports_are_as_likely() -> None:
    of_planes = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        positions, _ = make_turned_support(12, 10, rng, crystal="MgO")
        of_planes += len(np.unique(positions[:, 1].round(3))) < 40
    assert of_planes == pytest.approx(30, abs=12)


def test_each_field_has_one_of_the_supports() -> None:
    ranges = SupportedParticles(
        supports={"MgO": 1, "ZnO": 3},
        support_orientation="any",
        bare_support=1,
        free_particles=0,
        empty=0,
        thickness=(5, 6),
        field=30,
    )
    drawn = Counter(ranges.make(seed).values["material"] for seed in range(120))
    assert drawn["bare MgO"] == pytest.approx(30, abs=16)
    assert drawn["bare ZnO"] == pytest.approx(90, abs=16)


def test_one_support_among_several_is_drawn_as_if_it_was_alone() -> None:
    small = {"field": 50, "layers": (3, 4), "free_particles": 0}
    alone = SupportedParticles(support="Si", **small).make(3)
    among = SupportedParticles(supports={"Si": 1}, **small).make(3)
    np.testing.assert_array_equal(among.positions, alone.positions)


def test_a_crystal_is_a_film_across_the_beam() -> None:
    ranges = ParticlesOnFilm(
        films={"SrTiO3": 1},
        field=50,
        thickness=(20, 20),
        particles=(1, 1),
        layers=(3, 4),
    )
    structure = ranges.make(2)
    assert structure.values["material"] == "Au on SrTiO3"
    film = structure.positions[structure.particles == 0]
    assert np.ptp(film[:, 2]) == pytest.approx(20, abs=1)
    assert np.ptp(film[:, 0]) == pytest.approx(46, abs=1)


def test_the_crystal_of_a_cif_needs_no_surface_in_any_orientation(tmp_path) -> None:
    path = tmp_path / "titania.cif"
    write(path, find_crystal("rutile"))
    keys = {"field": 40, "bare_support": 1, "empty": 0, "free_particles": 0}
    turned = SupportedParticles(support=str(path), support_orientation="any", **keys)
    structure = turned.make(1)
    assert set(structure.numbers) == {8, 22}
    assert structure.values["material"] == "bare titania"
    with pytest.raises(ValidationError, match="or the support_orientation any"):
        SupportedParticles(support=str(path))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"supports": {"CeO2": 1, "NiO": 1}}, "'NiO' is none of CeO2"),
        ({"support": "NiO", "support_orientation": "any"}, "'NiO' is none of CeO2"),
        ({"supports": {"CeO2": 0}}, "above 0"),
        (
            {
                "support_orientation": "any",
                "surface": (1, 1, 1),
                "zone_axis": (1, -1, 0),
            },
            "leave them out, or supports and support_orientation",
        ),
    ],
)
def test_supports_that_cannot_be(wrong, message) -> None:
    with pytest.raises(ValidationError, match=message):
        SupportedParticles(**wrong)


def test_films_that_do_not_exist() -> None:
    with pytest.raises(ValidationError, match="film 'paper' is none of amorphous"):
        ParticlesOnFilm(films={"paper": 1})
