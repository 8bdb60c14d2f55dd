# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of the atoms that were found, of their lenses and tables alone."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace

import known_atoms
import numpy as np
import pytest

from hyperspy_hrtemnn.analysis import Measured
from hyperspy_hrtemnn.analysis.refinement.atoms.strange_columns import judge_columns
from hyperspy_hrtemnn.analysis.refinement.atoms.verdict import judge

FOUND = known_atoms.refined_by_hand()
UNEXPLAINED = replace(FOUND.optics, chi2=1.3, unexplained=0.04)


def columns(occupancy, error):
    return FOUND.columns.assign(occupancy=occupancy, sigma_occupancy=error)


@pytest.mark.parametrize(("mean", "error"), [(0.96, 0.018), (0.93, 0.1), (1.25, 0.09)])
def test_strengths_that_the_model_or_noise_may_have_are_not_told(mean, error):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        judge_columns(columns(mean, error))


def test_an_offset_that_was_not_taken_away_is_told():
    # 20 of 400 counts, at 10^4 electrons/Å²: contrasts are 5 % weaker, and the model
    # by itself makes them 2 %.
    with pytest.warns(UserWarning, match="All columns are 7% weaker"):
        judge_columns(columns(0.93, 0.0188))


def drifted(*places):
    drift = Measured(np.array(places, float), np.zeros((len(places), 2)))
    return replace(UNEXPLAINED, drift=drift)


def test_much_drift_is_told_where_something_is_unexplained():
    told = re.escape("image 2 the sample moved by 0.6 nm")
    with pytest.warns(UserWarning, match=told):
        judge(drifted((0, 0), (0.1, 3), (1, 6)))


def test_little_drift_is_not_told():
    with pytest.warns(UserWarning, match="is not that of the atoms") as seen:
        judge(drifted((0, 0), (0.1, 1), (1, 2)))
    assert not any("moved" in str(each.message) for each in seen)


def told(optics):
    """Return the only warning."""
    with pytest.warns(UserWarning, match=r"\w") as seen:
        judge(optics)
    (text,) = (str(each.message) for each in seen)
    return text


def test_more_noise_is_told_with_errors_that_hold_and_not_as_unexplained():
    noisy = replace(FOUND.optics, chi2=15.7, noise=Measured(15.6, 0.1), unexplained=0.6)
    text = told(noisy)
    assert "noise of the images is 15.60 times" in text
    assert "are those of the noise that is found, and hold" in text


def test_less_noise_is_told_with_errors_that_are_too_large():
    text = told(replace(FOUND.optics, chi2=0.26, noise=Measured(0.25, 0.01)))
    assert "noise of the images is 0.25 times" in text
    assert "All standard errors are too large" in text


def test_images_better_than_their_detector_are_told_where_no_noise_is_seen():
    large_pixels = Measured(float("nan"), float("nan"))
    text = told(replace(FOUND.optics, chi2=0.5, noise=large_pixels))
    assert text.startswith("chi² is 0.50, less than the noise of this detector alone")


def test_a_sheet_of_which_one_class_is_too_strong_may_be_of_other_elements():
    pairs = FOUND.columns["class"] == "2S"
    with pytest.warns(UserWarning, match="All columns 2S are 19% stronger") as seen:
        judge_columns(columns(np.where(pairs, 1.15, 0.965), 0.02))
    assert "may be of other elements, as MoSSe" in str(seen[0].message)
