# SPDX-License-Identifier: GPL-3.0-or-later
"""Amorphous carbon has the density, bonds and shells of evaporated films."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy.spatial import cKDTree

from hrtemnn_training.structures import AmorphousFilm, AnyGenerator, amorphous_carbon

GRAMS_PER_ATOM = 12.011 / 6.02214076e23
# Wider and deeper than a tile, so that there are seams.
LENGTHS = np.array([47.0, 43.0, 21.0])
PERIOD = [*LENGTHS[:2], 0]


def film(seed: int = 0, density: float = 2.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return amorphous_carbon(tuple(LENGTHS), rng, density=density)[0]


def distances(positions: np.ndarray, reach: float) -> np.ndarray:
    tree = cKDTree(positions, boxsize=PERIOD)
    pairs = tree.sparse_distance_matrix(tree, reach, output_type="ndarray")
    return pairs["v"][pairs["i"] < pairs["j"]]


@pytest.mark.parametrize("density", [1.8, 2.0, 2.3])
def test_density_is_what_is_asked_for(density: float) -> None:
    grams = len(film(density=density)) * GRAMS_PER_ATOM
    assert grams / (LENGTHS.prod() * 1e-24) == pytest.approx(density, rel=0.03)


@pytest.mark.parametrize("density", [1.8, 2.3])
def test_shells_are_those_of_a_network_of_three_neighbors(density: float) -> None:
    positions = film(density=density)
    lengths = distances(positions, 3.0)
    bonds = lengths[lengths < 1.85]
    assert lengths.min() >= 1.2
    assert bonds.mean() == pytest.approx(1.45, abs=0.03)
    assert 2.6 < 2 * len(bonds) / len(positions) < 3.1
    # Next to nothing lies between the first and the second shell.
    assert np.sum((lengths > 1.75) & (lengths < 2.2)) < 0.02 * len(bonds)
    counts, edges = np.histogram(lengths[lengths > 2.0], bins=np.arange(2, 3, 0.05))
    assert edges[counts.argmax()] == pytest.approx(2.475, abs=0.06)


def test_seams_do_not_show() -> None:
    """In projection it is as dense where bricks meet as anywhere else."""
    brick = LENGTHS[:2] / 2
    inside = np.concatenate([film(seed)[:, :2] % brick for seed in range(6)])
    counts, _ = np.histogram(inside / brick, bins=np.linspace(0, 1, 21))
    assert counts[[0, -1]].mean() == pytest.approx(counts[1:-1].mean(), rel=0.04)


def test_film_is_inside_its_lengths_with_free_surfaces() -> None:
    positions = film()
    assert np.all(positions >= 0)
    assert np.all(positions < LENGTHS)
    # Atoms at the upper surface do not mind those at the lower: no gap, no bonds.
    assert positions[:, 2].min() < 0.3
    assert positions[:, 2].max() > LENGTHS[2] - 0.3
    # Along x and y they do: the shells hold across the edges of the field.
    assert distances(positions, 1.2).size == 0
    assert len(distances(positions, 1.85)) > len(cKDTree(positions).query_pairs(1.85))


def test_projection_has_no_period_of_the_tile() -> None:
    """A field of many bricks is not one brick many times."""
    positions, _ = amorphous_carbon((79.0, 77.0, 6.0), np.random.default_rng(2))
    tree = cKDTree(positions, boxsize=[79.0, 77.0, 0])
    moved = (positions + np.array([39.5, 38.5, 0])) % [79.0, 77.0, 99.0]
    near, _ = tree.query(moved)
    assert np.mean(near < 0.3) < 0.05


def test_same_seed_same_film_and_other_seed_another() -> None:
    np.testing.assert_array_equal(film(3), film(3))
    assert film(3).sum() != film(4).sum()


@pytest.mark.parametrize(
    ("lengths", "density", "message"),
    [
        ((5.0, 40.0, 20.0), 2.0, "too small"),
        ((40.0, 41.0, 0.0), 2.0, "too small"),
        ((40.0, 41.0, 20.0), 3.5, "density of 3.5"),
    ],
)
def test_films_that_cannot_be(lengths, density, message) -> None:
    with pytest.raises(ValueError, match=message):
        amorphous_carbon(lengths, np.random.default_rng(0), density=density)


def test_generator_draws_films_without_particles() -> None:
    ranges = AmorphousFilm(field=31, thickness=(11, 14), density=(1.9, 2.1))
    structure = ranges.make(5)
    assert set(structure.particles) == {0}
    assert set(structure.numbers) == {6}
    assert len(structure.sites) == 0
    assert 11 <= structure.values["thickness"] <= 14
    assert np.ptp(structure.positions[:, 2]) == pytest.approx(
        structure.values["thickness"], abs=0.5
    )
    grams = len(structure.numbers) * GRAMS_PER_ATOM
    volume = 27**2 * structure.values["thickness"] * 1e-24
    assert grams / volume == pytest.approx(structure.values["density"], rel=0.06)
    np.testing.assert_array_equal(structure.positions, ranges.make(5).positions)


def test_recipes_name_their_generator() -> None:
    adapter = TypeAdapter(AnyGenerator)
    assert adapter.validate_python({"generator": "amorphous film"}) == AmorphousFilm()
    assert adapter.validate_python({}).generator == "supported particles"
    with pytest.raises(ValueError, match="amorphous jelly"):
        adapter.validate_python({"generator": "amorphous jelly"})
