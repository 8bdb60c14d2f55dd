# SPDX-License-Identifier: GPL-3.0-or-later
"""Resampling against Pillow's, which is the same kernel, and on what it must keep."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from hyperspy_hrtemnn.networks import resample


@pytest.mark.parametrize(
    ("old", "new"),
    [((301, 420), (101, 141)), ((21, 34), (90, 55)), ((70, 31), (33, 64))],
)
def test_the_kernel_is_the_cubic_one(old, new) -> None:
    image = np.random.default_rng(0).normal(size=old).astype(np.float32)
    expected = Image.fromarray(image).resize(new[::-1], Image.Resampling.BICUBIC)
    given = resample(image, new)
    assert given.dtype == np.float32
    np.testing.assert_allclose(given, np.asarray(expected), atol=2e-6)


def test_constants_and_fields_of_view_are_kept() -> None:
    np.testing.assert_allclose(resample(np.full((50, 60), 7), (13, 90)), 7, rtol=1e-6)
    rows, columns = np.mgrid[:200, :300] + 0.5
    blob = np.exp(-((rows - 60) ** 2 + (columns - 210) ** 2) / 200)
    small = resample(blob, (80, 100))
    r, c = (np.arange(n) + 0.5 for n in small.shape)
    assert (small.sum(axis=1) @ r) / small.sum() * 2.5 == pytest.approx(60, abs=0.05)
    assert (small.sum(axis=0) @ c) / small.sum() * 3.0 == pytest.approx(210, abs=0.05)


def test_what_the_new_pixels_cannot_hold_is_not_folded_back() -> None:
    x = np.arange(600)
    fine = np.cos(2 * np.pi * x / 3.1) * np.ones((40, 1))
    assert np.abs(resample(fine, (40, 150))[:, 5:-5]).max() < 0.05
