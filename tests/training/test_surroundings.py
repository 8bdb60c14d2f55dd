# SPDX-License-Identifier: GPL-3.0-or-later
"""Peaks that lie as columns do are told from others."""

from __future__ import annotations

import numpy as np
import pytest
from crystals import VECTORS, A, mos2

from hrtemnn_training.baselines.surroundings import Surroundings

HONEYCOMB, _ = mos2(12, 9)
HOLLOW = HONEYCOMB[: len(HONEYCOMB) // 2] + VECTORS.sum(axis=0) * 2 / 3


def test_of_a_honeycomb() -> None:
    found = Surroundings.of([HONEYCOMB, HONEYCOMB[:1], np.zeros((0, 2))])
    assert found.neighbors == 3
    assert found.distance == pytest.approx(A / np.sqrt(3))
    assert Surroundings.of([HONEYCOMB[:1]]) == Surroundings(2.0, 0)


def share(positions, heights=None, threshold=0.0):
    heights = np.ones(len(positions)) if heights is None else heights
    honeycomb = Surroundings.of([HONEYCOMB])
    return honeycomb.regular_shares(positions, heights, np.array([threshold]))[0]


def test_a_honeycomb_is_one_and_its_hollow_sites_are_not() -> None:
    rng = np.random.default_rng(0)
    jitter = rng.normal(0, 0.01, HONEYCOMB.shape)
    assert share(HONEYCOMB + jitter) > 0.9
    assert share(HOLLOW) == 0
    assert share(np.concatenate([HONEYCOMB, HOLLOW])) < 0.2
    assert share(rng.uniform(0, 3, (200, 2))) < 0.4
    assert share(HONEYCOMB[:4]) == 0


def test_peaks_below_the_threshold_are_not_there() -> None:
    positions = np.concatenate([HONEYCOMB, HOLLOW])
    heights = np.repeat([2.0, 1.0], [len(HONEYCOMB), len(HOLLOW)])
    assert share(positions, heights, 1.5) == share(HONEYCOMB)
    assert share(positions, heights, 0.5) < 0.2
    assert share(positions, heights, 3) == 0
