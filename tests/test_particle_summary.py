# SPDX-License-Identifier: GPL-3.0-or-later
"""Summary of particles, and the plot of their totals."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from hyperspy_hrtemnn.analysis import summarize_particles
from hyperspy_hrtemnn.plots import plot_particle_totals


@pytest.fixture
def properties():
    """Particle 7 grows in frames 1, 2 and 4 and moves by (3, 4); particle 2 is once."""
    table = pd.DataFrame(
        {
            "id": [7, 2, 7, 7],
            "frame": [4, 1, 1, 2],
            "time": [2.0, 0.5, 0.5, 1.0],
            "area": [9.0, 5.0, 1.0, 2.0],
            "equivalent_diameter": [3.0, 2.5, 1.0, 1.7],
            "touches_border": [True, False, True, False],
            "mean_intensity": [10.0, 4.0, 20.0, 30.0],
            "x_corrected": [13.0, 0.0, 10.0, 11.0],
            "y_corrected": [5.0, 0.0, 1.0, 2.0],
        }
    )
    table.attrs["units"] = {
        "time": "s",
        "area": "nm²",
        "equivalent_diameter": "nm",
        "x_corrected": "nm",
    }
    return table


@pytest.fixture
def frames():
    table = pd.DataFrame({"frame": range(6), "time": np.arange(6) / 2})
    table["valid"] = table["frame"] != 3
    return table


def test_each_particle_is_summed_up_in_the_order_of_frames(properties):
    table = summarize_particles(properties).set_index("id")
    assert table.index.tolist() == [2, 7]
    row = table.loc[7]
    assert row[["frames", "first_frame", "last_frame"]].tolist() == [3, 1, 4]
    assert row[["first_time", "last_time"]].tolist() == [0.5, 2.0]
    assert row[["first_area", "last_area", "mean_area"]].tolist() == [1, 9, 4]
    assert row["std_area"] == pytest.approx(np.std([1, 2, 9], ddof=1))
    assert row["mean_equivalent_diameter"] == pytest.approx(1.9)
    assert row["displacement"] == 5
    assert row["mean_intensity"] == 20
    assert row["frames_at_border"] == 2
    assert np.isnan(table.loc[2, "std_area"])
    assert table.loc[2, "displacement"] == 0


def test_the_units_of_a_summary_are_those_of_the_properties(properties):
    assert summarize_particles(properties).attrs["units"] == {
        "first_time": "s",
        "last_time": "s",
        "mean_area": "nm²",
        "std_area": "nm²",
        "first_area": "nm²",
        "last_area": "nm²",
        "mean_equivalent_diameter": "nm",
        "displacement": "nm",
    }


def test_what_a_table_has_not_is_not_in_its_summary(properties):
    less = properties.drop(
        columns=["time", "x_corrected", "y_corrected", "mean_intensity"]
    )
    columns = set(summarize_particles(less))
    assert not columns & {"first_time", "displacement", "mean_intensity"}
    with pytest.raises(ValueError, match="has no column 'area'"):
        summarize_particles(properties.drop(columns="area"))
    of_file = properties.rename(columns={"area": "area (nm^2)"})
    with pytest.raises(ValueError, match=r"but 'area \(nm\^2\)': .* table\.rename"):
        summarize_particles(of_file)
    renamed = of_file.rename(columns=lambda name: name.split(" (")[0])
    assert len(summarize_particles(renamed)) == len(summarize_particles(properties))


def test_a_summary_of_nothing_is_empty(properties):
    table = summarize_particles(properties.iloc[:0])
    assert len(table) == 0
    assert "displacement" in table


def test_totals_have_a_gap_where_a_frame_could_not_be_used(properties, frames):
    above, below = plt.subplots(2, 1)[1]
    plot_particle_totals(properties, frames, (above, below))
    (number,), (area,) = above.lines, below.lines
    np.testing.assert_array_equal(number.get_xdata(), frames["time"])
    np.testing.assert_array_equal(number.get_ydata(), [0, 2, 1, np.nan, 1, 0])
    np.testing.assert_array_equal(area.get_ydata(), [0, 6, 2, np.nan, 9, 0])
    assert below.get_ylabel() == "total area (nm²)"
    assert below.get_xlabel() == "time (s)"
    plt.close("all")


def test_totals_of_several_axes_are_against_the_number_of_the_frame(properties, frames):
    frames["time"] = [0, 1, 2, 0, 1, 2]
    figure = plot_particle_totals(properties, frames)
    assert figure.axes[1].get_xlabel() == "frame"
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_xdata(), range(6))
    plt.close("all")


def test_totals_break_in_a_pause(properties, frames):
    frames["time"] = [0, 0.5, 1, 1.5, 60, 60.5]
    figure = plot_particle_totals(properties, frames)
    x = figure.axes[1].lines[0].get_xdata()
    assert np.isnan(x[4])
    (pause,) = figure.axes[1].patches
    corners = figure.axes[1].transData.inverted().transform(pause.get_verts())
    assert corners[:, 0].min() == pytest.approx(1.5)
    assert corners[:, 0].max() == pytest.approx(60)
    plt.close("all")
