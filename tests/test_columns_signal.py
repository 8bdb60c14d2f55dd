# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of atomic columns from signals: movies, classes, lazily."""

from __future__ import annotations

import threading

import dask.array as da
import hyperspy.api as hs
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

COLUMNS = ["frame", "time", "class", "x", "y", "confidence", "filling"]
NAMES = ["1Mo", "2S", "background"]
QUIET = {"show_progressbar": False}


def gaussian(row, column, height=1.0):
    y, x = np.ogrid[:40, :60]
    return height * np.exp(-((y - row) ** 2 + (x - column) ** 2) / 8)


def movie():
    """Two classes and a background; a column moves, one leaves after frame 0."""
    data = np.zeros((4, 3, 40, 60), np.float32)
    for t in range(3):
        data[t, 0] = gaussian(10.3, 20 + 2 * t, 0.9)
        data[t, 1] = gaussian(30, 45.2, 0.8) * (t == 0)
    data[:, 2] = 1 - data.sum(axis=1)
    return data


def signal(data=None, names=NAMES, lazy=False):
    made = hs.signals.Signal2D(movie() if data is None else data)
    for name, axis in zip("xy", made.axes_manager.signal_axes, strict=True):
        axis.name, axis.scale, axis.units, axis.offset = name, 0.05, "nm", 1.5
    navigation = made.axes_manager.navigation_axes
    if len(navigation) == 2:
        navigation[0].name = "class"
        time = navigation[1]
        time.name, time.scale, time.units, time.offset = "time", 0.5, "s", 7
    if names:
        made.metadata.set_item("HRTEMNN.Segmentation.classes", names)
    made.set_signal_type("HRTEM_segmentation")
    return made.as_lazy() if lazy else made


@pytest.mark.parametrize("lazy", [False, True])
def test_a_movie_of_several_classes(lazy):
    table = signal(lazy=lazy).find_columns(**QUIET)
    assert list(table.columns) == COLUMNS
    assert table["frame"].tolist() == [0, 0, 1, 2]
    assert table["time"].tolist() == [7, 7, 7.5, 8]
    assert table["class"].tolist() == ["1Mo", "2S", "1Mo", "1Mo"]
    x, y = np.array([20, 45.2, 22, 24]), np.array([10.3, 30, 10.3, 10.3])
    np.testing.assert_allclose(table["x"], 1.5 + 0.05 * x, atol=2e-3)
    np.testing.assert_allclose(table["y"], 1.5 + 0.05 * y, atol=2e-3)
    np.testing.assert_allclose(table["confidence"], [0.89, 0.8, 0.89, 0.89], atol=0.01)
    assert table.attrs["units"] == {"time": "s", "x": "nm", "y": "nm"}


def test_where_the_class_axis_is_does_not_matter():
    turned = signal().transpose(navigation_axes=[1, 0])
    assert_frame_equal(turned.find_columns(**QUIET), signal().find_columns(**QUIET))


def test_one_image_and_one_class():
    image = signal(movie()[0, 1], ["column"]).find_columns(**QUIET)
    assert list(image.columns) == ["frame", *COLUMNS[2:]]
    assert image["class"].tolist() == ["column"]
    assert image["frame"].tolist() == [0]
    unknown = signal(movie()[0, 1], None).find_columns(**QUIET)
    assert unknown["class"].tolist() == [0]


def test_selected_classes_keep_their_names():
    only = signal().inav[1:, 0].find_columns(**QUIET)
    assert only["class"].tolist() == ["2S"]
    assert signal().inav[0, 0].find_columns(**QUIET)["class"].tolist() == ["1Mo"]


def test_nothing_found_is_an_empty_table_with_the_same_columns():
    nothing = np.zeros((4, 3, 40, 60), np.float32)
    nothing[:, 2] = 1
    table = signal(nothing).find_columns(**QUIET)
    assert list(table.columns) == COLUMNS
    assert len(table) == 0
    assert pd.concat([table, signal().find_columns(**QUIET)])["frame"].size == 4


