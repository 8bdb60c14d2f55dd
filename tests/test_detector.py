# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras that are known, measured from the noise they make."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from hyperspy_hrtemnn.analysis import (
    Detector,
    NoiseSpectrum,
    detect_electrons,
    find_vacuum,
    fit_mtf,
    fit_readout,
    noise_floor,
    noise_spectrum,
    parametric_mtf,
)
from hyperspy_hrtemnn.analysis.detector.hot_pixels import replace_hot_pixels
from hyperspy_hrtemnn.analysis.detector.vacuum import check_region

N0 = 0.01
SAMPLING = 0.08
DOSES = (10, 30, 100, 300, 1300)


def _vacuum(dose, shape=(256, 320), c0=0.25, c3=2.5, readout=N0, seed=0):
    """What a camera reads of vacuum, without the periodicity of a simulation."""
    detector = Detector(SAMPLING, dose, c0, c3, readout=readout)
    image = np.ones((shape[0] + 64, shape[1] + 48), np.float32)
    counts = detect_electrons(image, detector, np.random.default_rng(seed))
    return counts[32:-32, 24:-24].astype(float)


def _exact(power, frequency=None):
    frequency = np.linspace(0.05, 1, 60) if frequency is None else frequency
    return NoiseSpectrum(frequency, power(frequency), np.full(frequency.shape, 1e4))


@pytest.fixture(scope="module")
def spectra():
    """The spectra of a series of doses, and its electrons a pixel."""
    regions = [_vacuum(dose, seed=seed) for seed, dose in enumerate(DOSES)]
    return [noise_spectrum(region) for region in regions], np.array(DOSES) * SAMPLING**2


def test_white_noise_has_its_variance_at_all_frequencies(rng):
    spectrum = noise_spectrum(rng.normal(50, 3, (200, 300)))
    assert spectrum.frequency[0] < 0.06
    assert spectrum.frequency[-1] == pytest.approx(1, abs=0.01)
    deviation = (spectrum.power / 9 - 1) * np.sqrt(spectrum.samples)
    assert np.abs(deviation).max() < 5
    # Neighboring rings share values, so that one by one they are better than stated.
    assert 0.4 < deviation.std() < 1.2


@pytest.mark.parametrize("shape", [(64, 89), (129, 130), (128, 400)])
def test_every_shape_has_a_spectrum(rng, shape):
    power = noise_spectrum(rng.normal(0, 2, shape)).power
    assert np.median(power) == pytest.approx(4, rel=0.35)


def test_uneven_illumination_is_not_noise(rng):
    noise = rng.normal(0, 10, (256, 256))
    slope = np.linspace(1000, 1030, 256)
    np.testing.assert_allclose(
        noise_spectrum(noise + slope).power, noise_spectrum(noise).power, rtol=0.2
    )


def test_a_region_that_is_too_small():
    with pytest.raises(ValueError, match=r"200 x 63 pixels.*64 x 64"):
        noise_spectrum(np.ones((63, 200)))


@settings(max_examples=25, deadline=None)
@given(
    st.floats(0.12, 0.8),
    st.floats(1.2, 5),
    st.floats(0.02, 0.7),
    st.sampled_from(["quadrature", "linear"]),
)
def test_an_exact_spectrum_gives_its_parameters(c0, c3, C, floor):
    def power(frequency):
        if floor == "linear":
            return (7 * parametric_mtf(frequency, c0, c3, C)) ** 2
        return 49 * ((1 - C**2) * parametric_mtf(frequency, c0, c3) ** 2 + C**2)

    fit = fit_mtf(_exact(power), floor)
    np.testing.assert_allclose(
        (fit.c0, fit.c1, fit.c3, fit.C), (c0, 7, c3, C), rtol=0.02, atol=0.002
    )
    assert fit.R2 > 0.9999
    assert fit.amplitude(np.array([1e-6]))[0] == pytest.approx(7, rel=0.02)


