# SPDX-License-Identifier: GPL-3.0-or-later
"""The residual of an image and its answer is white, or tells what was taken out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from hyperspy_hrtemnn.analysis import residual_whiteness

SHAPE = (150, 181)


def fringes(contrast):
    y, x = np.ogrid[: SHAPE[0], : SHAPE[1]]
    return 100 + 100 * contrast * np.sin(0.71 * x + 0.43 * y)


@pytest.mark.parametrize("blur", [0.0, 1.2])
def test_noise_is_white_whatever_the_camera(blur):
    rng = np.random.default_rng(1)
    clean = fringes(0.2)
    failed = 0
    for _ in range(20):
        noise = gaussian_filter(rng.normal(size=SHAPE), blur)
        found = residual_whiteness(clean + noise, clean)
        failed += not found.is_white
        assert abs(found.correlation) < 0.06
    assert failed <= 1


def test_a_lattice_in_the_residual_is_found():
    """An answer that lacks a tenth of the fringes, under stronger noise."""
    rng = np.random.default_rng(2)
    image = fringes(0.2) + rng.normal(0, 10, SHAPE)
    found = residual_whiteness(image, fringes(0.18))
    assert not found.is_white
    assert found.largest > 2 * found.expected
    assert found.correlation > 0.05
