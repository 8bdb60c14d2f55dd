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
from hyperspy_hrtemnn.analysis.refinement.atoms.verdict import judge, judge_columns

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


def test_of_any_contrast_the_noise_found_is_that_which_is_expected():
    stretched = replace(FOUND.optics, chi2=16.0, noise=Measured(15.6, 0.1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        judge(stretched, any_contrast=True)
    with pytest.warns(UserWarning, match=r"noise of the images is 15\.60 times"):
        judge(stretched)