def test_the_camera_comes_back_within_the_stated_errors(spectra):
    fits = [fit_mtf(spectrum) for spectrum in spectra[0]]
    for name, truth in (("c0", 0.25), ("c3", 2.5)):
        errors = np.array([getattr(fit, f"{name}_error") for fit in fits])
        values = np.array([getattr(fit, name) for fit in fits])
        assert np.abs(values - truth).max() < 0.15 * truth
        assert np.all(np.abs(values - truth) < 3 * errors)
        assert np.all(errors < 0.1 * truth)
    assert min(fit.R2 for fit in fits) > 0.98


def test_errors_are_those_of_repeated_measurements():
    fits = [fit_mtf(noise_spectrum(_vacuum(30, (160, 160), seed=s))) for s in range(25)]
    for name in ("c0", "c3", "C"):
        scatter = np.std([getattr(fit, name) for fit in fits], ddof=1)
        stated = np.mean([getattr(fit, f"{name}_error") for fit in fits])
        assert 0.65 < stated / scatter < 1.6, name


@pytest.mark.parametrize(("c0", "c3"), [(0.7, 4.0), (0.2, 1.2), (0.25, 2.5)])
@pytest.mark.parametrize("shape", [(64, 80), (128, 144), (240, 256)])
def test_cameras_come_back_from_series_of_doses(c0, c3, shape):
    doses = np.geomspace(10, 1300, 12)
    fits = [
        fit_mtf(noise_spectrum(_vacuum(dose, shape, c0, c3, seed=seed)))
        for seed, dose in enumerate(doses)
    ]
    for name, truth in (("c0", c0), ("c3", c3)):
        errors = np.array([getattr(fit, f"{name}_error") for fit in fits])
        z = (np.array([getattr(fit, name) for fit in fits]) - truth) / errors
        assert np.abs(z).max() < 4.5, name
        assert 0.4 < np.sqrt(np.mean(z**2)) < 1.8, name
    errors = [fit.C_error for fit in fits]
    readout = fit_readout([fit.C for fit in fits], doses * SAMPLING**2, errors)
    assert abs(readout.N0 - N0) < 3.5 * readout.N0_error
    assert readout.N0_error < N0 * (0.2 if min(shape) > 200 else 1)
    assert readout.deviation < 2


def test_a_floor_at_its_bound_is_not_certain():
    def power(frequency):
        # A little below what any floor gives.
        return parametric_mtf(frequency, 0.7, 4.0) ** 2 * (1 - 0.02 * frequency**8)

    spectrum = _exact(power)
    fit = fit_mtf(NoiseSpectrum(spectrum.frequency, spectrum.power, np.full(60, 400.0)))
    assert fit.C < 0.02
    assert fit.C_error > 0.05


def test_equation_2_is_of_the_amplitude_and_not_of_the_power(spectra):
    measured, electrons = spectra
    truth = noise_floor(electrons, N0)
    amplitude = [fit_mtf(spectrum) for spectrum in measured]
    np.testing.assert_allclose([fit.C for fit in amplitude], truth, rtol=0.25)
    # The same fit, to the power itself.
    power = [
        fit_mtf(NoiseSpectrum(s.frequency, s.power**2, s.samples / 4), "linear")
        for s in measured
    ]
    np.testing.assert_allclose([fit.C for fit in power], truth**2, rtol=0.4)

    def readout(fits):
        floors, errors = zip(*((fit.C, fit.C_error) for fit in fits), strict=True)
        return fit_readout(floors, electrons, errors)

    right, wrong = readout(amplitude), readout(power)
    assert abs(right.N0 - N0) < 3 * right.N0_error
    assert right.N0_error < 0.1 * N0
    assert right.R2 > 0.98
    assert wrong.N0 < 0.3 * N0


