# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectra as a network sees them, and what it says of the particles of a movie."""

from __future__ import annotations

import hyperspy.api as hs
import numpy as np
import pytest
import tiny_networks
from pydantic import ValidationError

from hyperspy_hrtemnn.analysis import local_spectrum, on_axis_frames
from hyperspy_hrtemnn.networks import (
    load,
    predict,
    predict_spectra,
    relative_spectrum,
)

PIXEL = 0.1  # Å
SPACING = 2.4  # Å
QUIET = {"show_progressbar": False}


def fringes(height, width, angle, strength, seed=0, dose=200.0):
    """Return counts of planes whose k is at an angle from x towards y."""
    y, x = np.indices((height, width)) * PIXEL
    turn = np.radians(angle)
    along = x * np.cos(turn) + y * np.sin(turn)
    image = 1 + strength * np.cos(2 * np.pi * along / SPACING)
    return np.random.default_rng(seed).poisson(dose * image).astype(float)


def seen(image, size=None, gain=1.0, side=65):
    size = size or image.shape
    particle = np.zeros(image.shape, bool)
    particle[60:-60, 60:-60] = True
    spectrum = local_spectrum(gain * image, particle, size=size, apodization=20)
    step = tuple(10 / (n * PIXEL) for n in size)
    return relative_spectrum(spectrum, step, 0.5, side)


@pytest.mark.parametrize("angle", [0, 30, 90, 144])
def test_a_reflection_is_where_its_frequency_is(angle) -> None:
    spectrum = seen(fringes(390, 451, angle, 0.3))
    assert spectrum.shape == (65, 65)
    np.testing.assert_allclose(spectrum, spectrum[::-1, ::-1], atol=0.02)
    ky, kx = np.array(np.unravel_index(spectrum.argmax(), (65, 65))) - 32
    # 32 pixels are 1 / (2 * 0.5 Å).
    turn = np.radians(angle)
    expected = np.array([np.sin(turn), np.cos(turn)]) * 32 / SPACING
    assert min(np.hypot(*(s * expected - [ky, kx])) for s in (1, -1)) < 0.8
    assert spectrum.max() > 2


def test_neither_size_nor_gain_nor_dose_changes_the_background() -> None:
    image = fringes(301, 402, 30, 0.3)
    small = seen(image)
    difference = np.abs(seen(image, (640, 500)) - small)
    assert np.percentile(difference, 95) < 0.2
    assert np.percentile(np.abs(small), 95) > 0.5
    np.testing.assert_allclose(seen(image, gain=7.0), small, atol=1e-4)
    noise = [seen(fringes(301, 402, 0, 0, dose=dose)) for dose in (5, 500)]
    assert np.abs(np.median(noise, axis=(1, 2))).max() < 0.05
    assert noise[0].std() == pytest.approx(noise[1].std(), rel=0.1)


def test_a_smooth_transfer_of_frequencies_is_taken_out() -> None:
    image = fringes(400, 400, 50, 0.3)
    spectrum = local_spectrum(image, size=(400, 400), apodization=0)
    k = np.hypot(*(np.indices((400, 400)) - 200)) / 40  # 1/Å
    plain, damped = (
        relative_spectrum(s, (0.25, 0.25), 0.5, 65)
        for s in (spectrum, spectrum * np.exp(-1.5 * k**2))
    )
    middle = np.hypot(*(np.indices((65, 65)) - 32)) < 30
    np.testing.assert_allclose(damped[middle], plain[middle], atol=0.35)


def test_an_empty_spectrum_stays_empty() -> None:
    empty = relative_spectrum(np.zeros((50, 60)), (0.5, 0.5), 0.5, 33)
    np.testing.assert_array_equal(empty, np.zeros((33, 33)))


def test_a_spectrum_that_ends_too_soon_is_refused() -> None:
    with pytest.raises(ValueError, match="ends at 8/nm, and 10/nm are needed"):
        relative_spectrum(np.ones((50, 32)), (0.5, 0.5), 0.5, 33)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tiny_networks.brightest(tmp_path_factory.mktemp("n") / "zone.onnx")


