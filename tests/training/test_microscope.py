# SPDX-License-Identifier: GPL-3.0-or-later
"""Images against physics and against abTEM."""

from __future__ import annotations

from dataclasses import replace

import abtem
import numpy as np
import pytest
import scipy.fft
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_hrtemnn.analysis import (
    Aberration,
    Detector,
    Optics,
    detect_electrons,
    expected_counts,
    image_intensity,
    parametric_mtf,
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
    image = image_intensity(wave, EXTENT, Optics(300, 80, 1e5, 9, 0.4), (141, 187))
    np.testing.assert_allclose(image, 1, atol=1e-5)


ORDERS = {"C12": 40.0, "C21": 900.0, "C23": 700.0, "C32": 2e4, "C34": 3e4, "C45": 4e5}
"""Magnitudes of some tenths of a wave at 2 Å [Å]."""


def band_limited_wave(rng: np.random.Generator) -> np.ndarray:
    """A random exit wave, sampled finely enough for abTEM.

    It does not widen the grid for the intensity, so only half of the band is used.
    """
    spectrum = np.zeros(SHAPE, complex)
    for rows in (slice(0, 20), slice(-20, None)):
        for columns in (slice(0, 25), slice(-25, None)):
            spectrum[rows, columns] = rng.normal(size=(20, 25, 2)) @ [1, 1j]
    return (1 + 4 * np.fft.ifft2(spectrum)).astype(np.complex64)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    energy=st.sampled_from([60.0, 80.0, 300.0]),
    angular_spread=st.sampled_from([0.0, 0.5]),
    used=st.sets(st.sampled_from(sorted(ORDERS))),
)
def test_image_equals_abtems_with_any_aberrations(
    seed: int, energy: float, angular_spread: float, used: set[str]
) -> None:
    rng = np.random.default_rng(seed)
    wave = band_limited_wave(rng)
    angles = {name: rng.uniform(0, 2 * np.pi) for name in used}
    optics = Optics(
        energy,
        defocus=rng.uniform(-200, 200),
        Cs=rng.uniform(-1e5, 1.2e5),
        aberrations=tuple(
            Aberration(int(name[1]), int(name[2]), ORDERS[name], angles[name])
            for name in used
        ),
        angular_spread=angular_spread,
    )
    ctf = abtem.CTF(
        energy=energy * 1e3,
        defocus=optics.defocus,
        Cs=optics.Cs,
        angular_spread=angular_spread,
        **{name: ORDERS[name] for name in used},
        **{f"phi{name[1:]}": angles[name] for name in used},
    )
    waves = abtem.Waves(wave.T, energy=energy * 1e3, extent=EXTENT[::-1])
    theirs = waves.apply_ctf(ctf).intensity().array.T
    ours = image_intensity(wave, EXTENT, optics, SHAPE)
    assert np.ptp(theirs) > 0.1
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * theirs.max())


def summed_over_foci(
    wave: np.ndarray, extent: tuple[float, float], optics: Optics, shape, foci=121
) -> np.ndarray:
    """Return the mean of images without focal spread, with Gaussian weights."""
    away = np.linspace(-3.8, 3.8, foci)
    weights = np.exp(-(away**2))
    return sum(
        weight
        * image_intensity(
            wave,
            extent,
            replace(
                optics,
                defocus=optics.defocus + part * optics.focal_spread,
                focal_spread=0,
            ),
            shape,
        )
        for part, weight in zip(away, weights / weights.sum(), strict=True)
    )


def strong_wave() -> tuple[np.ndarray, tuple[float, float]]:
    """Return the wave of 24 columns that turn the phase by 1.2, and its field [Å]."""
    extent, shape = (14.0, 15.6), (140, 156)
    rng = np.random.default_rng(5)
    y, x = np.indices(shape) * 0.1
    phase = np.zeros(shape)
    for at_y, at_x in rng.uniform(2, 12, (24, 2)):
        phase += 1.2 * np.exp(-((y - at_y) ** 2 + (x - at_x) ** 2) / (2 * 0.25**2))
    return np.exp(1j * phase).astype(np.complex64), extent


