# SPDX-License-Identifier: GPL-3.0-or-later
"""Drift, uneven illumination, hot pixels and binned cameras are what they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from known_specimens import specimen

from hrtemnn_training.images.conditions import draw_conditions
from hrtemnn_training.images.disturbances import (
    UNDISTURBED,
    Disturbances,
    blur_by_motion,
    draw_disturbances,
    illumination,
    spoil_pixels,
)
from hrtemnn_training.images.exposure import expose
from hrtemnn_training.images.sample import take_sample
from hrtemnn_training.parameters import ImageParameters
from hyperspy_hrtemnn.analysis import Detector, Optics, detect_electrons

EXTENT = (24.0, 33.0)  # y, x [Å]
KEYS = ("vibration_blur", "drift_blur", "illumination", "hot_pixels")


def moments(image: np.ndarray) -> np.ndarray:
    """Return the matrix of the second moments along (x, y) [Å²]."""
    y, x = (
        (np.arange(n) + 0.5) * e / n - e / 2
        for n, e in zip(image.shape, EXTENT, strict=True)
    )
    y, x = np.meshgrid(y, x, indexing="ij")
    places = np.stack([x.ravel(), y.ravel()])
    weight = image.ravel() / image.sum()
    mean = places @ weight
    return (places * weight) @ places.T - np.outer(mean, mean)


@pytest.mark.parametrize(("blur", "angle"), [(0.8, 0.0), (1.3, 0.6), (0.5, 2.2)])
def test_drift_widens_a_spot_along_its_direction_alone(blur, angle) -> None:
    y, x = np.mgrid[:240, :300]
    spot = np.exp(-(((y - 120) * 0.1) ** 2 + ((x - 150) * 0.11) ** 2) / 2)
    drift = Disturbances(drift_blur=blur, drift_angle=angle)
    blurred = blur_by_motion(spot.astype(np.float32), EXTENT, drift)
    direction = np.array([np.cos(angle), np.sin(angle)])
    np.testing.assert_allclose(
        moments(blurred) - moments(spot),
        blur**2 * np.outer(direction, direction),
        atol=0.01 * blur**2,
    )
    assert blurred.sum() == pytest.approx(spot.sum(), rel=1e-5)
    both = Disturbances(vibration_blur=0.4, drift_blur=blur, drift_angle=angle)
    np.testing.assert_allclose(
        moments(blur_by_motion(spot.astype(np.float32), EXTENT, both)),
        moments(blurred) + 0.4**2 * np.eye(2),
        atol=0.002,
    )


def test_the_illumination_has_its_mean_and_its_largest_deviation() -> None:
    for seed in range(5):
        slopes = tuple(np.random.default_rng(seed).normal(size=5))
        uneven = Disturbances(illumination=0.3, slopes=slopes)
        whole = illumination((90, 128), 24, uneven)
        seen = whole[24:-24, 24:-24]
        assert seen.shape == (42, 80)
        assert seen.mean() == pytest.approx(1, abs=1e-6)
        assert np.abs(seen - 1).max() == pytest.approx(0.3, abs=1e-6)
        assert whole.min() >= 0
        for axis in (0, 1):  # linear and quadratic, and nothing else
            np.testing.assert_allclose(np.diff(seen, 3, axis), 0, atol=1e-5)


def test_hot_and_dead_pixels_are_few_and_the_same_in_all_images() -> None:
    rng = np.random.default_rng(0)
    counts = rng.uniform(40, 60, (2, 300, 500)).astype(np.float32)
    spoiled = spoil_pixels(counts, 0.004, rng)
    changed = spoiled != counts
    np.testing.assert_array_equal(changed[0], changed[1])
    assert changed[0].mean() == pytest.approx(0.004, rel=0.15)
    values = spoiled[0][changed[0]]
    assert np.mean(values == 0) == pytest.approx(0.5, abs=0.08)
    means = values[values > 0] / counts[0].mean()
    assert 2 <= means.min() < 2.5
    assert 9.5 < means.max() <= 10


def test_what_is_off_draws_nothing_and_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    assert draw_disturbances(ImageParameters(), rng) == UNDISTURBED
    image = rng.random((6, 8)).astype(np.float32)
    state = rng.bit_generator.state
    np.testing.assert_array_equal(blur_by_motion(image, EXTENT, UNDISTURBED), image)
    np.testing.assert_array_equal(image * illumination((6, 8), 1, UNDISTURBED), image)
    assert spoil_pixels(image[np.newaxis], 0.0, rng) is not None
    assert rng.bit_generator.state == state
    written = ImageParameters().model_dump()
    assert not {*KEYS} & written.keys()


def test_disturbances_are_within_their_ranges_and_known_by_name() -> None:
    parameters = ImageParameters(
        vibration_blur=(0.05, 0.8),
        drift_blur=(0.1, 0.4),
        illumination=(0.05, 0.2),
        hot_pixels=(1e-4, 1e-3),
    )
    rng = np.random.default_rng(0)
    drawn = [draw_conditions(parameters, 300, rng).disturbances for _ in range(200)]
    for key in KEYS:
        low, high = getattr(parameters, key)
        values = [each.known_values()[key] for each in drawn]
        assert low <= min(values) < low + 0.1 * (high - low)
        assert high - 0.1 * (high - low) < max(values) <= high
    angles = np.array([each.drift_angle for each in drawn])
    assert np.ptp(angles) == pytest.approx(np.pi, abs=0.1)  # a line has half a circle
    sample = take_sample(specimen((24, 20, 8)), parameters, sampling=0.4, rng=rng)
    assert (
        sample.conditions().items()
        >= sample.exposure.disturbances.known_values().items()
    )


def test_an_exposure_is_disturbed_and_has_its_dose() -> None:
    disturbances = Disturbances(0.2, 0.6, 0.3, 0.4, (1.0, -2.0, 0.5, 0.3, 1.0), 0.002)
    known, detector = specimen(), Detector(0.2, 1e4, readout=0.0)
    made = [
        expose(known, (Optics(300),) * 2, detector, (30, 42), rng, disturbances=each)
        for each in (UNDISTURBED, disturbances)
        for rng in [np.random.default_rng(3)]
    ]
    even, uneven = (exposure.counts for exposure in made)
    # Of vacuum: the dose is the mean, and the drift is not seen.
    assert even.mean() == pytest.approx(400, rel=1e-3)
    mean = made[1].expected_counts()[0] / 400
    assert mean.mean() == pytest.approx(1, abs=1e-3)
    assert np.abs(mean - 1).max() == pytest.approx(0.4, abs=0.02)
    assert np.mean(uneven[0] == 0) == pytest.approx(0.001, rel=0.5)
    again = made[1].at_dose(100, np.random.default_rng(4)).counts
    assert again.mean() == pytest.approx(4, rel=0.02)
    assert np.mean(again[0] > 12) > 2e-4


def test_spots_finer_than_a_pixel_leave_nothing_darker_than_black() -> None:
    wave = np.zeros((160, 208), np.complex64)
    wave[60:64, 50:54] = 8
    exposure = expose(
        replace(specimen(), wave=wave),
        (Optics(300),),
        Detector(0.9, 100),
        (29.7, 36.9),
        np.random.default_rng(2),
        disturbances=Disturbances(vibration_blur=0.1),
    )
    assert exposure.intensities.min() == 0
    assert np.isfinite(exposure.counts).all()


def test_vibrations_lose_no_electron_as_the_envelope_of_the_lens_does() -> None:
    known, detector = specimen((26, 20, 6)), Detector(0.2, 1e4)

    def mean(blur: float, vibration: float) -> float:
        return float(
            expose(
                known,
                (Optics(300, 100, blur=blur),),
                detector,
                (30, 42),
                np.random.default_rng(3),
                disturbances=Disturbances(vibration_blur=vibration),
            ).intensities.mean()
        )

    assert mean(0, 0.8) == pytest.approx(mean(0, 0), abs=1e-4)
    assert mean(0.8, 0) < mean(0, 0) - 1e-3


def test_the_blur_of_a_card_is_that_of_the_image(recipe_values) -> None:
    pytest.importorskip("keras")
    from hrtemnn_training.export.onnx_file import make_card
    from hrtemnn_training.recipe import Recipe

    images = {"blur": [0.03, 0.3], "vibration_blur": [0.04, 0.4]}
    recipe_values["images"] |= {"blur_is": "standard deviation"} | images
    card = make_card(Recipe.model_validate(recipe_values), {})
    assert card.ranges.blur == pytest.approx((0.05, 0.5))


def test_images_of_least_contrast_and_lowest_dose_can_be_trained_on() -> None:
    parameters = ImageParameters(
        defocus=(0, 0),
        ctf_c30=(0, 0),
        log_dose=(np.log10(5), np.log10(5)),
        blur=(0.8, 0.8),
        sampling=(0.07, 0.07),
        image_size=(100, 72),
    )
    for changes in ({}, {"log_dose": (6, 6)}, {"noise": None, "mtf": None}):
        rng = np.random.default_rng(0)
        image, label = parameters.changed(changes).kind.pair(
            specimen((24, 20, 8)), sampling=0.4, rng=rng
        )
        assert np.isfinite(image).all()
        assert label.any()


def amplitudes(images: list[np.ndarray]) -> np.ndarray:
    """Return the mean amplitude of each frequency, 1 for white noise."""
    power = [np.abs(np.fft.rfft2(image - image.mean())) ** 2 for image in images]
    return np.sqrt(np.mean(power, axis=0) / np.prod(images[0].shape))


def summed(image: np.ndarray) -> np.ndarray:
    """Return the sums of 2 x 2 pixels."""
    y, x = image.shape
    return image.reshape(y // 2, 2, x // 2, 2).sum(axis=(1, 3))


# A scintillator with a poor MTF, and what is left of it in sums of 2 x 2 pixels: the
# half-maximum is at 1.86 times as many of the larger Nyquist frequencies.
SENSOR = Detector(0.1, 4e4, mtf_c0=0.3, mtf_c3=3.0)
BINNED = Detector(0.2, 4e4, mtf_c0=0.558, mtf_c3=3.05)


def test_the_noise_of_a_binned_camera_is_that_of_a_wider_mtf() -> None:
    rng = np.random.default_rng(5)
    vacuum = np.ones((192, 256), np.float32)
    binned = [summed(detect_electrons(vacuum, SENSOR, rng)) for _ in range(60)]
    plain = [detect_electrons(vacuum[::2, ::2], BINNED, rng) for _ in range(60)]
    assert np.mean(binned) == pytest.approx(np.mean(plain), rel=1e-3)
    ky, kx = np.fft.fftfreq(96, 0.5), np.fft.rfftfreq(128, 0.5)
    frequency = np.hypot(ky[:, np.newaxis], kx)  # [Nyquist frequencies]
    found, expected = (amplitudes(images) / 40 for images in (binned, plain))
    for low in (0.05, 0.2, 0.4, 0.6, 0.8):
        ring = (frequency > low) & (frequency <= low + 0.2)
        assert found[ring].mean() == pytest.approx(expected[ring].mean(), abs=0.04)


@pytest.mark.parametrize("periods", [8, 24, 40, 60])
def test_the_signal_of_a_binned_camera_is_that_of_a_wider_mtf(periods) -> None:
    """Of 64 periods, those of the larger Nyquist frequency."""
    place = np.arange(256) + 0.5
    wave = np.tile(1 + 0.2 * np.cos(2 * np.pi * place / 256 * periods), (6, 1))
    fine, coarse = (replace(each, noise=False) for each in (SENSOR, BINNED))
    middles = np.arange(128) + 0.5
    sampled = np.tile(1 + 0.2 * np.cos(2 * np.pi * middles / 128 * periods), (3, 1))
    counts = summed(detect_electrons(wave.astype(np.float32), fine, None))
    plain = detect_electrons(sampled.astype(np.float32), coarse, None)
    found, expected = (
        np.abs(np.fft.rfft(each[1])[periods]) / each.sum(axis=1)[1] * 10
        for each in (counts, plain)
    )
    assert found == pytest.approx(expected, abs=0.03)
    assert 0 < expected < 1
