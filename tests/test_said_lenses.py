# SPDX-License-Identifier: GPL-3.0-or-later
"""Lenses that are not those that the user said are told of."""

from __future__ import annotations

import warnings
from dataclasses import replace

import known_atoms
import pytest
import sheets

from hyperspy_hrtemnn.analysis import Measured, fit_optics, refine_atoms
from hyperspy_hrtemnn.analysis.refinement.said_lenses import warn_of_lenses

FOUND = known_atoms.refined_by_hand().optics  # 0, 5 and 10 nm


def test_a_guess_that_is_right_enough_is_not_told_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_lenses(FOUND, [20, 30, 120], 1.5e4)


def test_the_image_that_is_farthest_off_is_told_with_both_values():
    with pytest.warns(UserWarning, match=r"10\.0 nm of image 2, where 5\.0 nm was"):
        warn_of_lenses(FOUND, [-31, 50, 50])


def test_a_spherical_aberration_that_is_far_off_is_told():
    with pytest.warns(UserWarning, match=r"a Cs of 0\.0 µm, where -2\.5 µm was said"):
        warn_of_lenses(FOUND, [0, 50, 100], -2.5e4)


def test_an_uncertain_aberration_is_not_told_of():
    uncertain = replace(FOUND, Cs=Measured(0.0, 1e4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_lenses(uncertain, [0, 50, 100], -2.5e4)


FLAKE = sheets.mos2(radius=5)
SAID = [20, 50, 80]  # true are 20, 70 and 120


@pytest.fixture(scope="module")
def series():
    return sheets.images(sheets.exit_wave(FLAKE), 1e4)


def test_an_axis_with_a_wrong_step_is_told_with_the_atoms(series):
    columns, detector = sheets.guessed(FLAKE), sheets.detector(1e4)
    with pytest.warns(UserWarning, match=r"of image 2, where 8\.0 nm was said"):
        refine_atoms(series, detector, sheets.ENERGY, SAID, columns, Cs=-7e4)


def test_an_axis_with_a_wrong_step_is_told_with_the_lenses(series):
    wave = sheets.smoothed(sheets.exit_wave(FLAKE))
    with pytest.warns(UserWarning, match=r"of image 2, where 8\.0 nm was said"):
        fit_optics(wave, series, sheets.detector(1e4), sheets.ENERGY, SAID, Cs=-7e4)
