# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of graphene below a sheet: its lattice, its edges, and both fitted together."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.spatial import cKDTree

from hyperspy_hrtemnn.analysis import (
    Aberration,
    Detector,
    Optics,
    detect_electrons,
    image_intensity,
)
from hyperspy_hrtemnn.analysis.refinement.atoms.column_waves import ColumnWaves
from hyperspy_hrtemnn.analysis.refinement.atoms.honeycomb import find_sites, join_sites
from hyperspy_hrtemnn.analysis.refinement.atoms.identities import (
    BESIDE,
    Identities,
    Site,
    changed,
)
from hyperspy_hrtemnn.analysis.refinement.atoms.known_sheets import graphene, mx2
from hyperspy_hrtemnn.analysis.refinement.atoms.local_change import Hypothesis
from hyperspy_hrtemnn.analysis.refinement.atoms.occupants import occupants_of
from hyperspy_hrtemnn.analysis.refinement.atoms.problem import (
    WaveOptions,
    sheet_problem,
)
from hyperspy_hrtemnn.analysis.refinement.atoms.refine import refine_atoms
from hyperspy_hrtemnn.analysis.refinement.atoms.sheet_state import SheetState
from hyperspy_hrtemnn.analysis.refinement.atoms.support_lattice import find_lattice
from hyperspy_hrtemnn.analysis.refinement.atoms.support_strengths import by_strength
from hyperspy_hrtemnn.analysis.refinement.atoms.wave_model import WaveModel
from hyperspy_hrtemnn.analysis.refinement.working_grid import WorkingGrid

ENERGY, DISTANCE, TILT = 50.0, 6.3, np.array([0.05, -0.03])
SHAPE, PAD, SAMPLING = (180, 200), 50, 0.12  # of images and of a border [pixels, Å]
FIELD = tuple(SAMPLING * (n + 2 * PAD) for n in SHAPE)
DETECTOR = Detector(sampling=SAMPLING, dose=1e4, mtf_c0=0.3, mtf_c3=2, readout=1)
SHEETS = mx2("Mo", "S"), graphene()
OCCUPANTS = occupants_of(SHEETS)
NAMES = [each.name for each in OCCUPANTS]
CARBON = NAMES.index("C")
MIDDLE = SAMPLING * np.array(SHAPE) / 2


def honeycomb(spacing, angle, origin, reach):
    """Sites (y, x) of both sublattices of a honeycomb around an origin."""
    turns = angle + np.array([0, np.pi / 3])
    vectors = spacing * np.stack([np.sin(turns), np.cos(turns)], axis=1)
    n = np.arange(-20, 21)
    cells = np.stack(np.meshgrid(n, n, indexing="ij"), axis=-1).reshape(-1, 2)
    both = [origin + (cells + shift) @ vectors for shift in (0, 1 / 3)]
    near = [np.hypot(*(each - origin).T) < reach for each in both]
    return [each[kept] for each, kept in zip(both, near, strict=True)]


WHOLE = np.concatenate(honeycomb(2.46, 0.65, MIDDLE + np.array([1.0, 2.0]), 8.2))
VACANCY = 11  # number of its atom that is missing
LOST = WHOLE[VACANCY]


@pytest.fixture(scope="module")
def truth():
    """A flake on graphene that ends within the images."""
    metal, pair = honeycomb(3.16, 0.2, MIDDLE, 6.0)
    carbon = np.delete(WHOLE, VACANCY, axis=0)
    kinds = np.repeat(
        [NAMES.index("1Mo"), NAMES.index("2S"), CARBON],
        [len(metal), len(pair), len(carbon)],
    )
    levels = np.zeros(len(OCCUPANTS))
    levels[CARBON] = -DISTANCE
    return SheetState(
        np.concatenate([metal, pair, carbon]),
        kinds,
        np.array([each.center for each in OCCUPANTS]),
        TILT,
        MIDDLE,
        levels,
    )


def model_on(grid):
    columns = ColumnWaves(
        OCCUPANTS, grid, ENERGY, smoothing=0.15, vibration=0.004, farthest=16.0
    )
    return WaveModel(columns, grid, plane=0.0)


def moved(state, distance):
    """The state and its middle elsewhere."""
    there = state.with_columns(state.positions + distance, state.kinds)
    return replace(there, middle=state.middle + distance)


