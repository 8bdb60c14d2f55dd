# SPDX-License-Identifier: GPL-3.0-or-later
"""The menu items and HyperSpy's methods, on the same movie: the same results."""

from __future__ import annotations

import discs
import numpy as np
import pandas as pd
import pytest
from dragonfly_stand_in import model
from dragonfly_stand_in.session import frames_of, open_grid

PIXEL = discs.PIXEL * 1e-9
MASK = discs.three_particles()
IMAGES = np.random.default_rng(5).normal(100, 10, MASK.shape).astype(np.float32)


def signal(data, kind):
    hs = pytest.importorskip("hyperspy.api")
    made = hs.signals.Signal2D(data)
    made.set_signal_type(kind)
    for axis in made.axes_manager.signal_axes:
        axis.scale, axis.units = discs.PIXEL, "nm"
    time = made.axes_manager.navigation_axes[0]
    time.name, time.scale, time.units = "time", 2, "s"
    return made


@pytest.fixture(scope="module")
def particles():
    mask = signal(MASK.astype(np.float32), "HRTEM_segmentation")
    return mask.track_instances("0.8 nm", show_progressbar=False)


@pytest.fixture(params=["T", "Z"])
def labelled(request, dragonfly):
    roi = open_grid(model.ROI, MASK.astype(np.uint8), request.param, "mask", PIXEL)
    (made,) = dragonfly.click("Label by 2+1D Connectivity", [roi], "0.8")
    return made


def test_labels(labelled, particles):
    assert particles.data.max() == 3
    np.testing.assert_array_equal(frames_of(labelled), particles.data)


def test_areas_and_shapes(dragonfly, labelled, particles, tmp_path, monkeypatch):
    import matplotlib.pyplot as plt

    monkeypatch.setattr(plt, "show", lambda: plt.close("all"))
    path = tmp_path / "table.csv"
    dragonfly.click("Get ROI properties", [labelled], "2", str(path))
    found = pd.read_csv(path)
    table = particles.properties(show_progressbar=False)
    assert found["roi"].tolist() == [f"mask particles {i}" for i in table["id"]]
    found.columns = [name.partition(" ")[0] for name in found.columns]
    shared = ["frame", "time", *table.columns[table.columns.get_loc("area") :]]
    shared = [name for name in shared if not name.endswith("_corrected")]
    pd.testing.assert_frame_equal(found[shared], table[shared], check_dtype=False)


def test_spectra(dragonfly, labelled, particles):
    along = "T" if labelled.getTSize() > 1 else "Z"
    one = (frames_of(labelled) == 1).astype(np.uint8)
    roi = open_grid(model.ROI, one, along, "particle", PIXEL)
    channel = open_grid(model.Channel, IMAGES, along, "movie", PIXEL)
    (made,) = dragonfly.click("Get FFT along time axis", [roi, channel], "0.5")
    movie = signal(IMAGES, "HRTEM")
    fft = movie.local_fft(particles, id=1, show_progressbar=False)
    np.testing.assert_array_equal(frames_of(made), fft.data)
    step = fft.axes_manager.signal_axes[0].scale  # 1/nm
    assert made.getXSpacing() * 1e9 == pytest.approx(step)