@pytest.mark.parametrize(("energy", "spread"), [(50, 8), (80, 17), (80, 30), (300, 40)])
def test_a_focal_spread_adds_up_the_images_of_all_foci(energy, spread) -> None:
    wave, extent = strong_wave()
    lenses = (Aberration(1, 2, 30.0, 0.4), Aberration(2, 1, 400.0, 1.0))
    optics = Optics(energy, 60, -3e4, spread, 0.15, lenses)
    shape = (100, 130)
    expected = summed_over_foci(wave, extent, optics, shape)
    found = image_intensity(wave, extent, optics, shape)
    assert np.sqrt(np.mean((found - expected) ** 2)) < 1e-4
    assert np.abs(found - expected).max() < 1e-3


def test_the_envelope_alone_would_be_off_by_more_than_half_a_percent() -> None:
    """So that the test above tells the two apart."""
    wave, extent = strong_wave()
    optics = Optics(80, 60, -3e4, 17, 0.15)
    passed = np.fft.fft2(wave) * transfer_function(wave.shape, extent, optics)
    damped = np.fft.ifft2(passed).astype(np.complex64)
    enveloped = image_intensity(damped, extent, Optics(80), (100, 130))
    expected = summed_over_foci(wave, extent, optics, (100, 130))
    assert np.sqrt(np.mean((enveloped - expected) ** 2)) > 0.005


def test_without_focal_spread_there_is_one_wave() -> None:
    wave, extent = strong_wave()
    optics = Optics(80, 60, -3e4, blur=0.15, angular_spread=0.3)
    shape = tuple(2 * n for n in wave.shape)
    transfer = transfer_function(wave.shape, extent, optics)
    passed = np.fft.fftshift(scipy.fft.fft2(wave) * transfer)
    padded = np.zeros(shape, np.complex64)
    padded[70:210, 78:234] = 4 * passed
    expected = np.abs(scipy.fft.ifft2(np.fft.ifftshift(padded))) ** 2
    found = image_intensity(wave, extent, optics, shape)
    np.testing.assert_allclose(found, expected, atol=2e-6 * expected.max())


def test_a_small_focal_spread_is_nearly_none() -> None:
    wave, extent = strong_wave()
    none = image_intensity(wave, extent, Optics(80, 60), (100, 130))
    small = image_intensity(wave, extent, Optics(80, 60, focal_spread=1e-3), (100, 130))
    np.testing.assert_allclose(small, none, atol=1e-5)


def test_a_focal_spread_of_no_microscope_is_refused_by_its_value() -> None:
    wave, extent = strong_wave()
    optics = Optics(80, 60, focal_spread=1.2e5)
    with pytest.raises(ValueError, match=r"focal spread is 1\.2e\+05 Å.* unit right"):
        image_intensity(wave, extent, optics, (100, 130))


def frequencies(shape=SHAPE, extent=EXTENT) -> tuple[np.ndarray, np.ndarray]:
    ky, kx = (
        np.fft.fftfreq(n, length / n) for n, length in zip(shape, extent, strict=True)
    )
    return np.broadcast_arrays(ky[:, np.newaxis], kx)


def test_the_focal_spread_is_the_half_width_at_one_over_e() -> None:
    # The mean over foci whose Gaussian has the standard deviation 0.71 of the spread.
    spread, shape, extent = 14.0, (30, 34), (12.0, 13.5)
    nodes, weights = np.polynomial.hermite.hermgauss(40)
    mean = sum(
        weight * transfer_function(shape, extent, Optics(80, 50 + spread * node))
        for node, weight in zip(nodes, weights / weights.sum(), strict=True)
    )
    expected = transfer_function(shape, extent, Optics(80, 50, focal_spread=spread))
    np.testing.assert_allclose(mean, expected, atol=1e-4)


