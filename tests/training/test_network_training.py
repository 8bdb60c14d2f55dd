# SPDX-License-Identifier: GPL-3.0-or-later
"""The U-net, its training and its export."""

from __future__ import annotations

import json

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from random_networks import randomized

from hrtemnn_training.architectures import UNetSettings
from hrtemnn_training.architectures.networks import make_network
from hrtemnn_training.evaluation.report import report
from hrtemnn_training.export.graph import to_onnx
from hrtemnn_training.export.onnx_file import ExportError, export
from hrtemnn_training.recipe import Recipe
from hrtemnn_training.train.batches import pixel_weights
from hrtemnn_training.train.files import TrainingError, claim
from hrtemnn_training.train.loop import train
from hyperspy_hrtemnn.networks import load


@pytest.fixture(autouse=True)
def _single_precision():
    keras.mixed_precision.set_global_policy("float32")


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_receptive_field_is_what_the_output_depends_on(levels: int) -> None:
    settings = UNetSettings(width=2, levels=levels, kernel=3)
    model = randomized(settings, activation="linear")
    side = settings.receptive_field // 2
    n = 2 * (side // settings.stride + 3) * settings.stride
    image = np.random.default_rng(1).normal(size=(1, n, n, 1)).astype(np.float32)
    pixel = n // 2 + settings.stride // 2
    values = []
    for reach in (None, side + 1, side // 2):
        changed = image.copy()
        if reach is not None:
            far = np.abs(np.arange(n) - pixel) >= reach
            changed[:, far] += 3
            changed[:, :, far] += 3
        values.append(model(changed)[0, pixel, pixel, 0])
    assert float(values[0]) == pytest.approx(float(values[1]), rel=1e-5)
    assert float(values[0]) != pytest.approx(float(values[2]), rel=1e-3)


@pytest.mark.parametrize(
    ("channels", "classes", "activation"),
    [(1, 1, "sigmoid"), (3, 4, "softmax"), (3, 2, "linear")],
)
def test_onnx_gives_what_keras_gives_at_any_size(
    channels: int, classes: int, activation: str
) -> None:
    model = randomized(
        UNetSettings(width=3, levels=3, kernel=5),
        channels=channels,
        classes=classes,
        activation=activation,
    )
    proto = to_onnx(model)
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    for height, width in ((16, 28), (40, 24)):
        images = np.random.default_rng(2).normal(size=(2, height, width, channels))
        images = images.astype(np.float32)
        expected = keras.ops.convert_to_numpy(model(images))
        (given,) = session.run(None, {"image": images.transpose(0, 3, 1, 2)})
        # The weights are random, a linear output has no bounds.
        scale = np.abs(expected).max()
        np.testing.assert_allclose(
            given.transpose(0, 2, 3, 1) / scale, expected / scale, atol=1e-5
        )


def test_the_graph_has_one_node_a_layer() -> None:
    proto = to_onnx(make_network(UNetSettings(width=2, levels=3)))
    kinds = {node.op_type for node in proto.graph.node}
    assert kinds == {
        "Conv",
        "LeakyRelu",
        "Add",
        "MaxPool",
        "Resize",
        "Concat",
        "Sigmoid",
    }
    dims = proto.graph.input[0].type.tensor_type.shape.dim
    assert [d.dim_param or d.dim_value for d in dims] == ["batch", 1, "height", "width"]


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (keras.layers.AveragePooling2D(2), "AveragePooling2D"),
        (keras.layers.Conv2D(2, 4, padding="same"), "odd"),
        (keras.layers.Conv2D(2, 3, padding="same", activation="relu"), "activation"),
        (keras.layers.PReLU(), "slope"),
        (keras.layers.UpSampling2D(), "bilinear"),
        (keras.layers.BatchNormalization(), "convolution"),
        (keras.layers.Dense(2), "batch, channel"),
        (keras.layers.Activation("tanh"), "tanh"),
    ],
)
def test_layers_without_counterpart_are_named(layer, message: str) -> None:
    inputs = keras.Input((8, 8, 2))
    with pytest.raises(ExportError, match=message):
        to_onnx(keras.Model(inputs, layer(inputs)))