def images_of(state, defocus, rng):
    """Images of a focal series in electrons, the middle of a larger field."""
    model = model_on(WorkingGrid(FIELD, 2.2))
    wave = model.wave(model.stamps(moved(state, PAD * SAMPLING)))
    wave = np.fft.ifft2(model.grid.spectrum(wave), norm="forward")
    shape = tuple(n + 2 * PAD for n in SHAPE)
    series = []
    for each in defocus:
        optics = Optics(
            energy=ENERGY,
            defocus=each,
            Cs=-5e4,
            aberrations=(Aberration(2, 2, 8.0, 0.4), Aberration(2, 1, 100.0, 1.0)),
            focal_spread=10.0,
            blur=0.12,
        )
        intensity = image_intensity(wave, FIELD, optics, shape)
        series.append(detect_electrons(intensity, DETECTOR, rng) - DETECTOR.readout)
    return np.array(series, np.float32)[:, PAD:-PAD, PAD:-PAD]


@pytest.fixture(scope="module")
def images(truth):
    return images_of(truth, (-20.0, 30.0, 80.0), np.random.default_rng(3))


def columns_of(state, rng):
    flake = state.kinds != CARBON
    y, x = (state.positions[flake] + rng.normal(0, 0.05, (flake.sum(), 2))).T
    names = np.array(NAMES, object)[state.kinds[flake]]
    return pd.DataFrame({"x": x, "y": y, "class": names})


@pytest.fixture(scope="module")
def refined(truth, images):
    table = columns_of(truth, np.random.default_rng(4))
    return refine_atoms(
        images, DETECTOR, ENERGY, [-12, 38, 88], table, Cs=-4e4, support="graphene"
    )


def test_graphene_below_a_flake_is_found_with_its_edges(truth, refined):
    carbon = truth.positions[truth.kinds == CARBON]
    found = refined.support[["y", "x"]].to_numpy()
    away, nearest = cKDTree(carbon).query(found)
    assert np.mean(away < 0.3) > 0.97
    assert len(set(nearest[away < 0.3])) > 0.97 * len(carbon)
    assert set(refined.support["class"]) == {"C"}
    assert "probability_1Mo" not in refined.support
    assert refined.support["probability_C"].between(0, 1).all()


def test_a_missing_atom_of_the_graphene_is_an_empty_site_of_it(truth, refined):
    sites = refined.empty_support_sites
    lost = sites.iloc[
        np.hypot(sites["x"] - LOST[1], sites["y"] - LOST[0]).to_numpy().argmin()
    ]
    np.testing.assert_allclose(lost[["y", "x"]].astype(float), LOST, atol=0.1)
    assert lost["probability_empty"] > 0.9
    assert lost["probability_C"] + lost["probability_empty"] == pytest.approx(1)
    assert "probability_1Mo" not in sites
    # It is in the plane of the graphene, as the atoms around it.
    near = refined.support[["y", "x"]].to_numpy() - LOST
    around = np.hypot(*near.T).argsort()[:3]
    assert lost["z"] == pytest.approx(refined.support["z"].iloc[around].mean(), abs=0.1)
    assert "probability_C" not in refined.empty_sites


def test_the_distance_and_the_tilt_are_found_within_their_errors(refined):
    assert abs(refined.distance.value - DISTANCE) < 4 * refined.distance.error
    assert refined.distance.error < 0.3
    assert np.all(np.abs(refined.tilt.value - TILT[::-1]) < 4 * refined.tilt.error)


def test_the_flake_is_as_if_there_were_no_graphene(truth, refined):
    flake = truth.kinds != CARBON
    away, nearest = cKDTree(truth.positions[flake]).query(
        refined.columns[["y", "x"]].to_numpy()
    )
    assert len(refined.columns) == flake.sum()
    assert np.sqrt(np.mean(away**2)) < 0.05
    names = np.array(NAMES, object)[truth.kinds[flake]][nearest]
    assert np.mean(refined.columns["class"] == names) == 1
    assert "probability_C" not in refined.columns
    assert refined.optics.chi2 < 1.03


def test_atoms_of_the_support_are_below_those_of_the_sheet(refined):
    symbols = np.array(refined.symbols)
    heights = refined.positions[:, 2]
    assert set(symbols) == {"Mo", "S", "C"}
    assert np.median(heights[symbols == "C"]) == pytest.approx(-DISTANCE, abs=0.6)
    assert np.median(heights[symbols == "Mo"]) == pytest.approx(0, abs=0.3)