def test_envelopes_follow_their_equations() -> None:
    lam = wavelength(300)
    q = np.hypot(*frequencies())
    cs, defocus, delta, beta, width = 5e4, 90.0, 20.0, 3e-3, 0.07
    given = np.abs(
        transfer_function(
            SHAPE,
            EXTENT,
            Optics(300, defocus, cs, delta, width, angular_spread=beta * 1e3),
        )
    )
    slope = 2 * np.pi * (cs * lam**3 * q**3 - defocus * lam * q)  # of chi along q
    spatial = np.exp(-(beta**2) / (4 * lam**2) * slope**2)  # 1.20
    temporal = np.exp(-(delta**2) / 4 * (np.pi * lam * q**2) ** 2)  # 1.21
    blur = np.exp(-((2 * np.pi * width) ** 2) * q**2 / 2)  # 1.22, of the image's width
    np.testing.assert_allclose(given, spatial * temporal * blur, atol=2e-5)
    for factor in (spatial, temporal, blur):
        assert factor.min() < 0.9  # none of them is idle


@pytest.mark.parametrize("width", [0.3, 0.75, 1.6])
def test_the_image_of_a_point_has_the_width_of_the_blur(width: float) -> None:
    """Second moments of what a weak absorber of a known width takes out of the beam."""
    own = 0.5
    y, x = (
        np.arange(n) * length / n - length / 2
        for n, length in zip(SHAPE, EXTENT, strict=True)
    )
    squared = y[:, np.newaxis] ** 2 + x**2
    wave = (1 - 0.01 * np.exp(-squared / (2 * own**2))).astype(np.complex64)
    image = image_intensity(wave, EXTENT, Optics(300, blur=width), SHAPE)
    missing = 1 - image.astype(float)
    # Farther out is nothing but rounding, which would weigh much.
    missing[squared > 25 * (own**2 + width**2)] = 0
    for axis, squares in ((1, y**2), (0, x**2)):
        profile = missing.sum(axis=axis)
        moment = np.sum(profile * squares) / np.sum(profile)
        assert np.sqrt(moment - own**2) == pytest.approx(width, rel=0.02)


