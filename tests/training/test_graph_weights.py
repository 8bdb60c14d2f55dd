# SPDX-License-Identifier: GPL-3.0-or-later
"""An exported network in Keras again, with the same answers."""

from __future__ import annotations

import keras
import numpy as np
import onnx
import pytest
import tiny_networks
from random_networks import randomized

from hrtemnn_training.evaluation.guard.model import fit
from hrtemnn_training.export.cards import write_card
from hrtemnn_training.export.graph_weights import keras_network
from hrtemnn_training.export.guard_graph import encoder_levels, with_guard
from hrtemnn_training.export.half_weights import halve_weights
from hrtemnn_training.export.nodes import ExportError
from hrtemnn_training.export.object_weight import remove_weight
from hrtemnn_training.export.onnx_file import graph_of
from hrtemnn_training.recipe import Recipe, read_recipe
from hyperspy_hrtemnn.networks import Novelty, load


@pytest.fixture(autouse=True)
def _single_precision():
    keras.mixed_precision.set_global_policy("float32")


def recipe_with(values: dict, network: dict, images: dict | None = None) -> Recipe:
    values = values | {"network": network}
    images = images or {}
    values["images"] = values["images"] | images
    if "num_classes" in images:
        values["classes"] = ["column", "background"]
    return Recipe.model_validate(values)


def exported(recipe: Recipe, path, *, weight: float = 1.0):
    """Write random weights as the export does; return the network and the model."""
    model = randomized(
        recipe.network,
        channels=recipe.images.channels,
        classes=recipe.images.num_classes,
        activation=recipe.label.activation,
    )
    proto = graph_of(model)
    remove_weight(proto, weight, recipe.label.objects)
    halve_weights(proto)
    fields = {"classes": recipe.classes, "channels": recipe.images.channels}
    card = tiny_networks.card(**fields, stride=recipe.network.stride)
    write_card(proto, card)
    onnx.save(proto, path)
    return load(path), model


@pytest.mark.parametrize(
    ("network", "images", "weight"),
    [
        ({"width": 6, "levels": 3}, {}, 9.0),
        ({"width": 6, "levels": 2, "fold": 2}, {}, 9.0),
        ({"width": 6, "levels": 2, "form": "published"}, {}, 1.0),
        ({"architecture": "unet++", "width": 5, "levels": 2}, {}, 1.0),
        ({"architecture": "msd-net", "layers": 7, "largest_dilation": 3}, {}, 9.0),
        (
            {"width": 6, "levels": 2},
            {
                "label": "Disk",
                "num_classes": 2,
                "spotsize": 1.0,
                "multifocus": [3, 50, 1],
            },
            1.0,
        ),
    ],
)
def test_keras_answers_as_the_file(
    network, images, weight, recipe_values, tmp_path
) -> None:
    recipe = recipe_with(recipe_values, network, images)
    file, trained = exported(recipe, tmp_path / "n.onnx", weight=weight)
    model = keras_network(file, recipe)
    channels = recipe.images.channels
    image = np.random.default_rng(1).normal(size=(2, 24, 40, channels))
    image = image.astype(np.float32)
    expected = file.predict(image.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
    for training in (False, True):
        given = np.asarray(model(image, training=training))
        np.testing.assert_allclose(given, expected, atol=1e-4)
    if weight != 1:
        assert np.abs(np.asarray(trained(image)) - expected).max() > 0.05


def test_a_shipped_network_comes_back() -> None:
    from hrtemnn_training.finetuning.own_recipe import shipped_recipe

    recipe = read_recipe(shipped_recipe("graphene-atoms"))
    model = keras_network(load("graphene-atoms", "cpu"), recipe)
    assert model.count_params() > 100_000


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ({"width": 6, "levels": 2}, "nodes, that of the recipe"),
        ({"width": 7, "levels": 3}, r"has weights of the shape \(6,"),
        ({"architecture": "msd-net", "layers": 4}, "nodes, that of the recipe"),
    ],
)
def test_a_graph_of_another_recipe_is_refused(
    network, message, recipe_values, tmp_path
) -> None:
    file, _ = exported(
        recipe_with(recipe_values, {"width": 6, "levels": 3}), tmp_path / "n.onnx"
    )
    with pytest.raises(ExportError, match=message):
        keras_network(file, recipe_with(recipe_values, network))


def test_a_graph_of_the_same_shapes_that_answers_otherwise_is_refused(
    recipe_values, tmp_path
) -> None:
    recipe = recipe_with(recipe_values, {"width": 6, "levels": 2})
    exported(recipe, tmp_path / "n.onnx")
    proto = onnx.load(tmp_path / "n.onnx")
    # Nearest pixels in place of those between: the weights fit all the same.
    for node in proto.graph.node:
        for attribute in node.attribute:
            if attribute.name == "mode" and attribute.s == b"linear":
                attribute.s = b"nearest"
    onnx.save(proto, tmp_path / "other.onnx")
    with pytest.raises(ExportError, match="differs from the file by"):
        keras_network(load(tmp_path / "other.onnx"), recipe)


@pytest.mark.parametrize("fold", [1, 2])
def test_a_guard_is_left_out(recipe_values, tmp_path, rng, fold):
    recipe = recipe_with(recipe_values, {"width": 6, "levels": 2, "fold": fold})
    network, _ = exported(recipe, tmp_path / "bare.onnx")
    proto = onnx.load(network.path)
    levels = encoder_levels(proto)
    assert [level.scale for level in levels] == [fold, 2 * fold]
    size = 2 * sum(level.channels for level in levels) + 34
    model = fit(rng.normal(size=(2 * size, size)), np.arange(2 * size))
    guarded = with_guard(proto, 4, model)
    novelty = Novelty(cell=16, cells=4, margin=3, images=1, false_alarms=0)
    changes = {"novelty": novelty, "smallest_side": 16}
    write_card(guarded, network.card.model_copy(update=changes))
    onnx.save(guarded, tmp_path / "guarded.onnx")
    again = keras_network(load(tmp_path / "guarded.onnx"), recipe)
    before = keras_network(network, recipe)
    for given, known in zip(again.get_weights(), before.get_weights(), strict=True):
        np.testing.assert_array_equal(given, known)
