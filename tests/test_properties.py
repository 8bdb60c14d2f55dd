# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties of shapes whose properties are known."""

from __future__ import annotations

import numpy as np
import pytest

from hyperspy_hrtemnn.analysis import particle_properties

SHAPE = (120, 170)


def ellipse(x, y, a, b, degrees):
    """An ellipse whose long axis is turned from x towards y."""
    row, column = np.ogrid[: SHAPE[0], : SHAPE[1]]
    angle = np.radians(degrees)
    along = (column - x) * np.cos(angle) + (row - y) * np.sin(angle)
    across = (row - y) * np.cos(angle) - (column - x) * np.sin(angle)
    return (along / a) ** 2 + (across / b) ** 2 <= 1


def only(labels, **options):
    table = particle_properties(labels, **options)
    assert len(table) == 1
    return table.iloc[0]


def test_disc():
    row = only(ellipse(90.5, 52.25, 31, 31, 0).astype(np.uint8), sampling=0.2)
    assert row["area"] == pytest.approx(np.pi * 6.2**2, rel=0.005)
    assert row["x"] == pytest.approx(18.1, abs=0.01)
    assert row["y"] == pytest.approx(10.45, abs=0.01)
    assert row["equivalent_diameter"] == pytest.approx(12.4, rel=0.003)
    assert row["perimeter"] == pytest.approx(np.pi * 12.4, rel=0.01)
    assert row["eccentricity"] < 0.1
    assert not row["touches_border"]


@pytest.mark.parametrize("degrees", [-75, -40, 0, 25, 60, 90])
def test_ellipse(degrees):
    row = only(5 * ellipse(85, 60, 40, 20, degrees).astype(int))
    assert row["id"] == 5
    assert row["area"] == pytest.approx(np.pi * 800, rel=0.005)
    assert row["eccentricity"] == pytest.approx(np.sqrt(0.75), abs=0.003)
    assert row["orientation"] == pytest.approx(degrees, abs=0.3)
    assert row["perimeter"] == pytest.approx(193.8, rel=0.02)


def test_orientation_tells_rows_from_columns():
    wide, tall = np.zeros(SHAPE, int), np.zeros(SHAPE, int)
    wide[10:14, 20:60] = 1
    tall[20:60, 10:14] = 1
    assert only(wide)["orientation"] == 0
    assert only(tall)["orientation"] == 90


def test_many_particles_with_gaps_in_their_ids():
    labels = np.zeros(SHAPE, np.int64)
    labels[3:8, 10:30] = 40
    labels[3:8, 30:34] = 2
    labels[60:, 160:] = 10**12
    labels[50, 77] = 7
    image = np.arange(labels.size, dtype=np.uint16).reshape(SHAPE)
    table = particle_properties(labels, image, sampling=2.0)
    assert table["id"].tolist() == [2, 7, 40, 10**12]
    assert table["area"].tolist() == [80, 4, 400, 2400]
    assert table["touches_border"].tolist() == [False, False, False, True]
    expected = [image[labels == number].mean() for number in table["id"]]
    np.testing.assert_allclose(table["mean_intensity"], expected)
    assert (table["x"][1], table["y"][1]) == (154, 100)


def test_no_particles_have_the_same_columns():
    empty = particle_properties(np.zeros(SHAPE, int), np.zeros(SHAPE))
    some = particle_properties(np.ones(SHAPE, int), np.zeros(SHAPE))
    assert len(empty) == 0
    assert empty.dtypes.to_dict() == some.dtypes.to_dict()


def test_invalid_input_is_refused():
    with pytest.raises(ValueError, match="float64 of shape"):
        particle_properties(np.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"\(4, 3\).*\(3, 4\)"):
        particle_properties(np.zeros((3, 4), int), np.zeros((4, 3)))
