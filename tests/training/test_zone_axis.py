# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectra and labels of particles at a known tilt, and a network that tells them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from known_specimens import specimen

from hrtemnn_training.evaluation.report import report
from hrtemnn_training.export.onnx_file import export
from hrtemnn_training.generation import make_structures, make_waves
from hrtemnn_training.images.sample import Sample, take_sample
from hrtemnn_training.metrics.roc import roc_auc
from hrtemnn_training.parameters import ImageParameters
from hrtemnn_training.recipe import Recipe
from hrtemnn_training.train.loop import train
from hyperspy_hrtemnn.networks import load

ZONE_AXIS = {"label": "Zone axis", "image_size": (33, 33)}


def label_of(parameters: ImageParameters, **values) -> np.ndarray:
    sample = Sample(specimen(**values), None, parameters, 0.5)
    return parameters.kind.draw(sample, None)


@pytest.mark.parametrize(("tilt", "label"), [(0, 1), (3, 1), (3.01, 0)])
def test_a_particle_is_on_axis_up_to_a_tilt(tilt, label) -> None:
    parameters = ImageParameters(**ZONE_AXIS)
    assert label_of(parameters, tilt=tilt).tolist() == [label]
    wider = ImageParameters(**ZONE_AXIS, max_tilt=5)
    assert label_of(wider, tilt=tilt).tolist() == [1]


def test_specimens_without_a_tilt_are_refused() -> None:
    with pytest.raises(ValueError, match="needs the tilt of a particle"):
        label_of(ImageParameters(**ZONE_AXIS), thickness=3)


def test_a_pair_is_a_spectrum_and_repeats() -> None:
    parameters = ImageParameters(**ZONE_AXIS, log_dose=(3, 4))
    known = specimen((26.0, 20.0, 8.0), tilt=1.0)

    def pair(seed):
        rng = np.random.default_rng(seed)
        return parameters.kind.pair(known, sampling=0.5, rng=rng)

    (image, label), (again, _), (other, _) = pair(1), pair(1), pair(2)
    assert (image.shape, image.dtype, label.tolist()) == ((33, 33, 1), np.float32, [1])
    np.testing.assert_array_equal(image, again)
    assert np.abs(image - other).max() > 0.1
    np.testing.assert_allclose(image, image[::-1, ::-1], atol=0.02)


def test_without_reflections_no_particle_is_on_axis_for_the_brightness_ratio() -> None:
    parameters = ImageParameters(**ZONE_AXIS, log_dose=(2, 2))
    samples = [
        take_sample(
            specimen((26.0, 20.0, 8.0), tilt=tilt),
            parameters,
            sampling=0.5,
            rng=np.random.default_rng(1),
        )
        for tilt in (1.0, 7.0)
    ]
    tuned = parameters.kind.baselines(samples, [], np.random.default_rng(0))
    assert tuned["brightness ratio"](samples[0]).tolist() == [0]


def test_the_area_under_the_curve_counts_pairs_in_order() -> None:
    rows = pd.DataFrame(
        {
            "on_axis": [1, 1, 0, 0, 0, 1],
            "probability": [0.9, 0.4, 0.4, 0.1, 0.6, 0.7],
            "shape": ["twin"] * 3 + ["single crystal"] * 3,
            "support": "none",
            "zone_axis": ["[110]", "[111]"] * 3,
        }
    )
    areas = roc_auc(rows)
    # 0.9 and 0.7 are above all three; 0.4 is above one and equal to one.
    assert areas["all"] == pytest.approx(7.5 / 9, abs=1e-4)
    assert areas["shape"] == {"single crystal": 1.0, "twin": 0.75}
    only_tilted = roc_auc(rows[rows["on_axis"] == 0])
    assert only_tilted["support"] == {"none": None}


def test_a_network_is_made_and_scored(tmp_path, recipe_values) -> None:
    values = recipe_values | {
        "classes": ["on a zone axis"],
        "structures": {
            "generator": "tilted particle",
            "field": 46,
            "layers": [4, 5],
            "supports": {"none": 1},
        },
        "images": ZONE_AXIS | {"log_dose": [3, 5]},
        "sampling": 0.5,
        "network": {"architecture": "encoder", "width": 2, "levels": 2, "hidden": 4},
    }
    values["training"]["stages"] = [{"epochs": 1, "learning_rate": [0.01, 0.01]}]
    recipe = Recipe.model_validate(values)
    make_structures(recipe, tmp_path, processes=1, progress=False)
    make_waves(recipe, tmp_path, processes=1, progress=False)
    history = train(recipe, tmp_path, progress=False)
    assert np.isfinite(history["validation_loss"]).all()
    card = load(export(recipe, tmp_path)).card
    assert (card.task, card.spectrum_side, card.per_image) == ("zone axis", 33, True)
    assert card.standardization_width is None
    summary = report(recipe, tmp_path, against=("tilt",), progress=False)
    assert list(summary) == ["tiny", "brightness ratio"]
    for part in summary.values():
        assert part["images"] == 6
        assert 0 <= part["scores"]["accuracy"]["mean"] <= 1
        assert set(part["roc_auc"]) == {"all", "shape", "support", "zone_axis"}
    scores = load(tmp_path / "tiny.onnx").card.scores
    assert list(scores["roc_auc"]) == ["tiny", "brightness ratio"]
    assert scores["baselines"]["brightness ratio"].keys() == {"accuracy"}
