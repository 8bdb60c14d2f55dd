# SPDX-License-Identifier: GPL-3.0-or-later
"""Lenses of focal series: those of simulated images come back within their errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import fourier_shift

from hyperspy_hrtemnn.analysis import (
    Aberration,
    Detector,
    Optics,
    WaveError,
    detect_electrons,
    fit_optics,
    image_intensity,
)
from hyperspy_hrtemnn.analysis.refinement.forward import ForwardModel
from hyperspy_hrtemnn.analysis.refinement.image_drift import find_image_drift
from hyperspy_hrtemnn.analysis.refinement.lens_parameters import (
    OWN,
    SHARED,
    ParameterList,
)
from hyperspy_hrtemnn.analysis.refinement.noise_level import noise_level
from hyperspy_hrtemnn.analysis.refinement.optics_of_vector import (
    magnitude_and_angle,
    root,
)
from hyperspy_hrtemnn.analysis.refinement.series_problem import SeriesProblem
from hyperspy_hrtemnn.analysis.refinement.working_grid import WorkingGrid, half

SHAPE = (150, 176)
PIXEL = 0.12
FIELD = (18.0, 21.12)
ENERGY = 60.0
DEFOCUS = (-60.0, -11.0, 41.0)
KNOWN = {
    "Cs": 4e4,
    "focal_spread": 9.0,
    "blur": 0.2,
    "aberrations": (
        Aberration(1, 2, 14.0, 0.6),
        Aberration(2, 1, 350.0, -2.1),
        Aberration(2, 3, 260.0, 0.7),
    ),
}
MTF = (0.45, 2.2)


def columns_of(seed=0, *, width=0.35, strength=0.5, spread=0.0):
    """Return a periodic wave of columns at random places."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 1, (70, 2)) * FIELD
    strengths = strength * rng.uniform(0.6, 1.4, 70)
    strengths *= 1 + spread * np.random.default_rng(seed + 99).normal(size=70)
    return wave_of(places, strengths, width)


def wave_of(places, strengths, width=0.35):
    """Return a periodic wave of columns (y, x) [Å] of some phase [rad]."""
    phase = np.zeros(SHAPE)
    for (y, x), height in zip(places, strengths, strict=True):
        along_y, along_x = (
            np.exp(-(((at - p + f / 2) % f - f / 2) ** 2) / (2 * width**2))
            for at, p, f in zip(
                (np.arange(SHAPE[0]) * PIXEL, np.arange(SHAPE[1]) * PIXEL),
                (y, x),
                FIELD,
                strict=True,
            )
        )
        phase += height * np.outer(along_y, along_x)
    return np.exp(1j * phase).astype(np.complex64)


def series_of(wave, *, dose=1e4, seed=1, drift=None, mtf=MTF, readout=0.02, **changes):
    """Return images in electrons, and their detector."""
    rng = np.random.default_rng(seed)
    lenses = {**KNOWN, **changes}
    detector = Detector(PIXEL, dose, *mtf, readout=readout)
    images = []
    for number, defocus in enumerate(lenses.pop("defocus", DEFOCUS)):
        moved = wave
        if drift is not None:
            pixels = np.divide(drift[number], PIXEL)
            moved = np.fft.ifft2(fourier_shift(np.fft.fft2(wave), pixels))
        optics = Optics(ENERGY, defocus, **lenses)
        image = image_intensity(moved.astype(np.complex64), FIELD, optics, SHAPE)
        images.append(detect_electrons(image, detector, rng) - readout)
    return np.stack(images), detector


def fit(wave, images, detector, **options):
    guess = {"defocus": np.array(DEFOCUS) + 9, "Cs": 5e4, "smoothing": 0.0, "margin": 0}
    guess |= options
    return fit_optics(wave, images, detector, ENERGY, guess.pop("defocus"), **guess)


def scores(found, **changes):
    """Return the deviations from the truth in standard errors."""
    known = {**KNOWN, **changes}
    truth = {
        "defocus": known.get("defocus", DEFOCUS),
        "Cs": known["Cs"],
        "focal_spread": known["focal_spread"],
        "blur": known["blur"],
    }
    for each in known["aberrations"]:
        truth[each.name] = each.magnitude
        truth[f"phi{each.n}{each.m}"] = each.angle
    off = []
    for name, true in truth.items():
        measured = getattr(found, name)
        difference = np.asarray(measured.value) - true
        if name.startswith("phi"):
            period = 2 * np.pi / int(name[-1])
            difference = (difference + period / 2) % period - period / 2
        off.append(np.ravel(difference / measured.error))
    return np.concatenate(off)


