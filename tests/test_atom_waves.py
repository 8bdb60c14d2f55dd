# SPDX-License-Identifier: GPL-3.0-or-later
"""Waves of columns and sheets, their derivatives, and changes of single columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.fft
import sheets

from hyperspy_hrtemnn.analysis import wavelength
from hyperspy_hrtemnn.analysis.refinement.atoms.explanation import check_seen
from hyperspy_hrtemnn.analysis.refinement.atoms.identities import Identities, changed
from hyperspy_hrtemnn.analysis.refinement.atoms.known_sheets import sheet_of_classes
from hyperspy_hrtemnn.analysis.refinement.atoms.local_change import LocalChange
from hyperspy_hrtemnn.analysis.refinement.atoms.problem import (
    WaveOptions,
    guessed_state,
    sheet_problem,
)
from hyperspy_hrtemnn.analysis.refinement.atoms.scattering import atom_phase

FLAKE = sheets.mos2(upper=(4,), radius=6)


@pytest.fixture(scope="module")
def problem():
    images = sheets.images(sheets.exit_wave(FLAKE), 3e3)
    sheet, names = sheet_of_classes(["1Mo", "2S", "1S"])
    problem = sheet_problem(
        images,
        np.ones(images.shape[1:], bool),
        sheets.detector(3e3),
        sheets.ENERGY,
        defocus=np.array([25.0, 75.0, 125.0]),
        positions=FLAKE.columns[["y", "x"]].to_numpy(),
        sheet=sheet,
        options=WaveOptions(sheets.VIBRATION, sheets.SMOOTHING, any_contrast=False),
    )
    lenses = problem.lenses().guess(np.array([25.0, 75.0, 125.0]), -8e4, 0.15)
    state = guessed_state(problem, sheets.guessed(FLAKE), names)
    tilted = state.moved(state.positions, np.array([0.06, -0.04]))
    return problem, problem.fit(1.5, lenses), tilted, lenses


def test_the_phase_of_an_atom_is_that_of_its_projected_potential():
    abtem = pytest.importorskip("abtem")
    k2 = np.linspace(0.01, 9, 50)
    table = abtem.parametrizations.KirklandParametrization()
    for element in ("C", "S", "Mo", "W"):
        expected = table.projected_scattering_factor(element)(k2)
        sigma = abtem.core.energy.energy2sigma(80e3)
        found = atom_phase(element, k2, 80.0, 0.0)
        np.testing.assert_allclose(found, sigma * expected, rtol=2e-4)


def test_known_lenses_are_held_tighter_than_guessed_ones(problem):
    images, guessed, state, lenses = problem
    known = images.fit(1.5, lenses, known=True)
    position, others = guessed.expected_precision(state)
    same, tighter = known.expected_precision(state)
    assert same == position
    np.testing.assert_allclose(tighter[:2], others[:2])
    np.testing.assert_allclose(tighter[2:], 100 * others[2:])


def test_vibrations_damp_high_frequencies():
    k2 = np.array([0.0, 1.0, 4.0])
    still, moving = (atom_phase("S", k2, 80.0, u2) for u2 in (0, 0.01))
    np.testing.assert_allclose(moving / still, np.exp(-2 * np.pi**2 * 0.01 * k2))


def test_the_wave_of_a_sheet_is_that_of_multislice(problem):
    problem, fit, state, _ = problem
    true = FLAKE.columns[["y", "x"]].to_numpy() + problem.series.origin
    kinds = [
        [each.name for each in problem.sheet.occupants].index(name)
        for name in FLAKE.columns["class"]
    ]
    flat = state.with_columns(true, np.array(kinds)).moved(true, np.zeros(2))
    grid = fit.model.grid
    wave = fit.model.wave(fit.model.stamps(flat))
    # From the middle of the flake to 2 Å behind its last atom.
    plane = sheets.HALF + 2
    spectrum = grid.spectrum_of_grid(wave)
    spectrum *= np.exp(-1j * np.pi * wavelength(sheets.ENERGY) * plane * grid.squared)
    found = scipy.fft.ifft2(spectrum, norm="forward")
    pad = problem.series.pad
    fine = sheets.smoothed(sheets.exit_wave(FLAKE))
    expected = np.pad(fine, pad, constant_values=1)
    expected = scipy.fft.ifft2(grid.spectrum(expected), norm="forward")
    assert np.sqrt(np.mean(np.abs(found - expected) ** 2)) < 0.003


def test_gradients_are_those_of_differences(problem):
    _, fit, state, lenses = problem
    _, by_position, by_normal, by_lens = fit.gradient(state, lenses)

    def slope(step, path):
        ends = [fit.gradient(*path(sign * step))[0] for sign in (1, -1)]
        return (ends[0] - ends[1]) / (2 * step)

    for column, axis in ((0, 0), (7, 1), (12, 0)):
        way = np.zeros_like(state.positions)
        way[column, axis] = 1
        found = slope(
            0.01,
            lambda s, way=way: (
                state.moved(state.positions + s * way, state.normal),
                lenses,
            ),
        )
        scale = np.abs(by_position).mean()
        assert found == pytest.approx(by_position[column, axis], abs=0.01 * scale)
    for axis in (0, 1):
        way = np.eye(2)[axis]
        found = slope(
            2e-3,
            lambda s, way=way: (
                state.moved(state.positions, state.normal + s * way),
                lenses,
            ),
        )
        scale = np.abs(by_normal).mean()
        assert found == pytest.approx(by_normal[axis], abs=0.02 * scale)
    steps = fit.residuals.model.parameters.steps
    for place in np.flatnonzero(steps > 0):
        way = np.zeros(len(lenses))
        way[place] = 0.01 * steps[place]
        found = slope(1.0, lambda s, way=way: (state, lenses + s * way))
        assert found == pytest.approx(
            by_lens[place] * way[place], rel=0.02, abs=1e-3 * abs(by_lens @ steps)
        )


def test_a_change_of_one_column_is_that_of_all_images(problem):
    problem, fit, state, lenses = problem
    change = LocalChange(fit, state, lenses)
    before = fit.gradient(state, lenses)[0]
    for column in (0, 6):
        site = state.sites[column]
        kinds = list(range(len(problem.sheet.occupants)))
        found = change.values(column, kinds, np.tile(site, (len(kinds), 1)))
        for kind in kinds:
            positions, numbers = state.positions.copy(), state.kinds.copy()
            positions[column] = site + state.centers[kind] * state.normal
            numbers[column] = kind
            after = fit.gradient(state.with_columns(positions, numbers), lenses)[0]
            assert found[kind] == pytest.approx(after - before, rel=0.1, abs=5)


def test_frequencies_that_the_lenses_do_not_pass_are_faint(problem):
    _, fit, state, lenses = problem
    assert not fit.is_faint(state, lenses, 0.7)
    blurred = lenses.copy()
    blurred[fit.residuals.model.parameters.place("blur_squared")] = 1.0**2
    assert fit.is_faint(state, blurred, 0.7)


def test_where_nothing_is_compared_a_site_is_what_it_is_said_to_be(problem):
    problem, fit, state, lenses = problem
    corner = np.zeros_like(problem.series.valid)
    corner[:4, :4] = True
    hidden = replace(problem, series=replace(problem.series, valid=corner))
    fit = hidden.fit(1.5, lenses)
    assert fit.residuals.series.away(state.sites).min() > 6
    identities = Identities(problem.sheet)
    sites = identities.examine(fit, state, lenses, 1.0)
    assert [each.column for each in sites] == list(range(len(state)))
    assert len(changed(state, sites, identities)[1]) == 0
    assert all(0.3 < each.probabilities.max() < 1 for each in sites)


def test_distances_from_the_compared_pixels_are_in_angstrom(problem):
    problem = problem[0]
    series = problem.fit(1.5).residuals.series
    y, x = np.argwhere(problem.series.valid)[0] * sheets.PIXEL
    places = np.array(
        [[y - 2, x + 5], [y + 5, x - 1], [y - 1.5, x - 2], [y + 5, x + 5]]
    )
    np.testing.assert_allclose(series.away(places), [2, 1, 2.5, 0], atol=0.3)


def test_two_columns_on_one_site_become_one(problem):
    problem, _, state, _ = problem
    identities = Identities(problem.sheet)
    doubled = state.with_columns(
        np.concatenate([state.positions, state.positions[[3]] + 0.3]),
        np.append(state.kinds, state.kinds[0]),
    )
    single = identities.without_doubles(doubled)
    assert len(single) == len(state)
    assert identities.without_doubles(state) is state


def test_a_sheet_of_which_nothing_is_left_is_refused(problem):
    _, _, state, _ = problem
    with pytest.raises(ValueError, match="do not show these columns"):
        check_seen(state.with_columns(state.positions[:3], state.kinds[:3]))
