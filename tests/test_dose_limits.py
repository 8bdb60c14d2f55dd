# SPDX-License-Identifier: GPL-3.0-or-later
"""The doses of half the area and of convergence of curves that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperspy_hrtemnn.analysis import dose_limits

DOSES = np.geomspace(10, 1000, 5)


def test_half_and_convergence_are_interpolated_in_the_logarithm():
    found = dose_limits(DOSES, [0, 2, 6, 10, 10])
    assert found.area == 10
    assert found.half == pytest.approx(10 * 10 ** (0.5 * (1 + 3 / 4)))
    # 90 % is reached three quarters of the way from 6 to 10.
    assert found.convergence == pytest.approx(100 * 10 ** (0.5 * 0.75))


def test_half_is_of_the_true_area_where_it_is_known():
    found = dose_limits(DOSES, [0, 2, 6, 10, 10], true_area=16)
    assert found.half == pytest.approx(100 * 10 ** (0.5 * 0.5))
    assert found.convergence == dose_limits(DOSES, [0, 2, 6, 10, 10]).convergence
    assert np.isnan(dose_limits(DOSES, [0, 2, 6, 7, 7], true_area=16).half)


def test_noise_that_is_found_at_a_low_dose_does_not_count():
    found = dose_limits(DOSES, [9, 0, 10, 10, 10])
    assert found.half == pytest.approx(10 * 10**0.75)
    # Too much is not converged either: 110 % is passed 9/10 of the way down from 20.
    found = dose_limits(DOSES, [10, 10, 20, 10, 10], tolerance=0.1)
    assert found.convergence == pytest.approx(100 * 10 ** (0.5 * 0.9))


def test_frames_of_one_dose_are_averaged_in_any_order():
    found = dose_limits([100, 10, 100, 1000, 10], [10, 0, 6, 10, 4])
    assert found == dose_limits([10, 100, 1000], [2, 8, 10])


def test_ends_of_the_series():
    assert dose_limits(DOSES, [5] * 5).half == 10
    nothing = dose_limits(DOSES, [0] * 5, true_area=3)
    assert np.isnan([nothing.half, nothing.convergence]).all()
    assert nothing.area == 0


@given(
    st.lists(st.floats(0, 1e3), min_size=2, max_size=9),
    st.floats(0.1, 10),
    st.floats(0.01, 100),
)
def test_units_do_not_matter(areas, area_unit, dose_unit):
    doses = np.geomspace(3, 300, len(areas))
    ours = dose_limits(doses, areas, true_area=50)
    theirs = dose_limits(
        doses * dose_unit, np.array(areas) * area_unit, true_area=50 * area_unit
    )
    # Where an area lies on a limit, rounding decides.
    relative = np.abs(np.array(areas) - areas[-1]) - 0.1 * areas[-1]
    if np.all(np.abs([*relative, *(np.array(areas) - 25)]) > 1e-6):
        assert theirs.half == pytest.approx(ours.half * dose_unit, nan_ok=True)
        assert theirs.convergence == pytest.approx(
            ours.convergence * dose_unit, nan_ok=True
        )


@pytest.mark.parametrize(
    ("dose", "area"), [([1, 2], [1]), ([5, 5], [1, 2]), ([0, 5], [1, 2])]
)
def test_series_that_are_none(dose, area):
    with pytest.raises(ValueError, match=r"one dose for each area|two doses or more"):
        dose_limits(dose, area)


@pytest.mark.parametrize(
    ("dose", "area"), [([1, 2], [np.nan, 5]), ([1, np.inf], [5, 5])]
)
def test_frames_that_are_not_measured(dose, area):
    with pytest.raises(ValueError, match="leave its frame out"):
        dose_limits(dose, area)
