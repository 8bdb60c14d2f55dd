# SPDX-License-Identifier: GPL-3.0-or-later
"""Amorphous oxides have the composition, density and distances of glasses."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from ase.data import atomic_masses
from ase.units import kg
from pydantic import ValidationError
from scipy.spatial import cKDTree

from hrtemnn_training.structures import (
    AmorphousFilm,
    ParticlesOnFilm,
    SupportedParticles,
    amorphous_film,
)

# Wider than a tile, so that there are seams.
LENGTHS = np.array([47.0, 43.0, 23.0])
# Share of oxygen, density [g/cm³], most frequent distances of metal and oxygen, of two
# oxygen and of two metals [Å], and bonds of the metal and of oxygen.
KNOWN = {
    "amorphous SiO2": (2 / 3, 2.2, (1.62, 2.65, 3.08), (3.6, 1.85)),
    "amorphous Al2O3": (3 / 5, 3.1, (1.83, 2.7, 3.1), (4.3, 2.9)),
}


def film(material: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    density = KNOWN[material][1]
    return amorphous_film(material, tuple(LENGTHS), rng, density=density)


def pairs(positions: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of atoms and how far they are apart."""
    tree = cKDTree(positions, boxsize=[*LENGTHS[:2], 0])
    near = tree.sparse_distance_matrix(tree, reach, output_type="ndarray")
    near = near[near["i"] < near["j"]]
    return np.stack([near["i"], near["j"]], axis=1), near["v"]


@pytest.mark.parametrize("material", KNOWN)
def test_composition_and_density_are_those_of_the_oxide(material: str) -> None:
    share, density, _, _ = KNOWN[material]
    positions, numbers = film(material)
    assert np.mean(numbers == 8) == pytest.approx(share, abs=0.01)
    grams = atomic_masses[numbers].sum() / kg * 1e3
    assert grams / (LENGTHS.prod() * 1e-24) == pytest.approx(density, rel=0.03)
    assert np.all((positions >= 0) & (positions < LENGTHS))


@pytest.mark.parametrize("material", KNOWN)
def test_shells_are_those_of_scattering_experiments(material: str) -> None:
    _, _, shells, bonds = KNOWN[material]
    positions, numbers = film(material)
    both, lengths = pairs(positions, 4.0)
    oxygen = (numbers[both] == 8).sum(axis=1)
    assert lengths.min() > 1.3
    for kind, expected in zip((1, 2, 0), shells, strict=True):
        edges = np.arange(1.2, 4.0, 0.08)
        counts, _ = np.histogram(lengths[oxygen == kind], edges)
        middles = edges[:-1] + 0.04
        assert middles[np.argmax(counts / middles**2)] == pytest.approx(
            expected, abs=0.08
        )
    bonded = both[(oxygen == 1) & (lengths < 1.3 * shells[0])]
    count = np.bincount(bonded.ravel(), minlength=len(numbers))
    inside = np.abs(positions[:, 2] - LENGTHS[2] / 2) < LENGTHS[2] / 2 - 4
    for is_oxygen, expected in zip((False, True), bonds, strict=True):
        own = inside & ((numbers == 8) == is_oxygen)
        assert count[own].mean() == pytest.approx(expected, abs=0.12)
        assert np.mean(count[own] < 2) < (0.2 if is_oxygen else 0.02)


def test_unlike_atoms_only_are_bonded() -> None:
    positions, numbers = film("amorphous SiO2", seed=1)
    both, lengths = pairs(positions, 2.1)
    unlike = numbers[both[:, 0]] != numbers[both[:, 1]]
    assert np.mean(unlike[lengths < 2.0]) > 0.995


def test_films_of_an_oxide_are_drawn_by_their_shares() -> None:
    ranges = AmorphousFilm(
        films={"amorphous carbon": 1, "amorphous SiO2": 2}, field=24, thickness=(6, 7)
    )
    drawn = Counter(ranges.make(seed).values["material"] for seed in range(60))
    assert drawn["bare amorphous SiO2"] == pytest.approx(40, abs=12)
    assert drawn.total() == 60


@pytest.mark.parametrize("orientation", ["zone axis", "any"])
def test_a_glass_supports_particles_in_profile(orientation: str) -> None:
    ranges = SupportedParticles(
        support="amorphous Al2O3",
        support_orientation=orientation,
        field=36,
        layers=(3, 4),
        particles=(1, 1),
        thickness=(12, 13),
        overlapping=0,
        bare_support=0,
        free_particles=0,
        empty=0,
        support_offset=(0, 0),
    )
    structure = ranges.make(1)
    assert structure.values["material"] == "Au on amorphous Al2O3"
    gold, glass = (structure.positions[structure.particles == i] for i in (1, 0))
    assert set(structure.numbers[structure.particles == 0]) == {8, 13}
    assert 0.9 < cKDTree(glass).query(gold)[0].min() < 3
    # The glass ends where the gold begins.
    towards = gold.mean(axis=0)[:2] - glass.mean(axis=0)[:2]
    towards /= np.linalg.norm(towards)
    assert (gold[:, :2] @ towards).mean() > (glass[:, :2] @ towards).max() - 2


def test_a_glass_is_a_film_across_the_beam() -> None:
    ranges = ParticlesOnFilm(
        films={"amorphous SiO2": 1},
        field=36,
        layers=(3, 3),
        particles=(1, 1),
        thickness=(9, 9),
    )
    structure = ranges.make(1)
    assert structure.values["film"] == "amorphous SiO2"
    own = structure.particles == 0
    assert set(structure.numbers[own]) == {8, 14}
    assert np.ptp(structure.positions[own, 2]) == pytest.approx(9, abs=0.5)


def test_a_glass_has_no_zone_axis() -> None:
    with pytest.raises(ValidationError, match="of one crystal along its zone axis"):
        SupportedParticles(
            support="amorphous SiO2", surface=(1, 1, 1), zone_axis=(1, -1, 0)
        )


def test_densities_that_the_network_does_not_have() -> None:
    with pytest.raises(ValueError, match=r"amorphous SiO2, which are 1\.9 to"):
        amorphous_film(
            "amorphous SiO2", (40, 41, 9), np.random.default_rng(0), density=3.0
        )
