# SPDX-License-Identifier: GPL-3.0-or-later
"""`HRTEM.chemical_order`: a row for each particle, by a network with known answers."""

from __future__ import annotations

import numpy as np
import pytest
import tiny_networks

from hyperspy_hrtemnn.networks import load, particle_view
from hyperspy_hrtemnn.signals import HRTEM, Instances

PIXEL = 0.4  # [Å]
NOISE = np.random.default_rng(0)


def disc(shape: tuple[int, int], y: float, x: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return np.hypot(rows - y, columns - x) < radius


def calibrated(signal):
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units, axis.offset = PIXEL / 10, "nm", 2.0
    time = signal.axes_manager.navigation_axes[0]
    time.name, time.units, time.scale = "time", "s", 0.5
    return signal


@pytest.fixture(scope="module")
def movie() -> tuple[HRTEM, Instances]:
    """Give two frames: an empty one, and one with seven particles."""
    shape = (500, 620)
    images = NOISE.uniform(90, 110, (2, *shape)).astype(np.float32)
    labels = np.zeros((2, *shape), np.int32)
    places = {
        2: (120, 120, 50),  # a bright spot: core-shell
        3: (120, 330, 50),  # noise: Janus
        5: (340, 110, 50),  # a spot that is neither
        6: (340, 330, 100),  # too large
        7: (470, 550, 50),  # at the border
        8: (60, 520, 12),  # too small
        9: (250, 520, 50),  # no data in half of it
    }
    for number, (y, x, radius) in places.items():
        labels[1][disc(shape, y, x, radius)] = number
    images[1][disc(shape, 120, 120, 3)] += 170
    images[1][disc(shape, 340, 110, 3)] += 15
    # What another particle shows must not count.
    images[1][disc(shape, 340, 240, 3)] += 500
    images[1, 200:300, 520:] = np.nan
    return calibrated(HRTEM(images)), calibrated(Instances(labels))


def test_each_particle_has_an_answer_or_the_reason_for_none(movie, tmp_path) -> None:
    signal, particles = movie
    network = load(tiny_networks.orders(tmp_path / "orders.onnx"))
    table = signal.chemical_order(network, particles, show_progressbar=False)
    assert table["frame"].tolist() == [1] * 7
    assert table["time"].tolist() == [0.5] * 7
    found = table.set_index("id")[["order", "reason"]]
    assert found.to_numpy().tolist() == [
        ["core-shell", ""],
        ["Janus", ""],
        ["cannot tell", "not certain"],
        ["cannot tell", "too large"],
        ["cannot tell", "at the border"],
        ["cannot tell", "too small"],
        ["cannot tell", "no data"],
    ]
    names = [f"probability_{name}" for name in ("core-shell", "Janus", "disordered")]
    shares = table[names].to_numpy()
    np.testing.assert_allclose(shares[:3].sum(axis=1), 1, atol=1e-5)
    assert np.isnan(shares[3:]).all()
    first = table.iloc[0]
    assert (first["x"], first["y"]) == pytest.approx((6.8, 6.8), abs=0.02)
    assert first["diameter"] == pytest.approx(4.0, abs=0.02)
    units = table.attrs["units"]
    assert (units["diameter"], units["x"], units["time"]) == ("nm", "nm", "s")
    assert table.attrs["certainty"] == 0.9


def test_a_lazy_movie_gives_the_same(movie, tmp_path) -> None:
    signal, particles = movie
    network = load(tiny_networks.orders(tmp_path / "orders.onnx"))
    now, later = (
        one.chemical_order(network, other, show_progressbar=False)
        for one, other in ((signal, particles), (signal.as_lazy(), particles.as_lazy()))
    )
    assert now.equals(later)


def test_without_instances_each_image_is_one_particle(movie, tmp_path) -> None:
    signal, _ = movie
    around = signal.isig[45:225, 25:205]  # the bright spot, not quite in the middle
    network = load(tiny_networks.orders(tmp_path / "orders.onnx"))
    table = around.chemical_order(network, show_progressbar=False)
    assert table["id"].tolist() == [1, 1]
    assert table["order"].tolist() == ["Janus", "core-shell"]
    assert table["diameter"].isna().all()
    assert table["x"].tolist() == pytest.approx([2.0 + 0.04 * (45 + 89.5)] * 2)


def test_a_card_without_certainty_answers_always(movie, tmp_path) -> None:
    signal, particles = movie
    network = load(tiny_networks.orders(tmp_path / "orders.onnx", certainty=None))
    with pytest.warns(UserWarning, match="does not say from which probability"):
        table = signal.chemical_order(network, particles, show_progressbar=False)
    assert "not certain" not in set(table["reason"])


def test_networks_for_other_tasks_are_refused(movie, tmp_path) -> None:
    signal, particles = movie
    with pytest.raises(ValueError, match="is for zone axis, not for chemical order"):
        signal.chemical_order("au-zone-axis", particles, show_progressbar=False)
    network = load(tiny_networks.orders(tmp_path / "orders.onnx"))
    with pytest.raises(ValueError, match="for chemical order, not for segmentation"):
        signal.segment(network)


def test_a_view_shows_one_particle_and_little_around_it() -> None:
    shape = (200, 260)
    labels = np.zeros(shape, np.int32)
    labels[disc(shape, 90, 100, 40)] = 1
    labels[disc(shape, 90, 160, 15)] = 2
    image = np.random.default_rng(1).normal(5, 1, shape).astype(np.float32)
    seen = particle_view(image, 0.5, 0.8, labels=labels, middle=(90, 100))
    assert seen.shape == (90, 90)
    shown = seen != 0
    # 20 Å of radius and 6 Å of surroundings, in pixels of 0.8 Å; less the other one.
    assert shown[44, 45 - 32 : 45 + 25].all()
    assert not shown[44, : 45 - 34].any()
    assert not shown[44, 45 + 30 :].any()
    assert seen[shown].mean() == pytest.approx(0, abs=1e-5)
    assert seen[shown].std() == pytest.approx(1, abs=1e-4)
    # Neither gain, nor what is shown of others, nor the place matters.
    changed = 3 * image + 7
    changed[labels == 2] = 900
    again = particle_view(
        np.roll(changed, (20, 30), (0, 1)),
        0.5,
        0.8,
        labels=np.roll(labels, (20, 30), (0, 1)),
        middle=(110, 130),
    )
    np.testing.assert_allclose(again[shown], seen[shown], atol=0.3)
    np.testing.assert_array_equal(again != 0, shown)


def test_a_view_ends_at_the_edge_of_the_image() -> None:
    image = np.random.default_rng(2).normal(5, 1, (150, 170)).astype(np.float32)
    seen = particle_view(image, 0.5, 0.5, middle=(40, 84.5))
    # 72 pixels above the middle, of which 40 are in the image.
    assert not seen[:31].any()
    assert (seen[33:] != 0).all()
