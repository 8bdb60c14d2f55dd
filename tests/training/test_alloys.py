# SPDX-License-Identifier: GPL-3.0-or-later
"""Atoms of alloys are as far apart as those of the metals are."""

from __future__ import annotations

import numpy as np
import pytest
from ase.data import atomic_numbers
from pydantic import ValidationError
from scipy.spatial import ConvexHull, cKDTree

from hrtemnn_training.structures import (
    ParticlesOnFilm,
    close_packed_constant,
    column_of_atoms,
)

# Distances of neighbors in the metals [Å], of iron with twelve neighbors, as austenite.
APART = {
    "Ag": 2.89,
    "Au": 2.88,
    "Co": 2.51,
    "Cu": 2.55,
    "Fe": 2.56,
    "Ni": 2.49,
    "Pb": 3.50,
    "Pd": 2.75,
    "Pt": 2.77,
}
PAIRS = [("Ag", "Co"), ("Au", "Cu"), ("Pt", "Ni"), ("Pd", "Pt"), ("Au", "Fe")]
SHAPES = ("single crystal", "twin", "decahedron", "icosahedron")


def particle(
    pair: tuple[str, str],
    arrangement: str,
    shape: str,
    seed: int,
    angle: float = 2.0,
    **changes: object,
) -> tuple[np.ndarray, np.ndarray]:
    """Return positions, and whether each atom is of the second element."""
    first, second = pair
    values = {"concentration": (0.45, 0.45), "layers": (8, 11)} | changes
    ranges = ParticlesOnFilm(
        element=first,
        second_element=second,
        arrangements={arrangement: 1},
        shapes={shape: 1},
        orientations={"[110]": 1},
        **values,
    )
    rng = np.random.default_rng(seed)
    (positions, numbers), kind = ranges.draw_particle(
        ranges.draw_layers(rng), angle, rng, cut=seed % 2 == 1
    )
    assert kind == f"{arrangement} {shape}"
    return positions, numbers == atomic_numbers[second]


def nearest(positions: np.ndarray) -> np.ndarray:
    return cKDTree(positions).query(positions, 2)[0][:, 1]


def allowed(pair: tuple[str, str], positions: np.ndarray, second: np.ndarray) -> float:
    """Return the least distance, over the mean of those in the two metals."""
    pairs = cKDTree(positions).query_pairs(3.6, output_type="ndarray")
    own = np.where(second, APART[pair[1]], APART[pair[0]])
    distances = np.linalg.norm(np.diff(positions[pairs], axis=1)[:, 0], axis=1)
    return float(np.min(distances / own[pairs].mean(axis=1)))


@pytest.mark.parametrize("pair", PAIRS, ids="".join)
@pytest.mark.parametrize("arrangement", ["core-shell", "Janus"])
def test_apart_each_metal_has_its_own_distances(pair, arrangement) -> None:
    for seed, shape in enumerate(SHAPES):
        positions, second = particle(pair, arrangement, shape, seed)
        for element, of_it in zip(pair, (~second, second), strict=True):
            # Along the shells of an icosahedron atoms are 5 % farther apart.
            distances = nearest(positions[of_it])
            most = 1.06 if shape == "icosahedron" else 1.01
            low, high = np.percentile(distances, [5, 60]) / APART[element]
            assert 0.99 < low <= high < most
        assert allowed(pair, positions, second) > 0.85


@pytest.mark.parametrize("pair", PAIRS, ids="".join)
def test_mixed_metals_have_distances_between_their_own(pair) -> None:
    for seed, shape in enumerate(SHAPES):
        positions, second = particle(pair, "disordered", shape, seed)
        expected = 0.55 * APART[pair[0]] + 0.45 * APART[pair[1]]
        assert np.median(nearest(positions)) == pytest.approx(expected, rel=0.01)
        assert allowed(pair, positions, second) > 0.85


def test_metals_that_hardly_mix_are_not_pressed_together() -> None:
    pair = ("Cu", "Pb")
    positions, second = particle(pair, "disordered", "twin", 0, concentration=(0, 0.1))
    assert allowed(pair, positions, second) > 0.85


@pytest.mark.parametrize("arrangement", ["core-shell", "Janus", "disordered"])
@pytest.mark.parametrize("concentration", [0.0, 0.25, 0.7, 1.0])
def test_particles_have_their_concentration(arrangement, concentration) -> None:
    for seed, shape in enumerate(SHAPES):
        _, second = particle(
            ("Ag", "Co"), arrangement, shape, seed, concentration=(concentration,) * 2
        )
        assert second.mean() == pytest.approx(concentration, abs=0.05)


def test_a_core_is_held_by_its_shell_on_all_sides() -> None:
    for seed, shape in enumerate(SHAPES):
        positions, cobalt = particle(("Ag", "Co"), "core-shell", shape, 2 * seed)
        outermost = ConvexHull(positions).vertices
        assert not cobalt[outermost].any()
        gap, _ = cKDTree(positions[~cobalt]).query(positions[cobalt])
        core = ConvexHull(positions[cobalt]).vertices
        assert np.median(gap[core]) < 1.15 * (APART["Ag"] + APART["Co"]) / 2


def test_both_crystals_of_a_particle_have_their_rows_along_the_beam() -> None:
    for arrangement in ("core-shell", "Janus"):
        positions, second = particle(("Pt", "Ni"), arrangement, "twin", 0, angle=0.0)
        for of_it in (second, ~second):
            _, columns = column_of_atoms(positions[of_it], 0.1)
            assert of_it.sum() / len(columns) > 3
            # No nearer to one another than planes (220) are, 0.5 of the neighbors.
            assert nearest(columns).min() > 1.2


def test_one_crystal_goes_on_in_the_other_where_they_are_alike() -> None:
    """Silver and gold differ by 0.2 %: no atom is missing or one too many."""
    positions, gold = particle(("Ag", "Au"), "core-shell", "single crystal", 4)
    tree = cKDTree(positions)
    bonds = tree.query_ball_point(positions[gold], 3.5, return_length=True) - 1
    assert gold.sum() > 100
    assert set(bonds.tolist()) == {12}


def test_the_same_seed_makes_the_same_alloy() -> None:
    first, again, other = (
        particle(("Ag", "Co"), "Janus", "twin", seed)[0] for seed in (6, 6, 8)
    )
    np.testing.assert_array_equal(first, again)
    assert first.shape != other.shape


def test_lattice_constants_of_metals_that_are_not_fcc() -> None:
    for element, apart in APART.items():
        found = close_packed_constant(element) / np.sqrt(2)
        assert found == pytest.approx(apart, rel=0.005)


def test_a_second_element_needs_a_lattice_constant() -> None:
    with pytest.raises(ValidationError, match=r"'Mn' .* second_lattice_constant"):
        ParticlesOnFilm(second_element="Mn")
    positions, second = particle(
        ("Au", "Mn"), "Janus", "twin", 3, second_lattice_constant=3.7
    )
    expected = pytest.approx(3.7 / np.sqrt(2))
    assert np.median(nearest(positions[second])) == expected
