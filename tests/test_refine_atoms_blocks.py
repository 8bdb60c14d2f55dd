# SPDX-License-Identifier: GPL-3.0-or-later
"""Large fields of view: refined in blocks, they give what one fit of all gives."""

from __future__ import annotations

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
from hyperspy_hrtemnn.analysis.refinement.atoms import block_cuts
from hyperspy_hrtemnn.analysis.refinement.atoms.block_cuts import cut_blocks, is_large
from hyperspy_hrtemnn.analysis.refinement.atoms.column_waves import ColumnWaves
from hyperspy_hrtemnn.analysis.refinement.atoms.common_lens import (
    LensOfPlace,
    common_lens,
    differing,
)
from hyperspy_hrtemnn.analysis.refinement.atoms.known_sheets import mx2
from hyperspy_hrtemnn.analysis.refinement.atoms.refine import refine_atoms
from hyperspy_hrtemnn.analysis.refinement.atoms.sheet_state import SheetState
from hyperspy_hrtemnn.analysis.refinement.atoms.wave_model import WaveModel
from hyperspy_hrtemnn.analysis.refinement.lens_parameters import ParameterList
from hyperspy_hrtemnn.analysis.refinement.working_grid import WorkingGrid

ENERGY, PIXEL, DOSE = 60.0, 0.12, 2e4
SHAPE = (198, 372)
DEFOCUS = (30.0, 80.0)
CS = 3e4
OCCUPANTS = mx2("Mo", "S").occupants
NUMBER = {each.name: n for n, each in enumerate(OCCUPANTS)}
NORMAL = np.sin(np.deg2rad(4)) * np.array([0.6, 0.8])


