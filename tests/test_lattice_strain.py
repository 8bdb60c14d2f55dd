# SPDX-License-Identifier: GPL-3.0-or-later
"""Lattices and strains that are known are found."""

from __future__ import annotations

import numpy as np
import pytest
from crystals import VECTORS, A, mos2
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_hrtemnn.analysis import (
    find_lattice_vectors,
    fit_lattice,
    missing_sites,
    strain_map,
)
from hyperspy_hrtemnn.analysis.lattices.vectors import span_a_plane

PLACES, _ = mos2(9, 12)
MIDDLE = PLACES.mean(axis=0)
INNER = np.flatnonzero(np.all(np.abs(PLACES - MIDDLE) < [1.0, 0.7], axis=1))


def turned(degrees):
    angle = np.radians(degrees)
    return np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])


def same_lattice(found, expected):
    """Whether two pairs of vectors generate the same lattice."""
    steps = found @ np.linalg.inv(expected)
    whole = np.allclose(steps, np.rint(steps), atol=0.02)
    return whole and abs(np.linalg.det(steps)) == pytest.approx(1, abs=0.05)


LATTICES = {
    "honeycomb": (VECTORS, [(0, 0), (1 / 3, 1 / 3)]),
    "square": (np.diag([0.4, 0.4]), [(0, 0)]),
    "rectangular, centered": (np.diag([0.4, 0.29]), [(0, 0), (0.5, 0.5)]),
    "oblique": (np.array([(0.4, 0.02), (0.11, 0.35)]), [(0, 0)]),
    "two in a rectangle": (np.diag([0.5, 0.3]), [(0, 0), (0.4, 0.3)]),
}


@pytest.mark.parametrize("name", LATTICES)
@pytest.mark.parametrize("degrees", [0, 17, 80])
def test_lattice_vectors_are_found(name, degrees) -> None:
    vectors, basis = LATTICES[name]
    if "centered" in name:  # its smallest cell has one column
        primitive = np.array([vectors[0], vectors.sum(axis=0) / 2])
    else:
        primitive = vectors
    rng = np.random.default_rng(2)
    i, j = np.mgrid[:11, :9].reshape(2, -1)
    cells = np.stack([i, j], axis=1)
    places = np.concatenate([(cells + site) @ vectors for site in basis])
    places = places[rng.random(len(places)) > 0.06] @ turned(degrees).T
    places += rng.normal(0, 0.004, places.shape)
    rotated = primitive @ turned(degrees).T
    assert same_lattice(find_lattice_vectors(places), rotated)
    lattice = fit_lattice(places)
    assert same_lattice(lattice.vectors, rotated)
    cosine = lattice.vectors[0] @ lattice.vectors[1]
    cosine /= np.prod(np.linalg.norm(lattice.vectors, axis=1))
    assert -0.01 < cosine < 0.53
    off = (places - lattice.ideal)[lattice.parts >= 0]
    assert np.mean(lattice.parts >= 0) > 0.95
    assert np.sqrt(np.mean(off**2)) < 0.005


