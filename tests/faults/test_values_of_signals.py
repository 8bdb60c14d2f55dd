# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that cannot be calculated with: an error that names them, not NaN."""

from __future__ import annotations

import hyperspy.api as hs
import numpy as np
import pytest
import tiny_networks

METHODS = {
    "propagate": lambda wave: wave.propagate("2 nm", energy=80),
    "filter_lattice": lambda wave: wave.filter_lattice(),
    "simulate_images": lambda wave: wave.simulate_images("2 nm", energy=80),
}


def signal(kind, data, *, lazy):
    made = hs.signals.Signal2D(data)
    for axis in made.axes_manager.signal_axes:
        axis.scale, axis.units = 0.02, "nm"
    made = made.as_lazy() if lazy else made
    made.set_signal_type(kind)
    return made


def waves(lazy, **changes):
    data = np.ones((3, 40, 44), np.complex128)
    data[1] *= changes.get("factor", 1)
    data[1, 5, 6] = changes.get("pixel", data[1, 5, 6])
    return signal("exit_wave", data, lazy=lazy)


def result(method, made):
    computed = METHODS[method](made)
    if computed._lazy:
        computed.compute(show_progressbar=False)
    return computed.data


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("pixel", [np.nan, np.inf])
def test_one_pixel_of_a_wave_that_is_not_finite_is_an_error(method, lazy, pixel):
    with pytest.raises(ValueError, match=r"Frame 1: The wave has NaN or infinite"):
        result(method, waves(lazy, pixel=pixel))


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_waves_too_large_to_calculate_with_are_an_error(method, lazy):
    with pytest.raises(ValueError, match=r"Frame 1: .*1e\+38.*A wave is 1 in vacuum"):
        result(method, waves(lazy, factor=1e38))


@pytest.mark.parametrize("method", METHODS)
def test_a_wave_that_was_left_out_stays_without_data(method):
    found = result(method, waves(lazy=False, factor=np.nan))
    assert np.isnan(found[1]).all()
    assert np.isfinite(found[[0, 2]]).all()


@pytest.mark.parametrize("method", ["threshold", "area"])
def test_a_lazy_segmentation_of_other_values_is_refused_when_it_is_read(method):
    data = np.zeros((2, 30, 34), np.float32)
    data[1, 3:9] = 255
    found = getattr(signal("HRTEM_segmentation", data, lazy=True), method)(0.5)
    with pytest.raises(ValueError, match="this one values from 0 to 255"):
        found.compute(show_progressbar=False)


@pytest.mark.parametrize("method", ["ids", "properties"])
def test_an_infinite_label_is_refused(method):
    data = np.zeros((2, 30, 34), np.float32)
    data[1, 3, 4] = np.inf
    labels = signal("HRTEM_instances", data, lazy=False)
    with pytest.raises(ValueError, match="There is a label inf"):
        getattr(labels, method)()


@pytest.mark.parametrize("size", ["1 um", "0.1 mm"])
def test_a_crop_that_no_computer_has_memory_for_is_refused(size):
    labels = np.zeros((40, 44), int)
    labels[3:30, 4:30] = 1
    image = signal("HRTEM", np.random.default_rng(0).random((40, 44)), lazy=False)
    particles = signal("HRTEM_instances", labels, lazy=False)
    with pytest.raises(ValueError, match=r"^size is .* pixels; a crop has 4096 pixels"):
        image.local_fft(particles, id=1, size=size, apodization=0.02)


@pytest.mark.parametrize("apodization", ["abc", "-2 nm", float("nan")])
def test_a_soft_edge_is_checked_where_there_are_no_spectra(tmp_path, apodization):
    network = tiny_networks.brightness(tmp_path / "a.onnx", standardization_width=0.4)
    movie = signal("HRTEM", np.random.default_rng(0).random((2, 40, 44)), lazy=False)
    with pytest.raises(ValueError, match=r"abc|apodization|nan"):
        movie.follow_particles(
            network, tmp_path / "out", min_separation=0.1, apodization=apodization
        )
    assert not (tmp_path / "out").exists()
