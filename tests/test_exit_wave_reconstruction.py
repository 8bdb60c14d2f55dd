# SPDX-License-Identifier: GPL-3.0-or-later
"""Exit waves from focal series with known lenses: known waves come back."""

from __future__ import annotations

import numpy as np
import pytest
from known_waves import EXTENT, SAMPLING, SHAPE, flake, lenses
from scipy.ndimage import fourier_gaussian, fourier_shift

from hyperspy_hrtemnn.analysis import (
    Aberration,
    Detector,
    compare_waves,
    detect_electrons,
    image_intensity,
    reconstruct_exit_wave,
    transfer_function,
    vacuum_value,
)
from hyperspy_hrtemnn.analysis.waves.weak_object import WeakObject

LONG = np.linspace(-500, 500, 21)


def images_of(wave, optics, drift=None):
    images = []
    for number, each in enumerate(optics):
        moved = wave
        if drift is not None:
            spectrum = fourier_shift(np.fft.fft2(wave), drift[number] / SAMPLING)
            moved = np.fft.ifft2(spectrum).astype(np.complex64)
        images.append(image_intensity(moved, EXTENT, each, SHAPE))
    return np.stack(images)


def smooth(wave, width=0.15):
    return np.fft.ifft2(fourier_gaussian(np.fft.fft2(wave), width / SAMPLING))


def rmse(wave, truth):
    return compare_waves(wave, truth)["rmse"]


@pytest.fixture(scope="module")
def wave():
    return flake()[0]


@pytest.fixture(scope="module")
def long_series(wave):
    return images_of(wave, lenses(LONG))


# What images add up over focus is an envelope of the wave in the iterations.
@pytest.mark.parametrize(
    ("focal_spread", "left", "off"), [(0.0, 1e-4, 2e-3), (10.0, 1e-3, 4e-3)]
)
def test_a_long_series_gives_the_wave_and_the_wave_the_series(
    wave, focal_spread, left, off
):
    optics = lenses(LONG, focal_spread=focal_spread)
    series = images_of(wave, optics)
    told = []
    found = reconstruct_exit_wave(
        1234.5 * series,  # whatever the unit
        SAMPLING,
        optics,
        iterations=40,
        align=False,
        margin=0,
        smoothing=0,
        callback=lambda *step: told.append(step),
    )
    assert found.wave.dtype == np.complex64
    assert rmse(1, smooth(wave)) > 0.05
    assert rmse(smooth(found.wave), smooth(wave)) < 0.002
    assert found.errors[0] > 0.02
    assert found.errors[-1] < left
    assert told == list(enumerate(found.errors, start=1))
    again = images_of(found.wave, optics)
    np.testing.assert_allclose(again, series, atol=off)


def test_drift_of_a_nanometer_is_found(wave):
    optics = lenses(LONG[::2])
    drift = np.random.default_rng(1).uniform(-5, 5, (11, 2))
    drift -= drift[5]
    found = reconstruct_exit_wave(
        images_of(wave, optics, drift), SAMPLING, optics, iterations=40, margin=0
    )
    # The field is periodic here, and so is the drift.
    error = (found.drift - drift + np.array(EXTENT) / 2) % EXTENT - np.array(EXTENT) / 2
    assert np.abs(error).max() < 0.02
    assert rmse(found.wave, smooth(wave)) < 0.005


def test_a_short_series_with_all_aberrations(wave):
    """Three images over 10 nm, which the momentum and the damping make enough."""
    optics = lenses(
        (-50, 0, 50),
        aberrations=(Aberration(2, 1, 500, 0.4), Aberration(1, 2, 20, 1.0)),
        angular_spread=0.3,
    )
    found = reconstruct_exit_wave(
        images_of(wave, optics),
        SAMPLING,
        optics,
        iterations=250,
        align=False,
        margin=0,
    )
    assert rmse(found.wave, smooth(wave)) < 0.01


