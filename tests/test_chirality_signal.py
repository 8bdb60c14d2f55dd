# SPDX-License-Identifier: GPL-3.0-or-later
"""`HRTEM.chirality`: tables of the nanotubes in images, without a network."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from known_tubes import placed, tube_atoms, tube_image

from hyperspy_hrtemnn.signals import HRTEM


def movie(*images: np.ndarray) -> HRTEM:
    signal = HRTEM(np.stack(images))
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units, axis.offset = 0.04, "nm", 1.0
    time = signal.axes_manager.navigation_axes[0]
    time.name, time.units, time.scale = "time", "s", 0.5
    return signal


@pytest.fixture(scope="module")
def tube() -> np.ndarray:
    atoms = placed(tube_atoms(11, 6, 160), (60, 60), 20)
    return tube_image(atoms, 120, 0.4, 2e4, defocus=60.0)


def test_indices_of_regions_and_tubes_are_in_tables(tube) -> None:
    empty = np.random.default_rng(0).poisson(3000, tube.shape).astype(np.float32)
    signal = movie(empty, tube)
    tubes, regions = signal.chirality(model=None, show_progressbar=False)
    assert tubes["frame"].tolist() == [1]
    row = tubes.iloc[0]
    assert (row["time"], row["reason"]) == (0.5, "")
    assert row["chirality_1"] == "11-6"
    assert row["regions"] == len(regions)
    assert (row["x"], row["y"]) == pytest.approx((7, 7), abs=0.8)
    assert row["diameter"] == pytest.approx(1.17, abs=0.12)
    assert tubes.attrs["units"]["diameter"] == "nm"
    assert (regions["chirality_1"] == "11-6").all()
    assert (regions["direction"] - 20).abs().max() < 1
    shown = regions[["probability_1", "probability_2", "probability_3"]].to_numpy()
    assert (np.diff(shown, axis=1) <= 0).all()
    lazy = signal.as_lazy().chirality(model=None, show_progressbar=False)
    np.testing.assert_array_equal(lazy.tubes["x"], tubes["x"])
    ax = signal.plot_chirality((tubes, regions), frame=1)
    assert any(text.get_text().startswith("11-6") for text in ax.texts)
    plt.close("all")


def test_networks_for_other_tasks_are_refused(tube) -> None:
    with pytest.raises(ValueError, match="is for zone axis, not for chirality"):
        movie(tube).chirality("au-zone-axis", show_progressbar=False)