@pytest.fixture(scope="module")
def wave():
    return columns_of()


@pytest.fixture(scope="module")
def counted(wave):
    return series_of(wave)


@pytest.fixture(scope="module")
def found(wave, counted):
    return fit(wave, *counted)


@pytest.fixture
def model(wave):
    grid = WorkingGrid(FIELD, 2.0)
    return ForwardModel(grid.spectrum(wave), grid, ENERGY, 2, any_contrast=True)


@pytest.fixture
def vector(model):
    parameters = model.parameters
    values = np.random.default_rng(3).uniform(0.5, 1.5, len(parameters))
    values *= parameters.steps
    values[parameters.places("log_electrons")] = np.log(100)
    return values


def test_working_images_are_those_of_the_full_model(wave, model):
    parameters = model.parameters
    values = np.zeros(len(parameters))
    values[parameters.place("Cs")] = KNOWN["Cs"]
    values[parameters.place("focal_spread_squared")] = KNOWN["focal_spread"] ** 2
    values[parameters.place("blur_squared")] = KNOWN["blur"] ** 2
    for each in KNOWN["aberrations"]:
        turned = each.magnitude * np.exp(1j * each.m * each.angle)
        values[parameters.place(f"{each.name}_x")] = turned.real
        values[parameters.place(f"{each.name}_y")] = turned.imag
    values[parameters.place("defocus", 1)] = 35.0
    values[parameters.place("shift_y", 1)] = 1.2
    values[parameters.place("shift_x", 1)] = -0.7
    moved = np.fft.ifft2(fourier_shift(np.fft.fft2(wave), (1.2 / PIXEL, -0.7 / PIXEL)))
    optics = Optics(ENERGY, 35.0, **KNOWN)
    expected = image_intensity(moved.astype(np.complex64), FIELD, optics, SHAPE)
    spectrum = half(WorkingGrid(FIELD, 2.0).spectrum(expected))
    difference = model.image(values, 1) - spectrum
    low = half(WorkingGrid(FIELD, 2.0).squared) < 1.3**2
    assert np.abs(difference[low]).max() < 2e-3 * np.abs(spectrum[1:]).max()


@pytest.mark.parametrize("name", [*SHARED, *OWN])
def test_derivatives_are_those_of_finite_differences(model, vector, name):
    parameters = model.parameters
    place = parameters.place(name, 1 if name in OWN else None)
    step = 0.02 * parameters.steps[place] * np.eye(len(parameters))[place]
    expected = (model.image(vector + step, 1) - model.image(vector - step, 1)) / (
        2 * step[place]
    )
    derivative = dict(model.derivatives(vector, 1))[place]
    off = np.linalg.norm(derivative - expected) / np.linalg.norm(expected)
    assert off < 5e-3


@pytest.mark.parametrize("squared", [-40.0, 0.0, 1e-6, 81.0, 400.0, 3e4])
def test_the_derivative_by_the_focal_spread_goes_through_zero(model, vector, squared):
    place = model.parameters.place("focal_spread_squared")
    vector[place] = squared
    step = max(1.0, 1e-3 * squared) * np.eye(len(vector))[place]
    expected = (model.image(vector + step, 1) - model.image(vector - step, 1)) / (
        2 * step[place]
    )
    derivative = dict(model.derivatives(vector, 1))[place]
    assert np.isfinite(derivative).all()
    size = np.linalg.norm(expected) + 1e-6 * np.linalg.norm(model.image(vector, 1))
    assert np.linalg.norm(derivative - expected) < 5e-3 * size


@pytest.mark.parametrize("name", ["focal_spread_squared", "defocus", "blur_squared"])
@pytest.mark.parametrize("squared", [-40.0, 0.0, 400.0])
def test_gradients_of_sums_over_focus_are_those_of_their_derivatives(
    model, vector, name, squared
):
    place = model.parameters.place("focal_spread_squared")
    vector[place] = squared
    by_image = np.random.default_rng(7).normal(size=model.grid.shape)
    found, _ = model.gradient(vector, 1, by_image.astype(np.float32))
    place = model.parameters.place(name, 1 if name in OWN else None)
    derivative = dict(model.derivatives(vector, 1))[place]
    pixels = np.fft.irfft2(derivative, model.grid.shape, norm="forward")
    size = np.linalg.norm(pixels) * np.linalg.norm(by_image)
    assert found[place] == pytest.approx(np.sum(pixels * by_image), abs=1e-4 * size)