def test_floors_that_add_as_amplitudes_make_c0_depend_on_dose(spectra):
    fits = [fit_mtf(spectrum, "linear") for spectrum in spectra[0]]
    # As in figure 5 of the noise paper, and c0 of this camera is the same at all doses.
    assert fits[0].c0 < 0.93 * 0.25 < fits[-1].c0
    assert fits[0].c3 > 1.2 * 2.5


def test_the_noise_gives_the_gain(spectra):
    fit = fit_mtf(noise_spectrum(38 * _vacuum(300, (512, 512))))
    assert (fit.c1**2 - fit.c2**2) / (38 * 300 * SAMPLING**2) == pytest.approx(
        38, rel=0.1
    )


def test_a_camera_without_readout_noise():
    fit = fit_mtf(noise_spectrum(_vacuum(300, readout=0.0)))
    assert fit.C < 0.02
    assert fit_readout([fit.C], [1.92], [fit.C_error]).N0 < 1e-3


def test_a_flat_spectrum_has_no_mtf(rng):
    fit = fit_mtf(noise_spectrum(rng.poisson(2.0, (256, 256)).astype(float)))
    assert fit.R2 < 0.6
    assert max(fit.c0_error, fit.c3_error) > 0.3


def test_hot_pixels_are_replaced_and_counted():
    counts = 38 * _vacuum(100, (192, 256)) + 100
    spoilt = counts.copy()
    spoilt[90, 140] += 3000
    assert replace_hot_pixels(spoilt, 100)[1] == 1
    assert fit_mtf(noise_spectrum(spoilt)).C > 1.5 * fit_mtf(noise_spectrum(counts)).C
    spoilt[100, 7:9] = 65535
    spoilt[0, 255] = -900
    replaced, count = replace_hot_pixels(spoilt, 100)
    assert count == np.count_nonzero(replaced != counts) == 4
    fits = [fit_mtf(noise_spectrum(each)) for each in (counts, replaced)]
    assert pytest.approx(fits[0].C, rel=0.02) == fits[1].C


@pytest.mark.parametrize("c0", [0.08, 0.25, 0.8])
@pytest.mark.parametrize("dose", [10, 1300])
def test_single_electrons_are_no_hot_pixels(dose, c0):
    counts = 38 * _vacuum(dose, c0=c0) + 100
    untouched, count = replace_hot_pixels(counts, 100)
    assert count == 0
    np.testing.assert_array_equal(untouched, counts)


def test_counted_electrons_are_no_hot_pixels(rng):
    for electrons in (0.02, 0.3, 2, 30):
        counts = rng.poisson(electrons, (256, 256))
        assert replace_hot_pixels(counts)[1] == 0
        counts[20, 30] += 300
        assert replace_hot_pixels(counts)[1] == 1


def test_what_a_spectrum_does_not_tell_is_unknown():
    flat = fit_mtf(_exact(np.ones_like))
    assert pytest.approx(1, abs=0.01) == flat.C
    assert min(flat.c0_error, flat.c3_error) > 10


def test_a_floor_there_is_not():
    with pytest.raises(ValueError, match="'quadrature' or 'linear'"):
        fit_mtf(_exact(np.ones_like), "constant")


def test_exact_floors_give_the_readout_noise():
    electrons = np.geomspace(0.05, 10, 8)
    fit = fit_readout(noise_floor(electrons, 0.03), electrons, np.full(8, 0.01))
    assert pytest.approx(0.03, rel=1e-4) == fit.N0
    assert pytest.approx(1) == fit.R2
    single = fit_readout([0.5], [0.3], [0.02])
    assert pytest.approx(0.1, rel=1e-4) == single.N0
    # d(N0)/d(C²) of N0 = N_D C² / (1 - C²)
    error = 0.52**2 - 0.5**2
    assert single.N0_error == pytest.approx(error * 0.3 / 0.75**2, rel=1e-3)
    assert np.isnan(single.R2)