def test_a_support_that_is_not_there_is_said_in_one_warning(truth):
    flake = truth.with_columns(
        truth.positions[truth.kinds != CARBON], truth.kinds[truth.kinds != CARBON]
    )
    rng = np.random.default_rng(5)
    with pytest.warns(UserWarning, match="No graphene is found") as caught:
        found = refine_atoms(
            images_of(flake, [0.0, 50.0], rng),
            DETECTOR,
            ENERGY,
            [5.0, 55.0],
            columns_of(truth, rng),
            Cs=-4e4,
            support="graphene",
        )
    assert len(caught) == 1
    assert found.support is None
    assert found.distance is None
    assert "C" not in found.symbols


def test_another_support_is_refused(truth, images):
    with pytest.raises(ValueError, match="'graphene' or None, not 'silicon'"):
        refine_atoms(
            images,
            DETECTOR,
            ENERGY,
            [0, 50, 100],
            columns_of(truth, np.random.default_rng(0)),
            support="silicon",
        )


def test_graphene_on_graphene_is_refused(images):
    y, x = np.concatenate(honeycomb(2.46, 0.1, np.array([10.0, 11.0]), 8)).T
    table = pd.DataFrame({"x": x, "y": y, "class": "C"})
    with pytest.raises(ValueError, match="graphene on graphene"):
        refine_atoms(images, DETECTOR, ENERGY, [0, 50, 100], table, support="graphene")


def test_the_gradient_by_the_pose_is_that_of_differences(truth, rng):
    grid = WorkingGrid(FIELD, 1.2)
    model, truth = model_on(grid), moved(truth, PAD * SAMPLING)
    stamps = model.stamps(truth)
    wave = model.wave(stamps)
    by_wave = (rng.normal(size=grid.shape) + 1j * rng.normal(size=grid.shape)).astype(
        np.complex64
    )
    _, by_pose = model.gradient(truth, stamps, wave, by_wave)
    assert by_pose.shape == (3,)
    for way, expected in zip(np.diag([1e-3, 1e-3, 0.1]), by_pose, strict=True):
        ends = [
            model.wave(model.stamps(truth.moved(truth.positions, truth.pose + each)))
            for each in (way, -way)
        ]
        change = np.sum(((ends[0] - ends[1]) * by_wave.conj()).real.astype(float))
        assert change / (2 * way.max()) == pytest.approx(expected, rel=0.02, abs=1)


@pytest.mark.parametrize("angle", [0.0, 0.31, 0.9])
def test_a_lattice_is_found_in_a_noisy_map_with_holes(angle, rng):
    field, shape, pixel = (40.0, 47.0), (200, 235), 0.2
    sites = np.concatenate(honeycomb(2.47, angle, np.array([18.0, 26.0]), 15))
    sites = sites[rng.random(len(sites)) < 0.9]
    values = rng.normal(0, 1, shape)
    y, x = np.indices(shape) * pixel
    for site in sites:
        values += np.exp(-((y - site[0]) ** 2 + (x - site[1]) ** 2) / 0.5)
    lattice = find_lattice(values, field)
    away, _ = cKDTree(lattice.atoms(field)).query(sites)
    assert away.max() < 0.25
    lengths = np.hypot(*lattice.vectors.T)
    np.testing.assert_allclose(lengths, 2.47, rtol=0.01)


def test_noise_and_other_lattices_are_not_graphene(rng):
    field, shape = (40.0, 47.0), (200, 235)
    noise = rng.normal(0, 1, shape)
    assert find_lattice(noise, field) is None
    y = np.arange(shape[0])[:, np.newaxis] * 0.2
    assert find_lattice(noise + np.cos(2 * np.pi * y / 2.74), field) is None


def test_sites_of_two_sheets_are_found_apart_from_each_other(truth):
    sites = Identities(*SHEETS).sites(truth)
    carbon = truth.kinds == CARBON
    assert set(sites.sublattice[carbon]) == {2, 3}
    assert set(sites.sublattice[~carbon]) == {0, 1}
    assert np.abs(sites.away(truth.sites)).max() < 1e-6
    # The C atom that is missing is one of the free sites with three bonds.
    full = sites.free_bonds == 3
    assert sites.free_sublattice[full].tolist() in ([2], [3])


