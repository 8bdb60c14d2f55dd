# SPDX-License-Identifier: GPL-3.0-or-later
"""Places that the columns do not explain, in residuals made by hand."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pandas as pd
import pytest

from hyperspy_hrtemnn.analysis.refinement.atoms.unexplained_places import warn_of_places

SAMPLING = 0.2
SHAPE = (3, 150, 190)


def columns():
    x, y = (each.ravel() for each in np.meshgrid(np.arange(6, 32, 2), np.arange(5, 25)))
    return pd.DataFrame({"x": x, "y": y}, dtype=float)


def noise(seed, error=0.0):
    """Return noise of 1, and more of it around all columns alike."""
    images = np.random.default_rng(seed).normal(size=SHAPE)
    y, x = np.indices(SHAPE[1:]) * SAMPLING
    around = (x > 4) & (x < 34) & (y > 3) & (y < 27)
    return images * (1 + error * around)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("error", [0.0, 0.5])
def test_noise_and_an_error_that_all_columns_share_are_no_places(seed, error):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_places(noise(seed, error), columns(), SAMPLING)


def test_places_are_named_by_x_and_y_the_strongest_first():
    images = noise(5)
    y, x = np.indices(SHAPE[1:]) * SAMPLING
    for n, (at_x, at_y) in enumerate(((11.0, 20.0), (26.0, 9.0))):
        images += (3 + 2 * n) * np.exp(-((x - at_x) ** 2 + (y - at_y) ** 2) / 1.0)
    with pytest.warns(UserWarning, match="do not explain 2 places among") as caught:
        warn_of_places(images, columns(), SAMPLING)
    found = re.findall(r"[xy] ([\d.]+) Å", str(caught[0].message))
    assert np.allclose(np.array(found, float), (26, 9, 11, 20), atol=0.5)


def test_what_is_far_from_all_columns_is_not_told():
    images = noise(6)
    images[:, 140:, 5:15] += 5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_places(images, columns(), SAMPLING)
