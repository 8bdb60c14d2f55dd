# SPDX-License-Identifier: GPL-3.0-or-later
"""Noise of images of an unknown contrast, which is measured where nothing else is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sheets
from scipy.ndimage import gaussian_filter

from hyperspy_hrtemnn.analysis.refinement.noise_level import with_noise_of_dose

DOSE = 1e5
EVERYWHERE = np.ones(
    tuple(round(length / sheets.PIXEL) for length in sheets.FIELD), bool
)


@pytest.fixture(scope="module")
def images():
    flake = sheets.mos2(radius=10)
    return sheets.images(sheets.exit_wave(flake), DOSE).astype(float)


def stretched(images, valid=EVERYWHERE):
    """Return by what each image is stretched."""
    found = with_noise_of_dose(images, valid, sheets.detector(DOSE))
    assert found.mean((1, 2)) == pytest.approx(images.mean((1, 2)), rel=1e-3)
    return found.std((1, 2)) / images.std((1, 2))


def test_counts_stay_as_they_are(images):
    found = with_noise_of_dose(images, EVERYWHERE, sheets.detector(DOSE))
    np.testing.assert_array_equal(found, images)


@pytest.mark.parametrize("factor", [0.02, 50.0])
def test_images_of_any_zero_get_the_noise_of_their_dose(images, factor):
    mean = images.mean((1, 2), keepdims=True)
    assert stretched(mean + factor * (images - mean)) == pytest.approx(
        1 / factor, rel=0.04
    )


def test_roots_of_counts_get_the_noise_of_counts(images):
    roots = np.sqrt(images)
    roots *= images.mean() / roots.mean()
    assert stretched(roots) == pytest.approx(2, rel=0.05)


def test_a_part_without_data_does_not_ring(images):
    valid = EVERYWHERE.copy()
    valid[90:, 70:] = False
    holed = np.where(valid, 3 * images, 3 * images.max())
    found = with_noise_of_dose(holed, valid, sheets.detector(DOSE))
    # Three times the mean has three times the variance, not nine.
    change = found[:, valid].std(1) / holed[:, valid].std(1)
    assert change == pytest.approx(3**-0.5, rel=0.05)


def test_images_that_tell_no_noise_stay_as_they_are(images):
    smooth = np.array([gaussian_filter(each, 4) for each in images])
    assert stretched(smooth) == pytest.approx(1)
    coarse = replace(sheets.detector(DOSE), sampling=0.3)
    found = with_noise_of_dose(3 * images, EVERYWHERE, coarse)
    np.testing.assert_array_equal(found, 3 * images)