def test_only_the_support_can_be_examined(truth, images):
    options = WaveOptions(vibration=0.004, smoothing=0.15, any_contrast=False)
    problem = sheet_problem(
        images,
        np.ones(images.shape[1:], bool),
        DETECTOR,
        ENERGY,
        defocus=np.array([-20.0, 30.0, 80.0]),
        positions=truth.positions,
        sheet=SHEETS[0],
        options=options,
        deepest=10.0,
    )
    problem = replace(problem, support=SHEETS[1])
    fit = problem.fit(1.0)
    vector = problem.lenses().guess(np.array([-20.0, 30.0, 80.0]), -5e4, 0.15)
    state = moved(truth, problem.series.origin)
    identities = Identities(*problem.layers)
    sites = identities.examine(fit, state, vector, 1.0, first=2)
    carbon = {n for n in range(len(state)) if state.kinds[n] == CARBON}
    assert {each.column for each in sites} == carbon | {None}
    assert {each.sublattice for each in sites} == {2, 3}
    kinds = {each.kind for site in sites for each in site.hypotheses}
    assert kinds == {CARBON, identities.empty}


def test_joined_sites_of_one_sheet_are_its_own():
    positions = np.concatenate(honeycomb(2.46, 0.3, np.zeros(2), 9))
    alone = find_sites(positions)
    joined = join_sites([(np.arange(len(positions)), alone)])
    np.testing.assert_array_equal(joined.sublattice, alone.sublattice)
    np.testing.assert_array_equal(joined.free, alone.free)
    np.testing.assert_allclose(
        joined.away(positions), alone.away(positions), atol=1e-12
    )


def test_changes_of_one_sheet_keep_the_levels_of_the_other(truth):
    state, places = changed(truth, [], Identities(*SHEETS))
    assert len(places) == 0
    np.testing.assert_array_equal(state.levels, truth.levels)
    lower = state.moved(state.positions, np.array([0.01, 0.02, 7.0]))
    assert lower.pose.tolist() == [0.01, 0.02, 7.0]
    assert np.all(lower.levels[lower.kinds[~lower.below]] == 0)
    flat = replace(lower, normal=np.zeros(2))
    np.testing.assert_allclose(flat.heights, np.where(flat.below, -7.0, 0.0))


def restated(truth, column, strength, error):
    """The probability of the atom of a column by its strength, whatever it was."""
    place = truth.sites[column]
    there = Hypothesis(int(truth.kinds[column]), place, 0.0, np.diag([7.0, 3.0]))
    empty = Hypothesis(len(NAMES) - 1, place, 4.0, np.eye(2))
    asked = Site(column, 2, (there, empty), np.array([0.0, 4.0]))
    errors = SimpleNamespace(
        occupancies=np.full(len(truth), strength),
        occupancy_errors=np.full(len(truth), error),
    )
    problem = SimpleNamespace(support=SHEETS[1])
    (site,) = by_strength(problem, truth, [asked], errors)
    return site.probabilities[0]


def test_an_atom_of_the_support_is_as_probable_as_its_strength_says(truth):
    share = SHEETS[1].occupants[0].share
    tree = cKDTree(truth.positions[truth.kinds == CARBON])
    bonds = np.array([len(each) - 1 for each in tree.query_ball_point(tree.data, 1.6)])
    first = np.flatnonzero(truth.kinds == CARBON)
    inside, beside = (first[np.flatnonzero(bonds == n)[0]] for n in (3, 1))
    # Halfway between an atom and none the images say nothing.
    assert restated(truth, inside, 0.5, 0.2) == pytest.approx(share)
    assert restated(truth, beside, 0.5, 0.2) == pytest.approx(1 - BESIDE)
    # One standard error nearer to an atom, and infinitely uncertain.
    odds = np.exp(0.5 * (1.5**2 - 0.5**2)) * share / (1 - share)
    assert restated(truth, inside, 0.75, 0.5) == pytest.approx(odds / (1 + odds))
    assert restated(truth, inside, 0.1, 1e6) == pytest.approx(share)
    # Columns of the flake stay as they were asked.
    assert restated(truth, 0, 0.1, 0.1) > 0.9
