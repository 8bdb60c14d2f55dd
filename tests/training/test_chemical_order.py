# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders and views of known particles, and a network that tells them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from known_specimens import circle, columns, specimen
from pydantic import ValidationError

from hrtemnn_training.baselines.spacing_maps import spacing_measures
from hrtemnn_training.evaluation.certainty import smallest_certainty
from hrtemnn_training.evaluation.report import report
from hrtemnn_training.export.onnx_file import export
from hrtemnn_training.generation import make_structures, make_waves
from hrtemnn_training.images.particle_views import view_of_sample
from hrtemnn_training.images.sample import Sample, take_sample
from hrtemnn_training.parameters import ImageParameters
from hrtemnn_training.recipe import Recipe, read_recipe
from hrtemnn_training.store import Specimen
from hrtemnn_training.train.loop import train
from hyperspy_hrtemnn.networks import load

RECIPES = Path(__file__).parents[2] / "training" / "recipes"
ORDERS = ("core-shell", "Janus", "disordered")
ORDER = {"label": "Chemical order", "num_classes": 3, "image_size": (48, 48)}


def test_the_label_is_the_order_of_the_particle() -> None:
    parameters = ImageParameters(**ORDER)
    sample = Sample(specimen(order="Janus"), None, parameters, 1.5)
    assert parameters.kind.draw(sample, None).tolist() == [0, 1, 0]
    metrics = parameters.kind.metrics(np.array([0.1, 0.3, 0.6]), sample)
    assert metrics["accuracy"] == 0
    assert metrics["largest_probability"] == pytest.approx(0.6)
    assert metrics["Janus as disordered"] == 1
    with pytest.raises(ValueError, match="needs the order of one particle"):
        parameters.kind.draw(Sample(specimen(tilt=1.0), None, parameters, 1.5), None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_size": (48, 50)}, "single square images"),
        ({"multifocus": (3, 50, 0)}, "single square images"),
        ({"num_classes": 2}, "needs 3"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message) -> None:
    with pytest.raises(ValidationError, match=message):
        ImageParameters(**ORDER | changes)


def test_the_recipe_is_of_all_orders_and_sees_whole_particles() -> None:
    recipe = read_recipe(RECIPES / "agco-order.json")
    assert recipe.classes == ORDERS
    assert recipe.images.image_size == (144, 144)
    other = recipe.model_dump() | {"sampling": 0.4}
    with pytest.raises(ValidationError, match=r"180 pixels of 0\.4 Å, not 144"):
        Recipe.model_validate(other)


def test_views_are_cut_out_exactly_but_in_training() -> None:
    known = Specimen(
        wave=np.ones((180, 190), np.complex64),
        extent=(90.0, 95.0),
        energy=200.0,
        outlines=(circle(47.5, 45.0, 20.0),),
        kinds=("Janus",),
        sites=columns(),
        values={"order": "Janus"},
    )
    parameters = ImageParameters(**ORDER, sampling=(0.5, 0.5), log_dose=(4, 4))
    rng = np.random.default_rng(0)
    sample = take_sample(known, parameters, sampling=1.5, rng=rng)
    view = view_of_sample(sample)
    np.testing.assert_array_equal(view, view_of_sample(sample))
    sizes = [
        np.count_nonzero(view_of_sample(sample, np.random.default_rng(seed)))
        for seed in range(12)
    ]
    outlined = [size for size in sizes if size < 48 * 48]
    assert 0 < len(outlined) < len(sizes)
    assert min(outlined) < np.count_nonzero(view) < max(outlined)


def test_measures_tell_the_sides_and_the_middle_of_a_particle() -> None:
    y, x = (np.mgrid[:144, :144] - 71.5) * 0.5
    radius = np.hypot(x, y)
    shown = radius < 31  # 25 Å and 6 Å of surroundings

    def measured(spacing, darker):
        planes = np.cos(2 * np.pi * x / spacing)
        return spacing_measures(np.where(shown, planes - 0.5 * darker, 0), 0.5)

    everywhere = np.full_like(x, 2.2)
    even = measured(everywhere, 0 * x)
    janus = measured(np.where(y < 0, 2.36, 2.0), y < 0)
    core = measured(np.where(radius < 17, 2.0, 2.36), radius > 17)
    # Of the brightness and of the frequency: the middle less the rim, and the sides.
    assert janus[[1, 3]].min() > 5 * np.abs(even[[1, 3]]).max()
    assert core[0] > 5 * abs(even[0])
    assert core[2] > 5 * abs(even[2])
    assert core[[1, 3]].max() < 0.2 * janus[[1, 3]].min()
    assert even[6] == pytest.approx(1 / 2.2, rel=0.03)


def test_certainty_is_where_95_percent_are_right() -> None:
    probabilities = np.linspace(1, 0.34, 100)
    right = np.ones(100, bool)
    right[60:] = False
    # 60 of 63 are right.
    assert smallest_certainty(probabilities, right) == pytest.approx(
        probabilities[62], abs=1e-3
    )
    assert smallest_certainty(probabilities, ~right) == 1
    assert smallest_certainty(probabilities[:10], right[:10]) == 1


def test_a_network_is_made_and_scored(tmp_path, recipe_values) -> None:
    values = recipe_values | {
        "classes": ORDERS,
        "structures": {
            "generator": "alloy particle",
            "field": 88,
            "layers": [5, 6],
            "thickness": [8, 10],
        },
        "waves": {"sampling": 0.5, "slice_thickness": 4},
        "images": ORDER | {"log_dose": [4, 5], "sampling": [0.5, 0.6]},
        "sampling": 1.5,
        "network": {"architecture": "encoder", "width": 2, "levels": 2, "hidden": 4},
    }
    values["training"]["stages"] = [{"epochs": 1, "learning_rate": [0.01, 0.01]}]
    recipe = Recipe.model_validate(values)
    make_structures(recipe, tmp_path, processes=1, progress=False)
    make_waves(recipe, tmp_path, processes=1, progress=False)
    history = train(recipe, tmp_path, progress=False)
    assert np.isfinite(history["validation_loss"]).all()
    card = load(export(recipe, tmp_path)).card
    assert (card.task, card.per_image) == ("chemical order", True)
    assert card.standardization_width is None
    assert card.gives_probabilities
    assert card.takes == "images of one particle each"
    summary = report(recipe, tmp_path, against=("diameter",), progress=False)
    assert list(summary) == ["tiny", "spacing maps"]
    for part in summary.values():
        assert 0 <= part["scores"]["accuracy"]["mean"] <= 1
    # Two validation images do not show from where on 95 % are right.
    assert load(tmp_path / "tiny.onnx").card.certainty == 1
