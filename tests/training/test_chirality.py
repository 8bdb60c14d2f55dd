# SPDX-License-Identifier: GPL-3.0-or-later
"""Layer lines and pairs of indices of known tubes, and a network that tells them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from known_specimens import specimen
from pydantic import ValidationError

from hrtemnn_training.evaluation.report import report
from hrtemnn_training.export.onnx_file import export
from hrtemnn_training.generation import make_structures, make_waves
from hrtemnn_training.images.sample import Sample
from hrtemnn_training.parameters import ImageParameters
from hrtemnn_training.recipe import Recipe, read_recipe
from hrtemnn_training.train.loop import train
from hyperspy_hrtemnn.analysis import tube_indices
from hyperspy_hrtemnn.networks import layer_lines, load

RECIPES = Path(__file__).parents[2] / "training" / "recipes"
PAIRS = ("9-0", "8-4", "6-6")
CHIRALITY = {"label": "Chirality", "categories": PAIRS, "num_classes": 3}


def test_the_label_is_the_pair_of_the_tube() -> None:
    parameters = ImageParameters(**CHIRALITY, image_size=(33, 33))
    sample = Sample(specimen(n=8.0, m=4.0), None, parameters, 1.0)
    assert parameters.kind.draw(sample, None).tolist() == [0, 1, 0]
    metrics = parameters.kind.metrics(np.array([0.1, 0.3, 0.6]), sample)
    assert (metrics["accuracy"], metrics["in_top_3"]) == (0, 1)
    assert metrics["diameter_error"] == pytest.approx(0.15, abs=0.01)
    assert metrics["angle_error"] == pytest.approx(30 - 19.11, abs=0.01)
    other = Sample(specimen(n=9.0, m=3.0), None, parameters, 1.0)
    with pytest.raises(ValueError, match=r"the tube \(9, 3\) is missing"):
        parameters.kind.draw(other, None)
    with pytest.raises(ValueError, match="needs the indices of one tube"):
        parameters.kind.draw(Sample(specimen(tilt=1.0), None, parameters, 1.0), None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"categories": ("9-0", "4-8", "6-6")}, "'4-8' is not a pair"),
        ({"categories": ("9-0", "9-0", "6-6")}, "a pair is there twice"),
        ({"image_size": (33, 35)}, "of square spectra"),
        ({"multifocus": (3, 50, 0)}, "single images"),
        ({"num_classes": 4}, "needs 3"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message) -> None:
    with pytest.raises(ValidationError, match=message):
        ImageParameters(**CHIRALITY | {"image_size": (33, 33)} | changes)


def test_layer_lines_are_the_same_for_mirrored_tubes() -> None:
    y, x = np.mgrid[:96, :200] * 0.5
    fringes = np.cos(2 * np.pi * (0.3 * x + 0.2 * y))
    noise = 0.3 * np.random.default_rng(0).standard_normal(x.shape)

    def seen(image):
        amplitude = np.abs(np.fft.fftshift(np.fft.fft2(image)))
        return layer_lines(amplitude, (10 / 48, 10 / 100), 1.0, 33)

    lines = seen(fringes + noise)
    assert lines.shape == (33, 33)
    across, along = np.unravel_index(np.argmax(lines), lines.shape)
    assert (across / 64, along / 64) == pytest.approx((0.2, 0.3), abs=0.01)
    np.testing.assert_allclose(seen((fringes + noise)[:, ::-1]), lines, atol=0.3)


def test_the_recipe_has_all_pairs_of_0_6_to_2_nm() -> None:
    recipe = read_recipe(RECIPES / "nanotube-chirality.json")
    pairs = tuple(f"{n}-{m}" for n, m in tube_indices(6, 20))
    assert recipe.classes == recipe.images.categories == pairs
    for seed in range(12):
        values = recipe.structures.parts[0].structures.make(seed).values
        assert f"{values['n']:.0f}-{values['m']:.0f}" in pairs
        assert values["walls"] == 1


def test_a_network_is_made_and_scored(tmp_path, recipe_values) -> None:
    values = recipe_values | {
        "classes": PAIRS,
        "structures": {
            "generator": "nanotube",
            "field": 106,
            "n": [6, 9],
            "diameters": [7.0, 8.4],
            "m": [0, 6],
            "kinds": {"zigzag": 1, "armchair": 1},
            "double_walled": 0,
            "direction": [-1, 1],
            "offset": [0, 0],
        },
        "waves": {"sampling": 0.5, "slice_thickness": 4},
        "images": CHIRALITY
        | {"image_size": [16, 16], "log_dose": [4, 5], "sampling": [0.3, 0.5]},
        "sampling": 1.0,
        "network": {
            "architecture": "encoder",
            "width": 2,
            "levels": 2,
            "hidden": 4,
            "places": 8,
        },
    }
    values["training"]["stages"] = [{"epochs": 1, "learning_rate": [0.01, 0.01]}]
    recipe = Recipe.model_validate(values)
    make_structures(recipe, tmp_path, processes=1, progress=False)
    make_waves(recipe, tmp_path, processes=1, progress=False)
    history = train(recipe, tmp_path, progress=False)
    assert np.isfinite(history["validation_loss"]).all()
    card = load(export(recipe, tmp_path)).card
    assert (card.task, card.spectrum_side, card.per_image) == ("chirality", 16, True)
    assert card.gives_probabilities
    assert card.takes == "Fourier transforms of straightened nanotubes"
    summary = report(recipe, tmp_path, against=("dose",), progress=False)
    assert list(summary) == ["tiny", "equatorial lines"]
    for part in summary.values():
        assert 0 <= part["scores"]["accuracy"]["mean"] <= 1
        assert part["scores"]["in_top_3"]["mean"] == 1
