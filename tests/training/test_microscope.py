# SPDX-License-Identifier: GPL-3.0-or-later
"""Images against physics and against abTEM."""

from __future__ import annotations

import abtem
import numpy as np
import pytest

from hrtemnn_training.microscope import (
    Camera,
    Optics,
    detect,
    intensity,
    mtf,
    transfer_function,
    wavelength,
)

EXTENT = (36.0, 48.0)  # y, x [Å]
SHAPE = (90, 120)


def weak_object(period: float) -> np.ndarray:
    """A weak phase grating along x."""
    x = np.arange(SHAPE[1]) * EXTENT[1] / SHAPE[1]
    return np.exp(0.01j * np.cos(2 * np.pi * x / period)) * np.ones((SHAPE[0], 1))


def test_wavelength_at_300_kilovolt() -> None:
    assert wavelength(300) == pytest.approx(0.0196875, rel=1e-4)


def test_vacuum_is_one_at_any_defocus_and_sampling() -> None:
    wave = np.ones(SHAPE, np.complex64)
    image = intensity(wave, EXTENT, Optics(300, 80, 1e5, 9, 0.4), (141, 187))
    np.testing.assert_allclose(image, 1, atol=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_image_equals_abtems(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Random waves of the band of an exit wave, sampled finely enough for abTEM,
    # which does not widen the grid for the intensity.
    spectrum = np.zeros(SHAPE, complex)
    spectrum[:20, :25] = rng.normal(size=(20, 25)) + 1j * rng.normal(size=(20, 25))
    spectrum[-20:, -25:] = rng.normal(size=(20, 25))
    wave = 1 + 0.3 * np.fft.ifft2(spectrum) * 20
    optics = Optics(300, rng.uniform(-200, 200), rng.uniform(0, 1.2e5), 12)
    waves = abtem.Waves(wave.T.astype(np.complex64), energy=300e3, extent=EXTENT[::-1])
    ctf = abtem.CTF(
        energy=300e3,
        defocus=optics.defocus,
        Cs=optics.Cs,
        focal_spread=optics.focal_spread,
    )
    theirs = waves.apply_ctf(ctf).intensity().array.T
    ours = intensity(wave.astype(np.complex64), EXTENT, optics, SHAPE)
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * theirs.max())


def test_contrast_reverses_where_the_phase_changes_sign() -> None:
    period = 3.0
    lam = wavelength(300)
    quarter = period**2 / (2 * lam)  # defocus at which the phase contrast is full
    wave = weak_object(period)
    under = intensity(wave, EXTENT, Optics(300, quarter), SHAPE)[0]
    over = intensity(wave, EXTENT, Optics(300, -quarter), SHAPE)[0]
    np.testing.assert_allclose(under - 1, -(over - 1), atol=2e-3)
    assert np.ptp(under) == pytest.approx(0.04, rel=0.05)


def test_no_contrast_at_a_zero_of_the_transfer_function() -> None:
    period = 3.0
    zero = period**2 / wavelength(300)
    image = intensity(weak_object(period), EXTENT, Optics(300, zero), SHAPE)
    assert np.ptp(image) < 1e-3


def test_propagating_forth_and_back_gives_the_wave() -> None:
    forth = transfer_function(SHAPE, EXTENT, Optics(300, 150))
    back = transfer_function(SHAPE, EXTENT, Optics(300, -150))
    np.testing.assert_allclose(forth * back, 1, atol=1e-5)


def test_resampling_the_image_keeps_its_values() -> None:
    image = intensity(weak_object(4.0), EXTENT, Optics(300, 100), (180, 240))
    coarse = intensity(weak_object(4.0), EXTENT, Optics(300, 100), (60, 80))
    np.testing.assert_allclose(image[::3, ::3], coarse, atol=1e-5)


def test_mtf_is_one_at_zero_and_half_at_c0() -> None:
    values = mtf(np.array([0, 0.3, 1e9]), 0.3, 2.5)
    np.testing.assert_allclose(values, [1, 0.5, 0], atol=1e-9)
    assert mtf(np.array(1e9), 0.3, 2.5, 0.4) == pytest.approx(0.4)


def test_mean_counts_are_the_dose() -> None:
    camera = Camera(sampling=0.2, dose=500, c0=0.4, c3=3, readout=0.01)
    counts = detect(np.ones((300, 400), np.float32), camera, np.random.default_rng(0))
    assert counts.mean() == pytest.approx(500 * 0.04 + 0.01, rel=0.005)


def test_noise_power_is_the_mtf_squared() -> None:
    camera = Camera(sampling=0.1, dose=4000, c0=0.35, c3=2.3)
    counts = detect(np.ones((480, 640), np.float32), camera, np.random.default_rng(1))
    power = np.abs(np.fft.fft2(counts)) ** 2 / counts.size
    radius = np.hypot(np.fft.fftfreq(480, 0.5)[:, None], np.fft.fftfreq(640, 0.5))
    for low, high in ((0.1, 0.15), (0.3, 0.35), (0.6, 0.65), (0.9, 0.95)):
        ring = (radius > low) & (radius < high)
        expected = 40 * np.mean(mtf(radius[ring], 0.35, 2.3) ** 2)
        assert power[ring].mean() == pytest.approx(expected, rel=0.1)


def test_readout_noise_is_not_filtered() -> None:
    camera = Camera(sampling=0.1, dose=1e-9, c0=0.05, c3=5, readout=4)
    counts = detect(np.ones((200, 300), np.float32), camera, np.random.default_rng(2))
    assert counts.var() == pytest.approx(4, rel=0.03)


def test_without_noise_and_mtf_the_camera_only_scales() -> None:
    camera = Camera(sampling=0.5, dose=8, noise=False, has_mtf=False, readout=1)
    image = np.random.default_rng(3).random((20, 30)).astype(np.float32)
    np.testing.assert_allclose(
        detect(image, camera, np.random.default_rng(0)), 2 * image, rtol=1e-6
    )