def test_the_gradient_by_the_wave_is_that_of_differences(model, vector):
    vector[model.parameters.place("focal_spread_squared")] = 300.0
    rng = np.random.default_rng(9)
    by_image = rng.normal(size=model.grid.shape).astype(np.float32)
    change = rng.normal(size=(2, *model.grid.shape))
    spectrum = np.where(model.grid.band, change[0] + 1j * change[1], 0) * 1e-3
    ends = [
        np.fft.irfft2(
            model.of_wave(
                (model.spectrum + sign * spectrum).astype(np.complex64)
            ).image(vector, 1),
            model.grid.shape,
            norm="forward",
        )
        for sign in (1, -1)
    ]
    expected = np.sum(by_image * (ends[0] - ends[1])) / 2
    _, by_wave = model.gradient(vector, 1, by_image)
    found = np.sum((by_wave.conj() * spectrum).real)
    assert found == pytest.approx(expected, rel=2e-3)


def of_all_foci(wave, optics, foci=61):
    """Return the mean of images without focal spread over the distribution of focus."""
    away = np.linspace(-3.5, 3.5, foci)
    weights = np.exp(-(away**2))
    images = [
        image_intensity(
            wave,
            FIELD,
            replace(
                optics,
                defocus=optics.defocus + part * optics.focal_spread,
                focal_spread=0,
            ),
            SHAPE,
        )
        for part in away
    ]
    return np.tensordot(weights / weights.sum(), images, 1)


def test_working_images_are_sums_over_all_foci(wave):
    grid = WorkingGrid(FIELD, 2.0)
    model = ForwardModel(grid.spectrum(wave), grid, ENERGY, 1)
    values = np.zeros(len(model.parameters))
    values[model.parameters.place("Cs")] = 4e4
    values[model.parameters.place("focal_spread_squared")] = 17.0**2
    values[model.parameters.place("blur_squared")] = 0.2**2
    values[model.parameters.place("defocus", 0)] = 35.0
    expected = of_all_foci(wave, Optics(ENERGY, 35.0, 4e4, 17.0, 0.2))
    found = np.fft.irfft2(model.image(values, 0), grid.shape, norm="forward")
    truth = np.fft.irfft2(half(grid.spectrum(expected)), grid.shape, norm="forward")
    assert np.sqrt(np.mean((found - truth) ** 2)) < 5e-4
    lensed = model.lensed(values, 0)
    envelope = np.abs(lensed.waves[0]) ** 2
    assert np.sqrt(np.mean((envelope - truth) ** 2)) > 4e-3


def test_the_focal_spread_of_sums_over_foci_comes_out(wave):
    rng = np.random.default_rng(4)
    detector = Detector(PIXEL, 1e5, *MTF, readout=0.02)
    lenses = {**KNOWN, "focal_spread": 17.0}
    images = [
        detect_electrons(
            of_all_foci(wave, Optics(ENERGY, defocus, **lenses)).astype(np.float32),
            detector,
            rng,
        )
        - 0.02
        for defocus in DEFOCUS
    ]
    found = fit(wave, np.stack(images), detector)
    assert found.chi2 == pytest.approx(1, abs=3 * found.chi2_error)
    off = found.focal_spread.value - 17
    assert abs(off) < 3 * found.focal_spread.error
    assert found.focal_spread.error < 0.5
    assert np.abs(scores(found, focal_spread=17.0)).max() < 4


def test_contrast_stretches_an_image_about_the_vacuum(model, vector):
    stretched = vector.copy()
    place = model.parameters.place("log_contrast", 1)
    vector[place], stretched[place] = 0, np.log(2.5)
    vacuum = np.zeros_like(model.image(vector, 1))
    vacuum[0, 0] = 100
    contrast = model.image(vector, 1) - vacuum
    difference = model.image(stretched, 1) - vacuum - 2.5 * contrast
    assert np.abs(difference).max() < 1e-4 * np.abs(contrast).max()


def test_contrast_is_held_unless_it_is_asked_for():
    asked = ParameterList(2, any_contrast=True)
    places = asked.places("log_contrast")
    assert (asked.steps[places] > 0).all()
    assert (ParameterList(2).steps[places] == 0).all()


