# SPDX-License-Identifier: GPL-3.0-or-later
"""The menu item Get ROI properties."""

from __future__ import annotations

import discs
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from dragonfly_stand_in import interface, model
from dragonfly_stand_in.session import open_grid

TITLE = "Get ROI properties"


@pytest.fixture(autouse=True)
def shown(monkeypatch):
    """Return the axes of the figures that are shown."""
    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.gca()))
    yield shown
    plt.close("all")


def open_disc(title, discs_of_frames, along="Z"):
    mask = discs.movie(discs_of_frames).astype(np.uint8)
    return open_grid(model.ROI, mask, along, title, discs.PIXEL * 1e-9)


def growing(title="growing", along="Z"):
    return open_disc(title, [[(20, 15, 5 + n)] for n in range(4)], along)


@pytest.mark.parametrize("along", ["T", "Z"])
def test_areas_of_several_rois(dragonfly, tmp_path, shown, along):
    rois = [growing(along=along), open_disc("visitor", discs.VISITOR, along)]
    path = tmp_path / "areas.csv"
    assert dragonfly.click(TITLE, rois, "0.5", str(path)) == []
    table = pd.read_csv(path)
    assert table["roi"].tolist() == ["growing"] * 4 + ["visitor"] * 2
    assert table["frame"].tolist() == [0, 1, 2, 3, 1, 2]
    np.testing.assert_allclose(table["time (s)"], table["frame"] * 0.5)
    for roi in rois:
        counts = [np.count_nonzero(frame) for frame in roi._data.reshape(4, -1)]
        rows = table[table["roi"] == roi.getTitle()]
        areas = rows["area (nm^2)"].to_numpy()
        np.testing.assert_allclose(areas, np.array(counts)[rows["frame"]] * 0.01)
    assert table["x (nm)"].tolist()[-1] == pytest.approx(5)
    (axes,) = shown
    assert axes.get_xlabel() == "time (s)"
    growth, visit = axes.lines
    assert np.all(np.diff(growth.get_ydata()) > 0)
    # Where a particle is not there, its line has a gap.
    assert np.isnan(visit.get_ydata()).tolist() == [True, False, False, True]
    assert not interface.messages
    assert len(model.living) == 2


@pytest.mark.parametrize("along", ["T", "Z"])
def test_labels_of_a_multi_roi(dragonfly, tmp_path, along):
    labels = discs.three_particles().astype(np.uint32)
    labels[:, :, 40:] *= 7
    multi_roi = open_grid(model.MultiROI, labels, along, "all", 1e-10)
    dragonfly.click(TITLE, [multi_roi], "0", str(tmp_path / "t.csv"))
    table = pd.read_csv(tmp_path / "t.csv")
    assert "time (s)" not in table
    seven = table[table["roi"] == "all 7"]
    assert seven["frame"].tolist() == [1, 2]
    assert seven["area (nm^2)"].sum() == pytest.approx((labels == 7).sum() * 0.01)
    assert len(model.living) == 1


def test_no_table_wanted(dragonfly, shown):
    dragonfly.click(TITLE, [growing()], "0", None)
    assert shown[0].get_xlabel() == "frame"


def test_many_particles_have_no_legend(dragonfly, shown):
    dragonfly.click(TITLE, [growing(f"{n}") for n in range(13)], "0", None)
    assert shown[0].get_legend() is None


@pytest.mark.parametrize(
    ("path", "text"),
    [("areas.xlsx", "has to end with .csv"), ("no/areas.csv", "There is no folder")],
)
def test_wrong_path(dragonfly, tmp_path, shown, path, text):
    dragonfly.click(TITLE, [growing()], "0", str(tmp_path / path))
    assert text in interface.messages[0][2]
    assert not shown


def test_path_that_cannot_be_written(dragonfly, tmp_path, shown):
    (tmp_path / "areas.csv").mkdir()
    dragonfly.click(TITLE, [growing()], "0", str(tmp_path / "areas.csv"))
    assert "areas.csv" in interface.messages[0][2]
    assert not shown


def test_all_empty(dragonfly, shown):
    dragonfly.click(TITLE, [open_disc("none", [[]] * 3)], "0", None)
    assert "There is nothing in any frame of 'none'" in interface.messages[0][2]
    assert not shown


def test_one_is_empty(dragonfly, shown):
    dragonfly.click(TITLE, [open_disc("none", [[]] * 4), growing()], "0", None)
    assert [line.get_label() for line in shown[0].lines] == ["growing"]


def test_wrong_time(dragonfly):
    dragonfly.click(TITLE, [growing()], "-1", None)
    assert "cannot be -1 s" in interface.messages[0][2]


@pytest.mark.parametrize("answer", ["inf", "nan"])
def test_a_time_that_is_not_a_number(dragonfly, answer):
    dragonfly.click(TITLE, [growing()], answer)
    assert f"{answer!r} is not a number" in interface.messages[0][2]


@pytest.mark.parametrize("along", ["T", "Z"])
def test_cancelled_in_the_middle(dragonfly, tmp_path, shown, along):
    rois = [growing("one", along), growing("two", along)]
    interface.User.steps_until_cancel = 5
    dragonfly.click(TITLE, rois, "0", str(tmp_path / "areas.csv"))
    assert not interface.messages
    assert not shown
    assert not list(tmp_path.iterdir())
