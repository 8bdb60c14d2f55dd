# SPDX-License-Identifier: GPL-3.0-or-later
"""Sites of hexagonal sheets, found from columns."""

from __future__ import annotations

import numpy as np
import pytest
import sheets
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_hrtemnn.analysis.refinement.atoms.honeycomb import find_sites

BOND = 3.16 / np.sqrt(3)


def flake(seed=0, **options):
    columns = sheets.mos2(radius=12, seed=seed, **options).columns
    places = columns[["y", "x"]].to_numpy()
    return places, (columns["class"] != "1Mo").to_numpy().astype(int)


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    angle=st.floats(0, 2 * np.pi),
    scale=st.floats(0.5, 3.0),
    strain=st.floats(-0.03, 0.03),
    flipped=st.floats(0, 0.1),
    lost=st.floats(0, 0.1),
)
def test_sites_are_found_of_any_flake(seed, angle, scale, strain, flipped, lost):
    rng = np.random.default_rng(seed)
    places, sublattice = flake(seed)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    kept = rng.random(len(places)) >= lost
    places = scale * (places @ turn * [1 + strain, 1])[kept]
    sublattice = sublattice[kept]
    told = np.where(rng.random(len(places)) < flipped, 1 - sublattice, sublattice)
    sites = find_sites(places, told)
    on = sites.sublattice >= 0
    assert on.mean() > 0.95
    assert np.array_equal(sites.sublattice[on], sublattice[on])
    assert np.abs(sites.away(places)).max() < 0.08 * scale
    expected = 3.16 * scale * np.sqrt(1 + strain)
    assert sites.lattice_constant == pytest.approx(expected, rel=0.01)


def test_a_missing_column_is_a_free_site():
    places, sublattice = flake(missing=(5,))
    lost = sheets.mos2(radius=12).columns[["y", "x"]].to_numpy()[5]
    sites = find_sites(places, sublattice)
    distance = np.hypot(*(sites.free - lost).T)
    assert distance.min() < 0.1
    true = (sheets.mos2(radius=12).columns["class"] != "1Mo").to_numpy()[5]
    assert sites.free_sublattice[distance.argmin()] == int(true)


def test_all_sites_of_a_hole_are_free_and_none_far_outside():
    places, sublattice = flake(3)
    away = np.hypot(*(places - places.mean(axis=0)).T)
    hole = away < 5
    assert np.count_nonzero(hole) > 15
    sites = find_sites(places[~hole], sublattice[~hole])
    distances = np.hypot(*(sites.free[:, np.newaxis] - places[hole]).transpose(2, 0, 1))
    assert distances.min(axis=0).max() < 0.5 * BOND
    nearest = distances.argmin(axis=0)
    assert np.array_equal(sites.free_sublattice[nearest], sublattice[hole])
    inside = distances.min(axis=1) < 0.5 * BOND
    assert np.count_nonzero(inside) == np.count_nonzero(hole)
    outside = sites.free[~inside, np.newaxis] - places
    assert np.hypot(*outside.transpose(2, 0, 1)).min(axis=1).max() < 1.1 * BOND


def test_free_sites_are_a_bond_from_a_column_and_not_on_one():
    places, sublattice = flake()
    free = find_sites(places, sublattice).free
    nearest = np.hypot(*(free[:, np.newaxis] - places).transpose(2, 0, 1)).min(axis=1)
    np.testing.assert_allclose(nearest, BOND, atol=0.15)


def test_two_grains_are_both_found():
    places, sublattice = flake()
    angle = np.radians(17)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    both = np.concatenate([places, places @ turn + [40, 3]])
    sites = find_sites(both, np.tile(sublattice, 2))
    assert (sites.sublattice >= 0).mean() > 0.97
    assert np.abs(sites.away(both)).max() < 0.08


def test_random_places_are_on_no_sites():
    places = np.random.default_rng(1).uniform(0, 30, (60, 2))
    assert (find_sites(places).sublattice >= 0).mean() < 0.5


def test_columns_in_a_row_are_on_no_sites():
    row = np.column_stack([1.8 * np.arange(12.0), np.zeros(12)])
    assert (find_sites(row).sublattice == -1).all()


@pytest.mark.parametrize("seed", range(4))
def test_mirrored_grains_are_both_found(seed):
    # The bonds of one grain are opposite to those of the other, so that they have no
    # mean direction.
    places, sublattice = flake(seed)
    middle = places.mean(axis=0)
    turned = 2 * middle - places + [0.7, 0]
    left, right = places[:, 1] < middle[1] - 0.9, turned[:, 1] > middle[1] + 0.9
    both = np.concatenate([places[left], turned[right]])
    true = np.concatenate([sublattice[left], sublattice[right]])
    sites = find_sites(both, true)
    np.testing.assert_array_equal(sites.sublattice, true)
    assert np.abs(sites.away(both)).max() < 0.08


def test_a_twin_whose_metal_goes_on_is_of_two_grains(rng):
    i, j = np.mgrid[-6:7, -6:7].reshape(2, -1)
    metal = 3.16 * np.stack([np.sqrt(3) / 2 * j, i + j / 2], axis=1)
    below, above = metal[:, 0] < -1, metal[:, 0] > -1
    pairs = np.concatenate([metal[below] + [BOND, 0], metal[above] - [BOND, 0]])
    places = np.concatenate([metal, pairs])
    true = np.repeat([0, 1], [len(metal), len(pairs)])
    inside = np.hypot(*places.T) < 9.5
    places, true = places[inside], true[inside]
    places += rng.normal(0, 0.05, places.shape)
    np.testing.assert_array_equal(find_sites(places, true).sublattice, true)