def test_the_gradient_is_the_sum_over_the_derivatives(model, vector):
    by_image = np.random.default_rng(7).normal(size=model.grid.shape)
    found, _ = model.gradient(vector, 1, by_image.astype(np.float32))
    for place, derivative in model.derivatives(vector, 1):
        pixels = np.fft.irfft2(derivative, model.grid.shape, norm="forward")
        size = np.linalg.norm(pixels) * np.linalg.norm(by_image)
        assert found[place] == pytest.approx(np.sum(pixels * by_image), abs=1e-4 * size)


def test_a_parameter_of_one_image_changes_no_other(model, vector):
    places = {place for place, _ in model.derivatives(vector, 0)}
    assert model.parameters.place("defocus", 0) in places
    assert model.parameters.place("defocus", 1) not in places


def test_the_true_wave_gives_the_lenses_within_their_errors(found):
    off = np.abs(scores(found))
    assert off.max() < 3.5
    assert np.mean(off < 1) > 0.4
    assert found.defocus.error.max() < 1
    assert found.Cs.error < 2000
    assert found.chi2 == pytest.approx(1, abs=5 * found.chi2_error)
    assert abs(found.noise.value - 1) < 4 * found.noise.error
    assert abs(found.unexplained) < 0.01
    np.testing.assert_allclose(found.dose.value, 1e4, rtol=5e-3)


def test_images_of_the_fitted_lenses_are_the_measured_ones(wave, found):
    for optics, defocus in zip(found.optics, DEFOCUS, strict=True):
        again = image_intensity(wave, FIELD, optics, SHAPE)
        true = image_intensity(wave, FIELD, Optics(ENERGY, defocus, **KNOWN), SHAPE)
        assert np.abs(again - true).max() < 0.05 * np.ptp(true)


def test_errors_hold_over_many_series(wave):
    """Of 8 series with 12 values each, which are correlated."""
    off = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        changes = {
            "Cs": rng.uniform(-8e4, 8e4),
            "defocus": np.array(DEFOCUS) + rng.uniform(-40, 40),
            "focal_spread": rng.uniform(6, 14),
        }
        images, detector = series_of(wave, dose=3000, seed=seed, **changes)
        guess = changes["defocus"] + rng.uniform(-20, 20)
        off.append(
            scores(
                fit(wave, images, detector, defocus=guess, Cs=changes["Cs"] + 8e3),
                **changes,
            )
        )
    off = np.abs(off)
    assert 0.55 < np.mean(off < 1) < 0.85
    assert np.mean(off < 2) > 0.9


def test_errors_hold_with_a_wave_whose_columns_are_wrong():
    """Of 4 waves with columns too strong or too weak by a tenth."""
    off = []
    for seed in range(4):
        images, detector = series_of(columns_of(seed), dose=2e4, seed=seed)
        found = fit(columns_of(seed, spread=0.1), images, detector)
        off.append(np.abs(scores(found)))
        # The noise alone would allow for less.
        true = fit(columns_of(seed), images, detector)
        assert found.Cs.error > 1.3 * true.Cs.error
    assert np.mean(np.array(off) < 1) > 0.6
    assert np.mean(np.array(off) < 2) > 0.85


def test_drift_and_shift_are_found_along_their_axes(wave):
    drift = np.array([[0.4, -0.9], [5.1, -2.2], [-3.3, 7.4]])
    found = fit(wave, *series_of(wave, drift=drift))
    np.testing.assert_allclose(found.shift.value, drift[0], atol=0.02)
    np.testing.assert_allclose(found.drift.value, drift - drift[0], atol=0.02)
    assert np.abs(scores(found)).max() < 4


def test_an_image_a_lattice_vector_off_is_put_back():
    """A crystal that fills the field, with two columns that are weaker."""
    step = FIELD[0] / 6, FIELD[1] / 7
    places = np.stack(np.mgrid[:6, :7], -1).reshape(-1, 2) * step
    strengths = np.full(len(places), 0.5)
    strengths[[9, 24]] = 0.3
    crystal = wave_of(places, strengths)
    images, detector = series_of(crystal, dose=1e5)
    problem = SeriesProblem(
        crystal, images, detector, ENERGY, np.ones(SHAPE, bool), margin=2.0
    )
    residuals = problem.residuals(1.0)
    parameters = residuals.model.parameters
    vector = problem.guess(np.array(DEFOCUS) + 5, Cs=5e4, smoothing=0)
    vector[parameters.place("shift_y", 1)] = step[0]
    vector[parameters.place("shift_x", 1)] = -step[1]
    found = find_image_drift(residuals, vector, 1)
    np.testing.assert_allclose(found, (-step[0], step[1]), atol=0.3)
    np.testing.assert_allclose(find_image_drift(residuals, vector, 0), 0, atol=0.3)