def test_two_sublattices_are_two_parts() -> None:
    lattice = fit_lattice(PLACES)
    parts = np.repeat([0, 1], len(PLACES) // 2)
    np.testing.assert_array_equal(lattice.parts, parts)
    np.testing.assert_allclose(lattice.ideal, PLACES, atol=1e-9)
    inner = lattice.neighbors[INNER]
    assert (inner >= 0).all()
    assert (parts[inner] == parts[INNER, np.newaxis]).all()


def gradient(exx=0.0, eyy=0.0, exy=0.0, degrees=0.0):
    return np.array([(1 + exx, exy), (exy, 1 + eyy)]) @ turned(degrees)


@settings(max_examples=25, deadline=None)
@given(
    exx=st.floats(-0.05, 0.05),
    eyy=st.floats(-0.05, 0.05),
    exy=st.floats(-0.03, 0.03),
    degrees=st.floats(-6, 6),
)
def test_uniform_strain(exx, eyy, exy, degrees) -> None:
    deformed = PLACES @ gradient(exx, eyy, exy, degrees).T
    table = strain_map(deformed, VECTORS)
    expected = {"exx": exx, "eyy": eyy, "exy": exy, "rotation": degrees}
    for name, value in expected.items():
        known = table[name].dropna()
        assert len(known) > 0.9 * len(table)
        np.testing.assert_allclose(known, value, atol=1e-9)


def test_strain_against_the_mean_is_none() -> None:
    table = strain_map(PLACES @ gradient(0.03, degrees=20).T)
    for name in ("ux", "uy", "exx", "eyy", "exy", "rotation"):
        np.testing.assert_allclose(table[name].dropna(), 0, atol=1e-9)


def test_strain_that_grows_along_x() -> None:
    """Displacement and strain of a crystal that is stretched more and more."""
    x = PLACES[:, 0] - MIDDLE[0]
    deformed = PLACES + np.stack([0.01 * x**2, 0 * x], axis=1)
    table = strain_map(deformed, VECTORS)
    np.testing.assert_allclose(table["exx"][INNER], 0.02 * x[INNER], atol=1e-3)
    np.testing.assert_allclose(table["eyy"][INNER], 0, atol=1e-3)
    # Each sublattice is put where it fits best.
    sulfur = INNER[len(PLACES) // 2 <= INNER]
    apart = table["ux"][sulfur] - 0.01 * x[sulfur] ** 2
    assert np.ptp(apart) < 1e-9
    assert abs(table["uy"]).max() < 1e-9


def test_displacements_over_many_cells() -> None:
    """Strain adds up to more than a lattice constant from end to end."""
    places, _ = mos2(5, 60)
    table = strain_map(places * [1.03, 1], VECTORS)
    assert np.ptp(table["ux"]) > 1.5 * A
    centered = places[:, 0] - places[:, 0].mean()
    slope = np.polyfit(centered, table["ux"], 1)[0]
    assert slope == pytest.approx(0.03, abs=1e-3)


def test_a_radius_lowers_the_noise() -> None:
    rng = np.random.default_rng(0)
    noisy = PLACES + rng.normal(0, 0.003, PLACES.shape)
    alone, together = (strain_map(noisy, VECTORS, radius=r) for r in (None, 0.6))
    for name in ("exx", "eyy", "exy", "rotation"):
        assert together[name][INNER].std() < 0.5 * alone[name][INNER].std()
    tiny = strain_map(noisy, VECTORS, radius=0.01)
    np.testing.assert_allclose(tiny["exx"], alone["exx"])


def test_a_column_off_the_lattice_has_no_strain() -> None:
    strange = np.concatenate([PLACES, [(MIDDLE[0], 5.0)]])
    last = strain_map(strange, VECTORS).iloc[-1]
    assert last[["ux", "uy", "exx", "eyy", "exy", "rotation"]].isna().all()
    assert last["y"] == 5


@pytest.mark.parametrize("strain", [0, 0.02])
def test_missing_sites(strain) -> None:
    x = PLACES - MIDDLE
    places = PLACES + strain * x * np.abs(x[:, :1])
    # Two neighbors, one alone, one of the other sublattice, and one at the edge.
    empty = [
        INNER[10],
        fit_lattice(PLACES).neighbors[INNER[10], 0],
        INNER[25],
        INNER[-8],
    ]
    assert len(set(empty)) == 4
    left = np.delete(places, [*empty, 0], axis=0)
    lattice = fit_lattice(left, VECTORS)
    sites, parts = missing_sites(left, lattice)
    order = [np.lexsort(np.round(p, 1).T) for p in (sites, places[empty])]
    np.testing.assert_allclose(sites[order[0]], places[empty][order[1]], atol=0.01)
    sublattice = [int(i >= len(PLACES) // 2) for i in empty]
    assert sorted(parts.tolist()) == sorted(sublattice)


def test_a_whole_crystal_misses_nothing() -> None:
    sites, parts = missing_sites(PLACES, fit_lattice(PLACES))
    assert sites.shape == (0, 2)
    assert parts.shape == (0,)


def test_wrong_input() -> None:
    with pytest.raises(ValueError, match=r"shape \(column, 2\).*table\[\['x', 'y'\]\]"):
        fit_lattice(PLACES.T)
    with pytest.raises(ValueError, match="do not repeat along two directions"):
        fit_lattice([(0, 0), (1, 0), (2, 0), (3, 0)])
    with pytest.raises(ValueError, match="The 0 columns do not repeat"):
        fit_lattice(np.zeros((0, 2)))
    with pytest.raises(ValueError, match="Two independent vectors"):
        fit_lattice(PLACES, [(1, 0), (2, 0)])
    with pytest.raises(ValueError, match="No lattice fits"):
        fit_lattice(PLACES, [(0.4, 0), (0.1, 0.37)])
    with pytest.raises(ValueError, match="radius has to be positive, not 0"):
        strain_map(PLACES, radius=0)


@pytest.mark.parametrize(
    ("vectors", "expected"),
    [
        (np.zeros((0, 3), int), False),  # for which numpy before 2.3 has no rank
        (np.zeros((0, 2)), False),
        ([[2, 1, 0]], False),
        ([[2, 1, 0], [-4, -2, 0]], False),
        ([[2, 1, 0], [-4, -1, 0]], True),
        ([[1.0, 0.0], [0.0, 0.1]], True),
    ],
)
def test_whether_vectors_span_a_plane(vectors, expected):
    assert span_a_plane(np.asarray(vectors)) is expected
