# SPDX-License-Identifier: GPL-3.0-or-later
"""Probabilities that are right, and some that are not."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hrtemnn_training.metrics.masks import MaskPrediction
from hrtemnn_training.metrics.reliability import Reliability
from hrtemnn_training.metrics.unbiased_area import UnbiasedArea


def drawn(rng, images=5, shape=(200, 310)):
    """Yield probabilities, most near 0 or 1, and truths that they are right about."""
    for _ in range(images):
        probability = rng.beta(0.3, 0.9, shape).astype(np.float32)
        yield probability, rng.random(shape) < probability


def weighted(probability, weight):
    return weight * probability / (1 + (weight - 1) * probability)


def test_true_probabilities_lie_on_the_diagonal(rng) -> None:
    counted = Reliability()
    for probability, truth in drawn(rng):
        counted.add(probability, truth)
    summary = counted.summary()
    assert summary["expected_calibration_error"] < 0.004
    np.testing.assert_allclose(summary["observed"], summary["predicted"], atol=0.02)
    assert sum(summary["share_of_pixels"]) == pytest.approx(1, abs=1e-3)
    assert np.all(np.diff(summary["predicted"]) > 0.03)
    json.dumps(summary, allow_nan=False)


def test_pixels_without_data_are_left_out(rng) -> None:
    known, all_of_it = Reliability(), Reliability()
    for probability, truth in drawn(rng, images=2):
        known.add(probability[:150], truth[:150])
        probability[150:] = np.nan
        all_of_it.add(probability, truth)
    assert all_of_it.summary() == known.summary()


def test_a_weight_shows_as_what_it_is(rng) -> None:
    counted = Reliability()
    expected = []
    for probability, truth in drawn(rng):
        counted.add(weighted(probability, 9), truth)
        expected.append(np.mean(weighted(probability, 9) - probability))
    summary = counted.summary()
    error = summary["expected_calibration_error"]
    assert error == pytest.approx(np.mean(expected), abs=0.003)
    for predicted, observed in zip(
        summary["predicted"], summary["observed"], strict=True
    ):
        assert weighted(observed, 9) == pytest.approx(predicted, abs=0.05)


@pytest.mark.parametrize("weight", [1, 9, 0.5])
def test_at_the_threshold_as_much_is_found_as_there_is(rng, weight) -> None:
    areas = UnbiasedArea()
    images = [(weighted(p, weight), t) for p, t in drawn(rng)]
    nothing = np.full((90, 70), 0.9), np.zeros((90, 70), bool)
    for probability, truth in (*images, nothing, nothing):
        areas.add(probability, truth)
    threshold = areas.threshold()
    ratios = [MaskPrediction(p, threshold).found.sum() / t.sum() for p, t in images]
    assert np.median(ratios) == pytest.approx(1, abs=0.01)


def test_particles_that_are_not_seen_do_not_widen_the_others() -> None:
    areas = UnbiasedArea()
    rim = np.repeat([0.1, 0.4, 0.6, 0.95], [50, 30, 15, 5])
    truth = np.arange(100) >= 80  # as many as have 0.6 or more
    for _ in range(3):
        areas.add(rim, truth)
        areas.add(np.full(100, 0.01), truth)
        areas.add(np.where(np.arange(100) < 30, 0.3, 0.05), truth)  # taken for it
    assert 0.4 < areas.threshold() <= 0.6
    # Where no image is seen, all of them count.
    areas = UnbiasedArea()
    areas.add(rim, ~truth)
    assert areas.threshold() <= 0.1


def test_without_an_object_there_is_no_threshold() -> None:
    counted, areas = Reliability(), UnbiasedArea()
    assert areas.threshold() is None
    assert counted.summary()["expected_calibration_error"] is None
    image = np.array([[0.0, 1.0, 0.27]]), np.zeros((1, 3), bool)
    counted.add(*image)
    areas.add(*image)
    assert areas.threshold() is None
    summary = counted.summary()
    assert summary["expected_calibration_error"] == pytest.approx(1.27 / 3, abs=1e-4)
    assert summary["observed"][0] == summary["observed"][-1] == 0
    assert summary["observed"][10] is None