def test_a_start_two_nm_and_a_micrometer_off_ends_in_the_same_lenses(
    wave, counted, found
):
    for defocus, Cs in ((20, 1.5e4), (-20, -1.5e4), (20, -1.5e4)):
        other = fit(
            wave, *counted, defocus=np.array(DEFOCUS) + defocus, Cs=KNOWN["Cs"] + Cs
        )
        assert other.Cs.value == pytest.approx(found.Cs.value, abs=found.Cs.error)
        np.testing.assert_allclose(other.defocus.value, found.defocus.value, atol=0.2)


def test_a_border_that_images_do_not_share_with_the_wave_is_not_compared(wave):
    # What lies beyond the middle is something else than its periodic continuation.
    images, detector = series_of(wave)
    middle = np.s_[12:-20, 16:-18]
    cut = images[(slice(None), *middle)]
    found = fit(wave[middle], cut, detector, margin=None)
    assert np.abs(scores(found)).max() < 5
    assert found.chi2 < 1.3


def test_pixels_without_data_are_not_compared(wave, counted):
    images, detector = counted
    spoiled = images.copy()
    valid = np.ones(SHAPE, bool)
    valid[:40, 100:] = False
    spoiled[:, ~valid] = images.mean()
    found = fit(wave, spoiled, detector, valid=valid)
    assert np.abs(scores(found)).max() < 4
    assert found.chi2 == pytest.approx(1, abs=6 * found.chi2_error)


