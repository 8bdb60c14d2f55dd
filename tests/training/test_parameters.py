# SPDX-License-Identifier: GPL-3.0-or-later
"""The parameters file of the thesis is taken; what cannot be is refused."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from pydantic import ValidationError

from hrtemnn_training.images.conditions import draw_conditions
from hrtemnn_training.parameters import ImageParameters
from hyperspy_hrtemnn.analysis import Optics, transfer_function

LISTING_A1 = """{
    "label": "Disk",
    "image_epochs": 10,
    "image_size": [512, 512],
    "noise": "poisson",
    "num_classes": 4,
    "null_class": true,
    "spotsize": 0.4,
    "sampling": [0.09, 0.11],
    "multifocus": [3, 50.0, 1.0],
    "log_dose": [2, 6],
    "blur": [0.1, 0.8],
    "focal_spread": [5, 20],
    "defocus": [-200, 200],
    "ctf_c30": [0, 124500.0],
    "ctf_c12": [0, 0],
    "ctf_c21": [0, 0],
    "ctf_c23": [0, 0],
    "ctf_c32": [0, 0],
    "ctf_c34": [0, 0],
    "ctf_c45": [0, 0],
    "mtf": "parametric",
    "mtf_c1": [0.2, 0.6],
    "mtf_c2": [0.0, 0.0],
    "mtf_c3": [2.0, 5.0],
    "readout": [0.005, 0.015],
    "normalizedistance": 12.0,
    "debug": 100,
    "seed": 100
}"""
"""Appendix A.1, with one of each key that it gives several values for."""


def test_the_listing_of_the_thesis_is_taken_as_it_is_but_for_the_blur() -> None:
    listing = json.loads(LISTING_A1)
    listing["blur_is"] = "equation 1.22"
    parameters = ImageParameters.model_validate_json(json.dumps(listing))
    taken = json.loads(parameters.model_dump_json(exclude_unset=True))
    assert taken.pop("blur_is") == "standard deviation"
    assert taken.pop("blur") == pytest.approx([0.1 / 6.2832, 0.8 / 6.2832], abs=5e-5)
    assert taken == {k: v for k, v in listing.items() if "blur" not in k}
    assert (parameters.channels, parameters.kind.objects) == (3, 3)
    drawn = draw_conditions(parameters, 300, np.random.default_rng(0))
    series, detector = drawn.optics, drawn.detector
    assert len(series) == 3
    assert 0.09 <= detector.sampling <= 0.11
    assert series[0].aberrations == ()


def test_the_documents_blur_damps_as_their_equation_says() -> None:
    listing = json.loads(LISTING_A1) | {"blur_is": "equation 1.22", "blur": [2, 2]}
    parameters = ImageParameters.model_validate(listing)
    optics = draw_conditions(parameters, 300, np.random.default_rng(0)).optics[0]
    optics = Optics(300, blur=optics.blur)
    damping = np.abs(transfer_function((1, 40), (4.0, 20.0), optics))[0, :20]
    q = np.arange(20) / 20
    np.testing.assert_allclose(damping, np.exp(-(2**2) * q**2 / 2), atol=1e-3)
    # What is given as a width in the image stays what it is, also when read again.
    own = ImageParameters(blur=(0.2, 0.5))
    assert own.blur == (0.2, 0.5)
    assert ImageParameters.model_validate(own.model_dump()) == own
    assert ImageParameters.model_validate(parameters.model_dump()) == parameters


def test_the_default_of_the_blur_is_that_of_the_documents() -> None:
    default = ImageParameters().blur
    assert default == pytest.approx([0.1 / math.tau, 0.8 / math.tau], abs=5e-5)


@pytest.mark.parametrize(
    "choice",
    [
        {"label": "Mask", "num_classes": 1, "sampling": [0.17, 0.18]},
        {"label": "Exitwave", "num_classes": 2, "sampling": [0.07, 0.08]},
        {"label": "Gaussian", "multifocus": None},
        {"label": "Blob", "noise": None, "mtf": None, "debug": True},
        {"debug": None},
    ],
)
def test_the_other_values_of_the_listing_are_taken_too(choice: dict) -> None:
    text = json.dumps(json.loads(LISTING_A1) | choice)
    parameters = ImageParameters.model_validate_json(text)
    expected = "Gaussian" if choice.get("label") == "Blob" else choice.get("label")
    assert parameters.label == (expected or "Disk")
    if "debug" in choice:
        assert parameters.debug is choice["debug"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"spot": 1}, "spot\n"),
        ({"defocus": (5, -5)}, r"defocus\n.*reversed"),
        ({"defocus": (math.nan, 5)}, r"defocus\n.*not of finite"),
        ({"log_dose": (3, math.inf)}, r"log_dose\n.*not of finite"),
        ({"blur": "much"}, "blur\n"),
        ({"blur": "much", "blur_is": "equation 1.22"}, "blur\n"),
        ({"blur": (3, 2), "blur_is": "equation 1.22"}, r"blur\n.*reversed"),
        ({"blur_is": "wide"}, "blur_is\n"),
        ({"ctf_c12": (-10, 10)}, r"ctf_c12\n.*begins below 0"),
        ({"readout": (-1, 1)}, "readout\n"),
        ({"sampling": (0, 0.1)}, r"sampling\n.*above 0"),
        ({"mtf_c1": (0, 0)}, r"mtf_c1\n.*above 0"),
        ({"image_size": (0, 64)}, r"image_size\.0\n"),
        ({"debug": -1}, "debug"),
        ({"label": "Masks"}, "label\n"),
        ({"multifocus": (1, 50, 1)}, "multifocus: .*two images"),
        ({"multifocus": (3, 0, 1)}, "multifocus: .*apart in defocus"),
        ({"multifocus": (3, 50, -1)}, "multifocus: .*negative"),
        ({"label": "Exitwave"}, "num_classes: .*Exitwave needs 2 .*not 1"),
        ({"label": "Column height", "num_classes": 2}, "num_classes: .*needs 1"),
        ({"label": "Mask", "num_classes": 4}, "num_classes: .*needs 2"),
        (
            {"label": "Mask", "categories": ("metal", "oxide"), "num_classes": 2},
            "num_classes: .*needs 3",
        ),
        (
            {"label": "Clean image", "multifocus": (3, 50, 1)},
            "num_classes: .*needs 3 .one for each image",
        ),
        ({"label": "Value"}, "value: "),
        ({"value": "layers"}, "value: "),
        ({"label": "Disk", "categories": ("a",)}, "categories: "),
        ({"label": "Class", "value": "phase", "num_classes": 1}, "num_classes: "),
        ({"label": "Zone axis", "image_size": (64, 64)}, "image_size: .*odd"),
        ({"label": "Zone axis", "image_size": (65, 63)}, "image_size: .*square"),
        (
            {"label": "Zone axis", "image_size": (65, 65), "multifocus": (3, 50, 1)},
            "multifocus: .*single images",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_its_key(changes: dict, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ImageParameters(**changes)


@pytest.mark.parametrize(
    ("changes", "activation", "loss"),
    [
        ({}, "sigmoid", "binary_crossentropy"),
        ({"label": "Disk", "num_classes": 4}, "softmax", "categorical_crossentropy"),
        (
            {"label": "Disk", "num_classes": 3, "null_class": False},
            "sigmoid",
            "binary_crossentropy",
        ),
        ({"label": "Exitwave", "num_classes": 2}, "linear", "mean_squared_error"),
        (
            {"label": "Zone axis", "image_size": (65, 65)},
            "sigmoid",
            "binary_crossentropy",
        ),
        ({"label": "Clean image"}, "linear", "mean_squared_error"),
        (
            {
                "label": "Class",
                "value": "phase",
                "num_classes": 2,
                "categories": ("fcc", "hcp"),
            },
            "softmax",
            "categorical_crossentropy",
        ),
    ],
)
def test_the_label_decides_the_output_and_the_loss(changes, activation, loss) -> None:
    kind = ImageParameters(**changes).kind
    assert (kind.activation, kind.loss) == (activation, loss)
