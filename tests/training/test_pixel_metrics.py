# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of known answers."""

from __future__ import annotations

import numpy as np
import pytest

from hrtemnn_training.metrics.pixels import (
    f1_score,
    precision_recall,
    psnr_and_ssim,
    rmse,
)


def halves():
    truth = np.zeros((10, 20), bool)
    truth[:, :10] = True
    found = np.zeros_like(truth)
    found[:, 5:20] = True
    return found, truth


def test_f1_precision_and_recall_of_known_masks():
    found, truth = halves()
    assert f1_score(found, truth) == pytest.approx(2 * 5 / (15 + 10))
    assert precision_recall(found, truth) == pytest.approx((5 / 15, 5 / 10))
    assert f1_score(truth, truth) == 1
    assert f1_score(~truth, truth) == 0


def test_of_nothing_there_is_no_score():
    found, truth = halves()
    nothing = np.zeros_like(truth)
    assert np.isnan(f1_score(nothing, nothing))
    assert np.isnan(precision_recall(nothing, truth)[0])
    assert np.isnan(precision_recall(found, nothing)[1])


def test_the_error_of_a_wave_is_over_both_parts():
    truth = np.zeros((2, 3, 4))
    wave = truth + np.array([0.3, 0.4]).reshape(2, 1, 1)
    assert rmse(wave, truth) == pytest.approx(0.5 / np.sqrt(2))
    assert rmse(wave[1], truth[1]) == pytest.approx(0.4)


def test_signal_to_noise_and_similarity(rng):
    clean = np.stack([np.tile(np.linspace(0, 2, 30), (20, 1))] * 2).astype(np.float32)
    noisy = clean + 0.2
    # 20 log10(range / error), the range being 2.
    assert psnr_and_ssim(noisy, clean)[0] == pytest.approx(20, abs=1e-4)
    assert psnr_and_ssim(clean + 1e-6, clean)[1] == pytest.approx(1, abs=1e-4)
    noise = rng.normal(0, 1, clean.shape).astype(np.float32)
    assert psnr_and_ssim(noise, clean)[1] < 0.2