def test_lengths_with_and_without_a_unit():
    made = signal(np.maximum(gaussian(20, 20), gaussian(20, 29)), ["column"])
    assert len(made.find_columns(**QUIET)) == 2
    for length in ("5 angstrom", 0.5):
        assert len(made.find_columns(length, **QUIET)) == 1
    assert len(made.find_columns(probability=0.999, **QUIET)) == 2


def test_without_calibration_positions_are_pixels():
    plain = hs.signals.Signal2D(gaussian(20, 31))
    plain.set_signal_type("HRTEM_segmentation")
    table = plain.find_columns(**QUIET)
    np.testing.assert_allclose(table[["x", "y"]], [[31, 20]], atol=1e-6)
    assert table.attrs["units"] == {}
    with pytest.raises(ValueError, match="not calibrated"):
        plain.find_columns("1 nm", **QUIET)


def test_frames_in_memory_do_not_grow_with_the_movie():
    alive, most = 0, 0
    lock = threading.Lock()

    class Frame(np.ndarray):
        def __del__(self):
            nonlocal alive
            with lock:
                alive -= self.base is None

    def read():
        nonlocal alive, most
        with lock:
            alive += 1
            most = max(most, alive)
        frame = Frame((1, 40, 60), np.float32)
        frame[:] = gaussian(20, 30)
        return frame

    frames = da.map_blocks(
        read, chunks=((1,) * 40, 40, 60), dtype=np.float32, meta=np.empty((0, 0, 0))
    )
    table = signal(frames, ["column"], lazy=True).find_columns(num_workers=2, **QUIET)
    assert table["frame"].tolist() == list(range(40))
    assert most <= 6


@pytest.mark.parametrize("lazy", [False, True])
def test_wrong_input(lazy):
    made = signal(lazy=lazy)
    with pytest.raises(ValueError, match="probability"):
        made.find_columns(probability=90)
    with pytest.raises(ValueError, match="'soon' is not a length"):
        made.find_columns("soon")
    mask = signal(255 * movie(), lazy=lazy)
    with pytest.raises(ValueError, match=r"Frame \d: .* to 255"):
        mask.find_columns(**QUIET)


def particles(data, lazy=False):
    made = hs.signals.Signal2D(data)
    made.set_signal_type("HRTEM_instances")
    return made.as_lazy() if lazy else made


@pytest.mark.parametrize("lazy", [False, True])
def test_columns_belong_to_particles(lazy):
    labels = np.zeros((4, 40, 60), np.int32)
    labels[:, 4:16, 12:28] = 7
    labels[0, 22:36, 30:43] = 2
    table = signal(lazy=lazy).find_columns(instances=particles(labels, lazy), **QUIET)
    assert list(table.columns) == [*COLUMNS[:2], "id", *COLUMNS[2:], "outside"]
    assert table["id"].tolist() == [7, 2, 7, 7]
    # Of the second, at column 45 and the last pixel is 42; neighbors are 32 apart.
    np.testing.assert_allclose(table["outside"], [0, 3 * 0.05, 0, 0])
    assert table.attrs["units"]["outside"] == "nm"
    far = labels * (labels != 2)
    nobody = signal(lazy=lazy).find_columns(instances=particles(far, lazy), **QUIET)
    assert nobody["id"].tolist() == [7, 0, 7, 7]


def test_frames_of_which_particles_know_nothing_are_unknown():
    mask = np.ones((4, 40, 60), np.float32)
    mask[1] = np.nan
    whole = signal(mask, names=None).track_instances(4, **QUIET)
    table = signal().find_columns(instances=whole, **QUIET)
    assert table["frame"].tolist() == [0, 0, 2]
    assert table.attrs["unknown_frames"] == [1]


def test_particles_of_other_frames_are_refused():
    with pytest.raises(ValueError, match=r"shape \(2, 40, 60\).*\(4, 40, 60\)"):
        signal().find_columns(instances=particles(np.ones((2, 40, 60), int)), **QUIET)