def flake(shape=SHAPE) -> SheetState:
    """Return a tilted flake of MoS2 in vacuum with two vacancies."""
    cells = np.mgrid[-30:31, -30:31].reshape(2, -1).T
    metal = cells @ (3.16 * np.array([[0.0, 1.0], [np.sqrt(3) / 2, 0.5]]))
    places = np.concatenate([metal, metal + np.array([3.16 / np.sqrt(12), 1.58])])
    kinds = np.repeat([NUMBER["1Mo"], NUMBER["2S"]], len(metal))
    size = np.array(shape) * PIXEL
    inside = np.all(np.abs(places) < size / 2 - 6.2, axis=1)
    places, kinds = places[inside] + size / 2, kinds[inside]
    sulfur = np.flatnonzero(kinds == NUMBER["2S"])
    by_x = sulfur[np.argsort(places[sulfur, 1])]
    kinds[by_x[[len(by_x) // 5, len(by_x) // 2]]] = NUMBER["1S upper"]
    centers = np.array([each.center for each in OCCUPANTS])
    places = places + centers[kinds][:, np.newaxis] * NORMAL
    return SheetState(places, kinds, centers, NORMAL, size / 2)


def series_of(state: SheetState, shape=SHAPE):
    """Return images in electrons, their detector, and the wave in the middle plane."""
    field = (shape[0] * PIXEL, shape[1] * PIXEL)
    grid = WorkingGrid(field, 2.3)
    options = {"smoothing": 0.15, "vibration": 0.004, "farthest": 5.0}
    model = WaveModel(ColumnWaves(OCCUPANTS, grid, ENERGY, **options), grid, 0.0)
    wave = model.wave(model.stamps(state))
    detector = Detector(PIXEL, DOSE, 0.5, 2.2, readout=0.02)
    rng = np.random.default_rng(5)
    images = []
    for defocus in DEFOCUS:
        optics = Optics(ENERGY, defocus, CS, 9.0, 0.2, (Aberration(1, 2, 9.0, 0.6),))
        image = image_intensity(wave, field, optics, shape)
        images.append(detect_electrons(image, detector, rng) - detector.readout)
    return np.array(images), detector


def guess_of(state: SheetState) -> pd.DataFrame:
    """Return the columns as a network finds them: places a little off, no vacancies."""
    off = np.random.default_rng(1).normal(0, 0.03, state.positions.shape)
    names = np.where(state.kinds == NUMBER["1Mo"], "1Mo", "2S")
    y, x = (state.positions + off).T
    return pd.DataFrame({"x": x, "y": y, "class": names})


@pytest.fixture(scope="module")
def both():
    """Return the truth, and what one fit and what blocks find of the same images."""
    state = flake()
    images, detector = series_of(state)
    guess = np.add(DEFOCUS, 6).tolist()
    arguments = (images, detector, ENERGY, guess, guess_of(state))
    whole = refine_atoms(*arguments, Cs=3.5e4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(block_cuts, "_MOST", 50)
        patch.setattr(block_cuts, "_MOST_IN_CORE", len(state) // 2 + 1)
        blocks = refine_atoms(*arguments, Cs=3.5e4)
    return state, whole, blocks


def in_order(state, table):
    """Return the rows of a table in the order of the columns of a state."""
    away, near = cKDTree(table[["y", "x"]].to_numpy()).query(state.positions)
    assert away.max() < 0.3
    assert len(np.unique(near)) == len(table) == len(state)
    return table.iloc[near].reset_index(drop=True)


def test_blocks_find_each_column_once_with_its_class(both):
    state, _, blocks = both
    table = in_order(state, blocks.columns)
    names = [OCCUPANTS[kind].name for kind in state.kinds]
    assert table["class"].tolist() == names
    atoms = sum(len(OCCUPANTS[kind].atoms) for kind in state.kinds)
    assert blocks.positions.shape == (atoms, 3)
    assert len(blocks.symbols) == atoms


def test_positions_and_heights_of_blocks_are_those_of_one_fit(both):
    state, whole, blocks = both
    one, other = (in_order(state, each.columns) for each in (whole, blocks))
    for axis in "xy":
        apart = (one[axis] - other[axis]) / one[f"sigma_{axis}"]
        assert np.sqrt(np.mean(apart**2)) < 0.7
        ratio = other[f"sigma_{axis}"] / one[f"sigma_{axis}"]
        assert 0.85 < ratio.median() < 1.25
    assert np.abs(one["z"] - other["z"]).max() < 0.5


def test_positions_of_blocks_are_right_within_their_errors(both):
    state, _, blocks = both
    table = in_order(state, blocks.columns)
    off = table[["y", "x"]].to_numpy() - state.positions
    pulls = off / table[["sigma_y", "sigma_x"]].to_numpy()
    assert np.sqrt(np.mean(pulls**2)) < 1.25


def test_lenses_of_blocks_are_those_of_one_fit(both):
    _, whole, blocks = both
    for name in ("Cs", "C12", "focal_spread", "blur", "dose"):
        one, other = getattr(whole.optics, name), getattr(blocks.optics, name)
        apart = np.abs(np.subtract(one.value, other.value))
        assert np.all(apart < 1.5 * np.asarray(one.error)), name
    assert abs(blocks.optics.Cs.value - CS) < 3 * blocks.optics.Cs.error
    assert blocks.optics.chi2 == pytest.approx(whole.optics.chi2, abs=0.02)


def test_the_wave_of_blocks_has_no_seam(both):
    _, whole, blocks = both
    assert blocks.wave.shape == whole.wave.shape
    apart = np.abs(blocks.wave - whole.wave)
    assert np.sqrt(np.mean(apart**2)) < 0.003
    assert apart.max() < 0.03


def test_residual_images_of_blocks_are_noise(both):
    _, whole, blocks = both
    assert blocks.residuals.shape == whole.residuals.shape
    inner = (slice(None), slice(30, -30), slice(30, -30))
    assert blocks.residuals[inner].std() == pytest.approx(
        whole.residuals[inner].std(), rel=0.03
    )


def test_many_columns_or_a_long_field_are_large():
    few, many = np.zeros((600, 2)), np.zeros((601, 2))
    assert not is_large((500, 900), few, 0.11)
    assert is_large((500, 900), many, 0.11)
    assert is_large((500, 920), few, 0.11)


def test_cores_share_no_column_and_leave_out_none():
    positions = np.random.default_rng(3).uniform(0, [70, 210], (3000, 2))
    blocks = cut_blocks(positions, (700, 2100), 0.1)
    inside = np.array([block.beyond(positions) <= 0 for block in blocks])
    assert np.all(inside.sum(axis=0) == 1)
    assert inside.sum(axis=1).max() <= 320
    assert inside.sum(axis=1).min() > 100


def test_weights_of_blocks_reach_all_pixels_near_columns():
    positions = np.random.default_rng(4).uniform(2, [69, 180], (1500, 2))
    total = np.zeros((700, 2100), np.float32)
    for block in cut_blocks(positions, total.shape, 0.1):
        total[block.pixels] += block.weights(total.shape, 0.1)
    rows, columns = np.floor(positions / 0.1).astype(int).T
    assert total[rows, columns].min() > 0.4


def test_a_common_lens_is_that_of_all_measurements_together():
    parameters = ParameterList(2)
    free = parameters.steps > 0
    ways, steps = differing(parameters, free), parameters.steps[free]
    rng = np.random.default_rng(2)
    truth, places = rng.normal(size=free.sum()), []
    for _ in range(3):
        root = rng.normal(size=(40, free.sum()))
        at_place = truth + ways @ rng.normal(size=ways.shape[1])
        covariance = np.linalg.inv(root.T @ root)
        places.append(
            LensOfPlace(at_place * steps, covariance * np.outer(steps, steps))
        )
    information = [each.information() for each in places]
    found = common_lens(information, ways * steps[:, np.newaxis], steps)
    for place, lens in zip(places, found, strict=True):
        np.testing.assert_allclose(lens.vector, place.vector, rtol=1e-6, atol=1e-9)
        less = np.diag(place.covariance) - np.diag(lens.covariance)
        assert np.all(less > 0)


def test_a_place_alone_keeps_its_lens():
    parameters = ParameterList(3)
    free = parameters.steps > 0
    steps = parameters.steps[free]
    covariance = np.diag(steps**2) * 1e-3
    place = LensOfPlace(3 * steps, covariance).information()
    (found,) = common_lens([place], differing(parameters, free), steps)
    np.testing.assert_allclose(found.vector, 3 * steps)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-9, atol=1e-12)


def test_what_was_expected_is_not_what_a_place_tells():
    expected, precision = np.array([2.0, -1.0]), np.array([0.5, 3.0])
    told = np.array([[4.0, 1.0], [1.0, 2.0]])
    vector = np.array([1.0, 5.0])
    covariance = np.linalg.inv(told + np.diag(precision))
    both = covariance @ (told @ vector + precision * expected)
    found = LensOfPlace(both, covariance).information(expected, precision)
    np.testing.assert_allclose(found.precision, told)
    np.testing.assert_allclose(found.pull, told @ vector)