def test_two_images_on_large_pixels_are_enough(wave):
    coarse = (SHAPE[0] // 2, SHAPE[1] // 2)
    detector = Detector(2 * PIXEL, 1e4, *MTF)
    rng = np.random.default_rng(2)
    images = [
        detect_electrons(
            image_intensity(wave, FIELD, Optics(ENERGY, each, **KNOWN), coarse),
            detector,
            rng,
        )
        for each in DEFOCUS[:2]
    ]
    guess = np.array(DEFOCUS[:2]) + 9
    found = fit(wave[::2, ::2], np.stack(images), detector, defocus=guess)
    assert np.abs(scores(found, defocus=DEFOCUS[:2])).max() < 4
    assert found.chi2 == pytest.approx(1, abs=5 * found.chi2_error)


def test_smoothing_of_the_wave_is_no_blur_of_the_lenses(wave, counted, found):
    frequency = [np.fft.fftfreq(n, PIXEL) for n in SHAPE]
    k2 = frequency[0][:, np.newaxis] ** 2 + frequency[1] ** 2
    gaussian = np.exp(-2 * (np.pi * 0.15) ** 2 * k2)
    smooth = np.fft.ifft2(np.fft.fft2(wave) * gaussian)
    again = fit(smooth, *counted, smoothing=0.15)
    assert again.blur.value == pytest.approx(found.blur.value, abs=0.003)
    assert again.Cs.value == pytest.approx(found.Cs.value, abs=0.2 * found.Cs.error)


def test_what_no_image_shows_of_a_wave_is_in_the_errors(wave, counted, found):
    error = WaveError(plane=2.0, place=0.1, blur_squared=0.02)
    known = fit(wave, *counted, wave_error=error)
    np.testing.assert_allclose(known.defocus.value, found.defocus.value)
    np.testing.assert_allclose(
        known.defocus.error**2, found.defocus.error**2 + 4, rtol=1e-6
    )
    np.testing.assert_allclose(
        known.shift.error**2, found.shift.error**2 + 0.01, rtol=1e-6
    )
    # It is the same for all images.
    np.testing.assert_allclose(known.drift.error, found.drift.error, rtol=1e-3)
    assert known.blur.error > found.blur.error


@pytest.mark.parametrize("other", ["another wave", "turned"])
def test_the_wave_of_something_else_is_refused(wave, counted, other):
    wrong = columns_of(5) if other == "another wave" else wave[::-1, ::-1]
    with pytest.raises(ValueError, match="No lens makes such images of this wave"):
        fit(wrong, *counted)


def test_images_without_contrast_are_refused(wave):
    images, detector = series_of(np.ones_like(wave))
    with pytest.raises(ValueError, match="nothing above the noise"):
        fit(wave, images, detector)


def test_a_wrong_gain_is_told(wave, counted):
    images, detector = counted
    with pytest.warns(UserWarning, match=r"noise of the images is 1\.[45]\d times"):
        found = fit(wave, 1.5 * images, detector)
    assert found.noise.value == pytest.approx(1.5, abs=0.1)


@pytest.mark.parametrize("factor", [3, 0.5])
def test_errors_are_too_large_with_a_wrong_gain_as_is_told(wave, counted, factor):
    images, detector = counted
    right = fit(wave, images, detector)
    with pytest.warns(UserWarning, match="All standard errors are too large"):
        wrong = fit(wave, factor * images, detector)
    assert (wrong.defocus.error > 1.2 * right.defocus.error).all()
    assert wrong.Cs.error > 1.1 * right.Cs.error


def test_pixels_without_frequencies_of_noise_alone_do_not_tell_its_level(wave, counted):
    images, detector = counted
    everywhere = np.ones(SHAPE, bool)
    problem = SeriesProblem(wave, images, detector, ENERGY, everywhere, margin=0)
    guess = problem.guess(np.array(DEFOCUS), Cs=4e4, smoothing=0)
    assert np.isnan(noise_level(problem.residuals(1.5), guess).value)


def test_a_small_window_does_not_change_the_level_of_the_noise(wave, counted):
    found = fit(wave, *counted, margin=4.4)
    assert abs(found.noise.value - 1) < 4 * found.noise.error < 0.3


def test_shapes_that_do_not_fit_are_refused(wave, counted):
    images, detector = counted
    with pytest.raises(ValueError, match=r"shape \(150, 176\), the images have"):
        fit(wave, images[:, :-1], detector)
    with pytest.raises(ValueError, match="3 images and 2 values"):
        fit(wave, images, detector, defocus=[0, 50])
    with pytest.raises(ValueError, match="wave has NaN"):
        fit(np.where(np.eye(*SHAPE), np.nan, wave), images, detector)
    with pytest.raises(ValueError, match="margin cannot be negative"):
        fit(wave, images, detector, margin=-1)


def test_an_aberration_that_is_not_there_is_zero_within_its_error():
    rng = np.random.default_rng(0)
    draws = rng.normal(0, 2.0, (400, 2))
    found = [magnitude_and_angle(draw, 4 * np.eye(2), 2) for draw in draws]
    within = [size.value <= 2 * size.error for size, _ in found]
    assert np.mean(within) > 0.93
    assert all(angle.error <= np.pi / 2 / np.sqrt(3) + 1e-9 for _, angle in found)


def test_a_magnitude_has_the_error_of_its_direction():
    size, angle = magnitude_and_angle(
        np.array([3.0, 4.0]) * 100, np.diag([4.0, 9.0]), 2
    )
    assert size.value == pytest.approx(500, abs=0.1)
    assert size.error == pytest.approx(np.hypot(0.6 * 2, 0.8 * 3), rel=0.01)
    assert angle.value == pytest.approx(np.arctan2(4, 3) / 2)
    assert angle.error == pytest.approx(np.hypot(0.8 * 2, 0.6 * 3) / 1000, rel=0.01)
    assert root(-1.0, 4.0).value == 0
    assert root(-1.0, 4.0).error == 2


def test_the_table_and_the_text_have_all_values(found):
    table = found.to_table()
    assert list(table) == ["parameter", "image", "value", "error", "unit"]
    assert len(table) == 3 + 9 + 2 + 6 + 3 + 3
    row = table[(table["parameter"] == "defocus") & (table["image"] == 2)].iloc[0]
    assert row["value"] == found.defocus.value[2]
    assert row["unit"] == "Å"
    drift = table[table["parameter"] == "drift_x"]
    assert drift["image"].tolist() == [0, 1, 2]
    assert (table.loc[table["parameter"] == "Cs", "image"] == -1).all()
    text = repr(found)
    assert "FittedOptics at 60 keV" in text
    assert f"C12           {found.C12} Å" in text
    assert "drift         (0 ± 0, 0 ± 0), (" in text
    assert "nan" not in text