def test_noise_is_not_deconvolved(wave, long_series):
    dose = 1e4 * SAMPLING**2  # of a pixel
    counts = np.random.default_rng(2).poisson(long_series * dose)
    found = reconstruct_exit_wave(
        counts, SAMPLING, lenses(LONG), iterations=30, align=False, margin=0
    )
    # The standard deviation of the root of a count is 1/2.
    assert found.errors[-1] == pytest.approx(0.5 / np.sqrt(dose), rel=0.05)
    assert rmse(found.wave, smooth(wave)) < 0.015
    spectrum = np.abs(np.fft.fft2(found.wave)) / found.wave.size
    assert spectrum[40:60, 40:60].max() < 1e-4  # beyond 3 / Å


def test_the_camera_is_taken_out_of_the_images(wave, long_series):
    detector = Detector(SAMPLING, dose=1e5, mtf_c0=0.15, mtf_c3=3)
    rng = np.random.default_rng(5)
    images = np.stack([detect_electrons(image, detector, rng) for image in long_series])
    with_mtf, without = (
        reconstruct_exit_wave(
            images,
            SAMPLING,
            lenses(LONG),
            iterations=20,
            align=False,
            margin=0,
            mtf=known,
        )
        for known in ((0.15, 3), None)
    )
    assert rmse(with_mtf.wave, smooth(wave)) < 0.004
    assert rmse(without.wave, smooth(wave)) > 0.01


def test_what_is_beside_the_images_is_reconstructed_with_them(wave):
    optics = lenses(np.linspace(-200, 200, 11))
    seen = (slice(20, 100), slice(30, 90))
    images = images_of(wave, optics)[(slice(None), *seen)]
    truth = smooth(wave)[seen]
    wrapped, open_ended = (
        reconstruct_exit_wave(
            images, SAMPLING, optics, iterations=30, align=False, margin=margin
        )
        for margin in (0, None)
    )
    assert open_ended.wave.shape == truth.shape
    assert open_ended.errors[-1] < 0.2 * wrapped.errors[-1]

    def off(found):  # there is no vacuum in the field
        turned = found.wave * np.exp(-1j * np.angle(np.vdot(truth, found.wave)))
        return rmse(turned, truth)

    assert off(open_ended) < 0.6 * off(wrapped)


def test_a_weak_object_is_found_in_one_step(rng):
    optics = lenses((-120, 40, 190), aberrations=(Aberration(2, 1, 600, 0.7),))
    transfer = np.stack([transfer_function(SHAPE, EXTENT, o) for o in optics])
    spectrum = np.zeros(SHAPE, np.complex64)
    spectrum[:9, :7] = 1e-6 * rng.normal(size=(9, 7)) * np.exp(1j * np.arange(7))
    spectrum[0, 0] = 0
    descent = np.zeros(SHAPE, complex)
    for each in transfer:
        waves = np.fft.ifft2(each * np.stack([spectrum, 0 * spectrum]), norm="forward")
        measured, expected = np.abs(1 + waves)
        difference = np.fft.fft2(measured - expected, norm="forward")
        descent += each.conj() * difference
    least = np.full(SHAPE, 1e-5, np.float32)
    change = WeakObject(transfer).change(descent.astype(np.complex64), 0.0, least)
    assert np.abs(spectrum).max() > 1e-6
    np.testing.assert_allclose(change[:9, :7], spectrum[:9, :7], atol=1e-8)


def test_vacuum_is_where_the_wave_is_flat(wave):
    assert vacuum_value(0.7j * wave, SAMPLING) == pytest.approx(0.7j, abs=5e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda images: images[:2], "there are 21 lenses"),
        (lambda images: images[0], "shape"),
        (
            lambda images: np.where(np.arange(120) == 3, np.nan, images),
            "Image 0 .* NaN",
        ),
        (lambda images: images * (np.arange(21) != 4)[:, None, None], "Image 4"),
    ],
)
def test_images_that_cannot_be_used(long_series, change, message):
    with pytest.raises(ValueError, match=message):
        reconstruct_exit_wave(change(long_series), SAMPLING, lenses(LONG))


@pytest.mark.parametrize(
    "options",
    [
        {"iterations": 0},
        {"sampling": 0.0},
        {"smoothing": -0.1},
        {"margin": -1.0},
        {"mtf": (0, 2)},
    ],
)
def test_numbers_out_of_range(long_series, options):
    known = {"sampling": SAMPLING, "optics": lenses(LONG), **options}
    with pytest.raises(ValueError, match=next(iter(options))):
        reconstruct_exit_wave(long_series, **known)