def test_a_trained_network_is_exported_and_scored(
    trained, trained_as, tmp_path
) -> None:
    recipe = trained_as
    for path in (trained / "best.keras", *trained.glob("*.zarr")):
        (tmp_path / path.name).symlink_to(path)
    path = export(recipe, tmp_path)
    network = load(path)
    assert network.card.ranges.dose == pytest.approx((100, 1e5))
    assert network.card.recipe_sha256 == recipe.sha256
    assert network.card.versions["keras"] == keras.__version__
    assert keras.config.backend() in network.card.versions

    summary = report(recipe, tmp_path, progress=False)
    assert list(summary) == ["tiny", "threshold"]
    scores = load(path).card.scores
    assert scores["images"] == 12
    assert scores["baselines"]["threshold"].keys() == {"MTF 3", "MTF 4"}
    assert len(onnx.load(path).metadata_props) == 1


def test_weights_are_of_objects_not_of_their_background() -> None:
    labels = np.zeros((2, 3, 4, 3), np.float32)
    labels[..., 2] = 1
    labels[1, 2, 3] = (0, 0.25, 0.75)
    weights = pixel_weights(labels, objects=2, object_weight=9)
    assert weights.shape == (2, 3, 4)
    assert weights[1, 2, 3] == 3
    assert weights.sum() == 3 + 23


@pytest.mark.parametrize(
    ("images", "classes", "score", "task", "baseline"),
    [
        (
            {"label": "Disk", "num_classes": 2, "multifocus": [3, 50, 1]},
            ["column", "background"],
            "validation_f1",
            "segmentation",
            "matched filter",
        ),
        (
            {"label": "Exitwave", "num_classes": 2, "multifocus": [2, 50, 1]},
            ["real", "imaginary"],
            "validation_rmse",
            "exit wave",
            "Y-scramble",
        ),
        (
            {"label": "Column height", "multifocus": [3, 50, 1]},
            ["atoms"],
            "validation_rmse",
            "regression",
            "fitted brightness",
        ),
    ],
)
def test_the_label_decides_what_is_trained(
    images, classes, score, task, baseline, run_folder, tmp_path, recipe_values
) -> None:
    for name in ("train.zarr", "validation.zarr", "test.zarr"):
        (tmp_path / name).symlink_to(run_folder / name)
    recipe_values["images"] |= images | {"spotsize": 1.0}
    recipe_values["classes"] = classes
    recipe_values["training"]["stages"] = [{"epochs": 1, "learning_rate": [1e-3, 1e-3]}]
    recipe = Recipe.model_validate(recipe_values)
    history = train(recipe, tmp_path, progress=False)
    assert np.isfinite(history.to_numpy()).all()
    assert score in history
    if score == "validation_rmse":
        rmse, loss = history.loc[0, ["validation_rmse", "validation_loss"]]
        assert rmse**2 == pytest.approx(loss)
    network = load(export(recipe, tmp_path))
    card = network.card
    assert (card.channels, card.defocus_step) == (images["multifocus"][0], 50)
    assert card.task == task
    assert card.counts_atoms == (task == "regression")
    summary = report(recipe, tmp_path, against=("defocus",), progress=False)
    assert baseline in summary
    scores = load(tmp_path / "tiny.onnx").card.scores
    assert scores["images"] == 6
    assert baseline in scores["baselines"]


def test_a_run_from_before_a_key_existed_is_of_the_same_recipe(
    tmp_path, recipe
) -> None:
    old = recipe.model_dump(mode="json")
    del old["images"]["ctf_c12"], old["images"]["multifocus"]
    (tmp_path / "recipe.json").write_text(json.dumps(old), encoding="utf-8")
    claim(tmp_path, recipe)
    with pytest.raises(TrainingError, match="recipe that differs"):
        claim(tmp_path, recipe.model_copy(update={"seed": 4}))


def test_nothing_to_export(tmp_path, recipe) -> None:
    with pytest.raises(ExportError, match="no trained network"):
        export(recipe, tmp_path)
