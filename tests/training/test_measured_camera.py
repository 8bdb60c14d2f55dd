# SPDX-License-Identifier: GPL-3.0-or-later
"""A camera that was measured is a camera that training simulates."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from hrtemnn_training.images.conditions import draw_conditions
from hrtemnn_training.parameters import ImageParameters
from hyperspy_hrtemnn.analysis import ReadoutFit, detector_parameters


def test_measured_cameras_are_drawn():
    table = pd.DataFrame(
        {"c0": [0.9, 0.24, 0.26], "c3": [9, 2.3, 2.7], "R2": [0.5, 0.99, 0.98]}
    )
    measured = detector_parameters(table, ReadoutFit(0.02, 0.001, 0.99, 1.0))
    parameters = ImageParameters.model_validate(measured)
    rng = np.random.default_rng(1)
    detectors = [draw_conditions(parameters, 300, rng).detector for _ in range(200)]
    for name, low, high in (
        ("mtf_c0", 0.24, 0.26),
        ("mtf_c3", 2.3, 2.7),
        ("readout", 0.01, 0.03),
    ):
        values = [getattr(detector, name) for detector in detectors]
        assert low <= min(values) < low + 0.1 * (high - low)
        assert high >= max(values) > high - 0.1 * (high - low)
    assert all(detector.mtf_floor == 0 and detector.has_mtf for detector in detectors)


@pytest.mark.parametrize(
    ("readout", "said"),
    [
        (ReadoutFit(0.05, 0.01, -0.3, 8.0), r"R2 = -0\.30, 8 standard errors.*offset"),
        (ReadoutFit(0.01, 0.02, 0.9, 1.0), "hardly measured"),
    ],
)
def test_a_doubtful_readout_noise_is_told(readout, said):
    table = pd.DataFrame({"c0": [0.24], "c3": [2.3], "R2": [0.99]})
    with pytest.warns(UserWarning, match=said):
        low, high = detector_parameters(table, readout)["readout"]
    assert low == max(readout.N0 - max(readout.N0_error, 0.5 * readout.N0), 0)
    assert high >= readout.N0 + readout.N0_error


def test_frames_of_one_dose_are_not_doubtful():
    table = pd.DataFrame({"c0": [0.24], "c3": [2.3], "R2": [0.99]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        detector_parameters(table, ReadoutFit(0.01, 0.001, -0.1, 1.1))