def signal(data, signal_type):
    made = hs.signals.Signal2D(data)
    for axis in made.axes_manager.signal_axes:
        axis.scale, axis.units = PIXEL / 10, "nm"
    (time,) = made.axes_manager.navigation_axes
    time.name, time.scale, time.units = "time", 0.5, "s"
    made.set_signal_type(signal_type)
    return made


@pytest.fixture(scope="module")
def spectra():
    """Particle 2 shows fringes in frames 0 and 2, particle 5 in 1 and not in 0."""
    strengths = {2: (0.4, 0, 0.4), 5: (0, 0.4, 0)}
    images = np.stack(
        [
            np.hstack(
                [
                    fringes(200, 210, 20, strength[frame], seed=10 * frame + number)
                    for number, strength in strengths.items()
                ]
            )
            for frame in range(3)
        ]
    )
    labels = np.zeros(images.shape, np.int32)
    labels[:, 40:160, 40:160] = 2
    labels[1:, 40:160, 250:370] = 5
    movie = signal(images, "HRTEM")
    movie.metadata.set_item("Acquisition_instrument.TEM.beam_energy", 300)
    particles = signal(labels, "HRTEM_instances")
    return movie.as_lazy().local_fft(
        particles, size="2 nm", apodization="0.1 nm", **QUIET
    )


def test_the_probability_of_each_particle_in_each_frame(spectra, path) -> None:
    table = spectra.zone_axis_probability(path, **QUIET)
    assert table.columns.tolist() == ["frame", "time", "id", "probability"]
    assert table["frame"].tolist() == [0, 1, 1, 2, 2]
    assert table["id"].tolist() == [2, 2, 5, 2, 5]
    np.testing.assert_allclose(table["time"], 0.5 * table["frame"])
    assert table.attrs["units"] == {"time": "s"}
    taken = on_axis_frames(table)
    assert list(zip(taken["frame"], taken["id"], strict=True)) == [
        (0, 2),
        (1, 5),
        (2, 2),
    ]
    assert len(on_axis_frames(table, min_probability=0)) == 5
    held = spectra.deepcopy()
    held.compute(**QUIET)
    assert held.zone_axis_probability(path, **QUIET).equals(table)
    part = spectra.inav[1:, 1:].zone_axis_probability(path, **QUIET)
    assert part["id"].tolist() == [5, 5]


def test_what_was_not_trained_is_told(spectra, path) -> None:
    other = spectra.deepcopy()
    other.metadata.set_item("Acquisition_instrument.TEM.beam_energy", 80)
    with pytest.warns(UserWarning, match="beam energy is 80 keV, trained was 300"):
        other.zone_axis_probability(path, **QUIET)


def test_a_particle_that_is_nowhere_is_told(spectra, path) -> None:
    absent = spectra.inav[1:, :1]  # particle 5 in the first frame
    with pytest.warns(UserWarning, match="empty: id 5 is in none of these frames"):
        assert not len(absent.zone_axis_probability(path, **QUIET))


def test_networks_for_something_else_are_refused(spectra, path, tmp_path) -> None:
    mask = tiny_networks.brightness(tmp_path / "mask.onnx")
    with pytest.raises(ValueError, match="for segmentation, not for zone axis"):
        spectra.zone_axis_probability(mask)
    with pytest.raises(ValueError, match="takes images, not spectra"):
        predict_spectra(load(mask), [np.ones((9, 9))], (5.0, 5.0))
    with pytest.raises(ValueError, match="takes local Fourier transforms of particles"):
        predict(load(path), fringes(90, 80, 0, 0.5), 0.2)
    with pytest.raises(ValueError, match="at most 1, not 2"):
        on_axis_frames(spectra.zone_axis_probability(path, **QUIET), min_probability=2)


@pytest.mark.parametrize(
    "changes",
    [
        {"spectrum_side": 33},
        {"task": "zone axis", "spectrum_side": 33},
        {"task": "zone axis", "standardization_width": None},
    ],
)
def test_a_card_is_of_images_or_of_spectra(changes) -> None:
    with pytest.raises(ValidationError, match="spectrum_side is for the tasks zone"):
        tiny_networks.card(**changes)
