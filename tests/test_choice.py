# SPDX-License-Identifier: GPL-3.0-or-later
"""A class or a particle that was chosen of several is still known by its name."""

from __future__ import annotations

import hyperspy.api as hs
import numpy as np
import pytest

FRAMES, Y, X = 3, 50, 62
PLACES = {"Mo": [(12, 10), (12, 40)], "S": [(30, 25)], "W": [(40, 11), (38, 52)]}


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr(hs.preferences.General, "show_progressbar", False)


@pytest.fixture(params=["in memory", "lazy"])
def segmentation(request):
    y, x = np.indices((Y, X))
    maps = [
        np.max([np.exp(-((y - a) ** 2 + (x - b) ** 2) / 18) for a, b in places], axis=0)
        for places in PLACES.values()
    ]
    signal = hs.signals.Signal2D(np.stack([np.stack(maps)] * FRAMES))
    signal = signal.as_lazy() if request.param == "lazy" else signal
    signal.axes_manager.navigation_axes[0].name = "class"
    signal.axes_manager.navigation_axes[1].name = "time"
    signal.set_signal_type("HRTEM_segmentation")
    signal.metadata.set_item("HRTEMNN.Segmentation.classes", list(PLACES))
    return signal


def classes(signal):
    table = signal.find_columns()
    return table["class"].value_counts().to_dict()


@pytest.mark.parametrize("number", [0, 1, 2, -1])
def test_a_class_that_was_chosen_keeps_its_name(segmentation, number):
    name = list(PLACES)[number]
    expected = {name: FRAMES * len(PLACES[name])}
    assert classes(segmentation.inav[number]) == expected
    assert classes(segmentation.inav[number, 1]) == {name: len(PLACES[name])}
    assert segmentation.inav[number].find_columns().attrs["classes"] == [name]


def test_a_class_is_chosen_of_classes_that_were_chosen(segmentation):
    assert list(classes(segmentation.inav[1:].inav[1])) == ["W"]
    assert list(classes(segmentation.inav[::-1].inav[0])) == ["W"]
    # A frame is no class.
    assert set(classes(segmentation.inav[:, 2])) == set(PLACES)


def test_a_class_without_a_name_keeps_its_number(segmentation):
    del segmentation.metadata.HRTEMNN
    assert list(classes(segmentation.inav[2])) == [2]


def test_the_class_where_the_navigator_is(segmentation):
    if segmentation._lazy:
        segmentation.compute(show_progressbar=False)
    segmentation.axes_manager.indices = (1, 2)
    assert classes(segmentation.get_current_signal()) == {"S": 1}


def test_a_chosen_class_comes_back_from_a_file(segmentation, tmp_path):
    segmentation.inav[1].save(tmp_path / "sulfur.hspy")
    assert classes(hs.load(tmp_path / "sulfur.hspy")) == {"S": FRAMES}


def spectra(ids):
    rng = np.random.default_rng(3)
    waves = 5 * np.cos(2 * np.pi * np.arange(44) / 4)
    images = hs.signals.Signal2D(waves + rng.normal(size=(2, 40, 44)))
    images.set_signal_type("HRTEM")
    labels = np.zeros((2, 40, 44), np.int32)
    labels[:, 4:18, 5:20], labels[:, 22:36, 6:20], labels[:, 8:30, 25:40] = 3, 5, 9
    particles = hs.signals.Signal2D(labels)
    particles.set_signal_type("HRTEM_instances")
    for signal in (images, particles):
        for axis in signal.axes_manager.signal_axes:
            axis.scale, axis.units = 0.1, "nm"
    return images.local_fft(particles, ids, size="3 nm", apodization="0.2 nm")


def ids(spectra):
    return spectra.peak_table()["id"].unique().tolist()


def test_a_particle_that_was_chosen_keeps_its_id():
    all_of_them = spectra([3, 5, 9])
    for number, particle in enumerate([3, 5, 9]):
        assert ids(all_of_them.inav[number]) == [particle]
    assert all_of_them.inav[1:].inav[0].metadata.HRTEMNN.ids == [5]


def test_stacked_spectra_of_several_particles_are_of_none():
    one, same, other = spectra(5), spectra(5), spectra(9)
    assert ids(hs.stack([one, other])) == [0]
    assert ids(hs.stack([one, same])) == [5]
