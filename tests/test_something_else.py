# SPDX-License-Identifier: GPL-3.0-or-later
"""The probability that a column is none of what was allowed."""

from __future__ import annotations

import numpy as np
import pytest

from hyperspy_hrtemnn.analysis.refinement.atoms.something_else import (
    probability_of_else,
)


def of(occupancy, error, share=0.97, probability=1.0):
    values = (occupancy, error, share, probability)
    return float(probability_of_else(*(np.array([each]) for each in values))[0])


@pytest.mark.parametrize("error", [0.001, 0.02, 0.1, 0.5])
@pytest.mark.parametrize("sigmas", [-2, 0, 2])
def test_a_column_that_is_as_strong_as_its_class_is_of_it(error, sigmas):
    assert of(1 + sigmas * error, error) < 0.005


@pytest.mark.parametrize("occupancy", [0.77, 0.85, 1.18, 1.6])
def test_a_column_of_another_strength_is_something_else(occupancy):
    assert of(occupancy, 0.018) > 0.95


def test_a_large_error_tells_nothing():
    assert of(1.4, 0.3) < 0.01


def test_a_small_difference_may_be_that_of_the_model():
    assert of(0.95, 0.001) < 0.01


def test_a_class_that_is_rare_itself_gives_way_sooner():
    chances = [of(1.08, 0.016, share) for share in (0.97, 0.03, 0.001)]
    assert chances[0] < 0.01 < chances[1] < 0.4 < chances[2]


def test_by_counting_columns_of_any_strength():
    # One of 21 columns of a class that 2 % of the sites have is something else.
    rng = np.random.default_rng(3)
    other = rng.random(2_000_000) < 1 / 21
    true = np.where(
        other, rng.uniform(0, 3, len(other)), rng.normal(1, 0.02, len(other))
    )
    seen = true + rng.normal(0, 0.05, len(other))
    near = np.abs(seen - 1.15) < 0.01
    assert of(1.15, 0.05, share=0.02) == pytest.approx(other[near].mean(), abs=0.02)
