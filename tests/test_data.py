# SPDX-License-Identifier: GPL-3.0-or-later
"""The focal series of the package; its movie is that of many other tests."""

from __future__ import annotations

import pytest

from hyperspy_hrtemnn.analysis import find_vacancies
from hyperspy_hrtemnn.data import mos2_series


def test_the_series_has_the_columns_and_the_calibration_that_its_docstring_says():
    series = mos2_series()
    (defocus,) = series.axes_manager.navigation_axes
    assert (defocus.name, defocus.units) == ("defocus", "nm")
    assert defocus.axis.tolist() == [0, 5, 10]
    for axis in series.axes_manager.signal_axes:
        assert axis.units == "nm"
        assert (axis.scale, axis.offset) == (pytest.approx(0.0105), 0)
    assert series.data.shape == (3, 480, 480)
    columns = series.segment("mos2-columns").find_columns()
    assert len(columns) == 151
    assert (columns["class"] == "1S").sum() == 6
    assert len(find_vacancies(columns)) == 1


def test_the_series_can_stay_on_disk():
    assert mos2_series(lazy=True)._lazy