def test_the_image_of_an_edge_is_as_wide_as_the_blur() -> None:
    width = 0.9
    x = np.arange(SHAPE[1]) * EXTENT[1] / SHAPE[1]
    wave = np.where((x > 12) & (x < 36), 0.999, 1.0) * np.ones((SHAPE[0], 1))
    image = image_intensity(wave, EXTENT, Optics(300, blur=width), SHAPE)[7]
    slope = np.abs(np.diff(image.astype(float)))[: SHAPE[1] // 2]
    at = (x[1:] + x[:-1])[: len(slope)] / 2
    middle = np.average(at, weights=slope)
    assert np.sqrt(np.average((at - middle) ** 2, weights=slope)) == pytest.approx(
        np.hypot(width, EXTENT[1] / SHAPE[1] / np.sqrt(12)), rel=0.02
    )


def test_spatial_envelope_is_the_gradient_of_the_phase() -> None:
    """Equation 1.20 against numerical differences of a phase without symmetry."""
    aberrations = tuple(
        Aberration(int(name[1]), int(name[2]), value, 0.3 + i)
        for i, (name, value) in enumerate(ORDERS.items())
    )
    fine = {"shape": (61, 81), "extent": (2000.0, 2500.0)}  # small steps of q

    def transfer(angular_spread: float) -> np.ndarray:
        optics = Optics(300, 5e4, 1e5, 0, 0, aberrations, angular_spread)
        return np.fft.fftshift(transfer_function(**fine, optics=optics))

    chi = -np.unwrap(np.unwrap(np.angle(transfer(0).astype(complex)), axis=0), axis=1)
    steps = [1 / length for length in fine["extent"]]
    slope_y, slope_x = np.gradient(chi, *steps)
    beta = 0.4e-3
    expected = np.exp(
        -(beta**2) / (4 * wavelength(300) ** 2) * (slope_x**2 + slope_y**2)
    )
    inner = slice(2, -2)
    given = np.abs(transfer(beta * 1e3))[inner, inner]
    assert given.min() < 0.8
    np.testing.assert_allclose(given, expected[inner, inner], atol=5e-3)


@pytest.mark.parametrize(
    ("order", "angle"), [((1, 2), 0.0), ((2, 3), 0.5), ((3, 4), 1.1), ((4, 5), 2.0)]
)
def test_an_aberration_has_its_symmetry_and_direction(
    order: tuple[int, int], angle: float
) -> None:
    n, m = order
    aberration = Aberration(n, m, 30.0 / wavelength(300) ** n / 1e3, angle)
    square = {"shape": (128, 128), "extent": (64.0, 64.0)}
    chi = -np.angle(
        transfer_function(**square, optics=Optics(300, aberrations=(aberration,)))
    )
    ky, kx = frequencies(**square)
    ring = np.abs(np.hypot(ky, kx) - 0.5) < 0.01
    phi = np.arctan2(ky, kx)[ring]
    wave = np.mean(chi[ring] * np.exp(1j * m * phi))
    assert np.angle(wave * np.exp(-1j * m * angle)) == pytest.approx(0, abs=0.05)
    others = [np.abs(np.mean(chi[ring] * np.exp(1j * k * phi))) for k in range(7)]
    assert np.argmax(others) == m


def test_thon_rings_are_dark_where_the_transfer_is_zero() -> None:
    """A diffractogram of amorphous material: |sin chi| squared times its scattering."""
    rng = np.random.default_rng(3)
    shape, extent = (320, 400), (80.0, 100.0)
    wave = np.exp(0.02j * rng.normal(size=shape)).astype(np.complex64)
    optics = Optics(300, defocus=900, Cs=1e5)
    image = image_intensity(wave, extent, optics, shape)
    power = np.abs(np.fft.fft2(image - image.mean())) ** 2
    q = np.hypot(*frequencies(shape, extent))
    lam = wavelength(300)

    def phase(q: np.ndarray) -> np.ndarray:
        return np.pi * lam * q**2 * (optics.defocus - optics.Cs * lam**2 * q**2 / 2)

    axis = np.linspace(0.05, 0.6, 4000)
    zeros = axis[1:][np.diff(np.floor(phase(axis) / np.pi)) != 0]
    middles = axis[1:][np.diff(np.floor(phase(axis) / np.pi - 0.5)) != 0]

    def ring(radius: float) -> float:
        return float(power[np.abs(q - radius) < 0.004].mean())

    assert len(zeros) >= 4
    bright = np.mean([ring(radius) for radius in middles])
    for radius in zeros:
        assert ring(radius) < 0.05 * bright
    for radius in middles:
        assert ring(radius) == pytest.approx(bright, rel=0.3)


def test_contrast_reverses_where_the_phase_changes_sign() -> None:
    period = 3.0
    lam = wavelength(300)
    quarter = period**2 / (2 * lam)  # defocus at which the phase contrast is full
    wave = weak_object(period)
    under = image_intensity(wave, EXTENT, Optics(300, quarter), SHAPE)[0]
    over = image_intensity(wave, EXTENT, Optics(300, -quarter), SHAPE)[0]
    np.testing.assert_allclose(under - 1, -(over - 1), atol=2e-3)
    assert np.ptp(under) == pytest.approx(0.04, rel=0.05)


def test_no_contrast_at_a_zero_of_the_transfer_function() -> None:
    period = 3.0
    zero = period**2 / wavelength(300)
    image = image_intensity(weak_object(period), EXTENT, Optics(300, zero), SHAPE)
    assert np.ptp(image) < 1e-3


def test_propagating_forth_and_back_gives_the_wave() -> None:
    forth = transfer_function(SHAPE, EXTENT, Optics(300, 150))
    back = transfer_function(SHAPE, EXTENT, Optics(300, -150))
    np.testing.assert_allclose(forth * back, 1, atol=1e-5)


def test_resampling_the_image_keeps_its_values() -> None:
    image = image_intensity(weak_object(4.0), EXTENT, Optics(300, 100), (180, 240))
    coarse = image_intensity(weak_object(4.0), EXTENT, Optics(300, 100), (60, 80))
    np.testing.assert_allclose(image[::3, ::3], coarse, atol=1e-5)


def test_mtf_is_one_at_zero_and_half_at_c0() -> None:
    values = parametric_mtf(np.array([0, 0.3, 1e9]), 0.3, 2.5)
    np.testing.assert_allclose(values, [1, 0.5, 0], atol=1e-9)
    assert parametric_mtf(np.array(1e9), 0.3, 2.5, 0.4) == pytest.approx(0.4)


def test_mean_counts_are_the_dose() -> None:
    detector = Detector(sampling=0.2, dose=500, mtf_c0=0.4, mtf_c3=3, readout=0.5)
    flat = np.ones((300, 400), np.float32)
    counts = detect_electrons(flat, detector, np.random.default_rng(0))
    assert counts.mean() == pytest.approx(500 * 0.04 + 0.5, rel=0.002)
    np.testing.assert_allclose(expected_counts(flat, detector), 20.5, rtol=1e-5)


def test_noise_power_is_the_mtf_squared_times_the_dose_and_the_readout() -> None:
    detector = Detector(sampling=0.1, dose=4000, mtf_c0=0.35, mtf_c3=2.3, readout=3)
    counts = detect_electrons(
        np.ones((480, 640), np.float32), detector, np.random.default_rng(1)
    )
    power = np.abs(np.fft.fft2(counts)) ** 2 / counts.size
    radius = np.hypot(np.fft.fftfreq(480, 0.5)[:, None], np.fft.fftfreq(640, 0.5))
    for low, high in ((0.1, 0.15), (0.3, 0.35), (0.6, 0.65), (0.9, 0.95)):
        ring = (radius > low) & (radius < high)
        expected = 40 * np.mean(parametric_mtf(radius[ring], 0.35, 2.3) ** 2) + 3
        assert power[ring].mean() == pytest.approx(expected, rel=0.05)


def test_what_is_expected_is_the_mean_of_what_is_read() -> None:
    image = np.random.default_rng(5).random((40, 60)).astype(np.float32)
    detector = Detector(sampling=0.2, dose=2500, mtf_c0=0.3, mtf_c3=2, readout=0.2)
    rng = np.random.default_rng(6)
    mean = np.mean([detect_electrons(image, detector, rng) for _ in range(400)], axis=0)
    np.testing.assert_allclose(expected_counts(image, detector), mean, atol=3)
    assert np.std(mean - expected_counts(image, detector)) < 0.5


def test_readout_noise_is_not_filtered() -> None:
    detector = Detector(sampling=0.1, dose=1e-9, mtf_c0=0.05, mtf_c3=5, readout=4)
    counts = detect_electrons(
        np.ones((200, 300), np.float32), detector, np.random.default_rng(2)
    )
    assert counts.var() == pytest.approx(4, rel=0.03)


def test_without_noise_and_mtf_the_camera_only_scales() -> None:
    detector = Detector(sampling=0.5, dose=8, noise=False, has_mtf=False, readout=1)
    image = np.random.default_rng(3).random((20, 30)).astype(np.float32)
    np.testing.assert_allclose(
        detect_electrons(image, detector, np.random.default_rng(0)),
        2 * image,
        rtol=1e-6,
    )