def test_deviation_is_in_standard_errors(rng):
    electrons = np.geomspace(0.05, 10, 200)
    shares = noise_floor(electrons, 0.03) ** 2 + rng.normal(0, 0.01, 200)
    floors = np.sqrt(np.maximum(shares, 0))
    stated = np.sqrt(floors**2 + 0.01) - floors
    fit = fit_readout(floors, electrons, stated)
    assert fit.deviation == pytest.approx(1, rel=0.3)
    assert abs(fit.N0 - 0.03) < 3 * fit.N0_error
    third = np.sqrt(floors**2 + 0.01 / 3) - floors
    assert fit_readout(floors, electrons, third).deviation == pytest.approx(
        3 * fit.deviation, rel=0.05
    )


def test_a_frame_without_electrons():
    with pytest.raises(ValueError, match=r"-0\.1 electrons per pixel.*offset"):
        fit_readout([0.1, 0.2], [0.5, -0.1], [0.01, 0.01])


def _specimen(shape):
    y, x = np.indices(shape)
    lattice = 0.3 * np.cos(2 * np.pi * x / 25) * np.cos(2 * np.pi * y / 30)
    return (0.9 + lattice).astype(np.float32)


def test_vacuum_is_found_beside_a_specimen(rng):
    image = np.ones((384, 512), np.float32)
    image[:, :300] = _specimen((384, 300))
    counts = detect_electrons(
        image, Detector(SAMPLING, 100, 0.25, 2.5, readout=N0), rng
    )
    rows, columns = find_vacuum(counts)
    assert columns.start > 280  # within half an edge of the specimen
    assert 160 <= columns.stop - columns.start == rows.stop - rows.start <= 224


@pytest.mark.parametrize("dose", [10, 100, 1300])
def test_plain_vacuum_is_found_as_a_whole(dose):
    counts = _vacuum(dose, (384, 400), seed=2)
    counts[150, 200] += 80  # a hot pixel does not end it
    rows, columns = find_vacuum(counts)
    assert rows == slice(0, 384)
    assert columns.stop - columns.start == 384
    replaced, _ = replace_hot_pixels(counts[rows, columns], N0)
    assert fit_mtf(noise_spectrum(replaced)).R2 > 0.98


def test_a_faint_film_is_not_taken_into_the_region(rng):
    image = np.ones((384, 512), np.float32)
    image[:, :250] = 0.9
    counts = detect_electrons(
        image, Detector(SAMPLING, 300, 0.25, 2.5, readout=N0), rng
    )
    _, columns = find_vacuum(counts)
    assert columns.start > 230
    assert columns.stop - columns.start >= 160


def test_a_specimen_everywhere_is_no_vacuum(rng):
    counts = detect_electrons(
        _specimen((256, 320)), Detector(SAMPLING, 1000, 0.25, 2.5), rng
    )
    with pytest.raises(ValueError, match=r"No region of vacuum.*lattice.*roi"):
        find_vacuum(counts)


def test_clouds_are_no_vacuum(rng):
    clouds = gaussian_filter(rng.normal(0, 100, (256, 320)), 20)
    counts = clouds + rng.normal(500, 3, clouds.shape)
    with pytest.raises(ValueError, match="structure on a large scale"):
        find_vacuum(counts)


def test_noise_is_hardly_ever_taken_for_structure():
    for seed, (dose, c0) in enumerate([(10, 0.2), (100, 0.5), (1300, 0.9)] * 4):
        find_vacuum(_vacuum(dose, (128, 160), c0=c0, seed=seed))


def test_regions_that_show_no_noise(rng):
    with pytest.raises(ValueError, match="constant: every pixel is 7"):
        check_region(np.full((40, 50), 7.0))
    saturated = np.minimum(rng.normal(100, 10, (40, 50)), 110)
    with pytest.raises(ValueError, match=r"saturated.*110"):
        check_region(saturated)
    # Counting cameras have many pixels of few values.
    for electrons in (0.02, 0.3, 2, 30):
        check_region(rng.poisson(electrons, (256, 256)).astype(float))
