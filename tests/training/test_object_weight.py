# SPDX-License-Identifier: GPL-3.0-or-later
"""The weight of objects in a training is no part of what its network answers."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pandas as pd
import pytest
import tiny_networks
from onnx import TensorProto, helper, numpy_helper
from random_networks import randomized
from scipy.optimize import minimize
from scipy.special import expit, softmax

from hrtemnn_training.architectures import MSDNetSettings, UNetSettings
from hrtemnn_training.export.cards import write_card
from hrtemnn_training.export.graph import to_onnx
from hrtemnn_training.export.msdnet_graph import msdnet_to_onnx
from hrtemnn_training.export.nodes import ExportError
from hrtemnn_training.export.object_weight import remove_weight, without_weight
from hrtemnn_training.export.onnx_file import take_out_weight
from hrtemnn_training.recipe import Recipe
from hrtemnn_training.train.batches import pixel_weights
from hrtemnn_training.train.files import best_stage
from hyperspy_hrtemnn.networks import load

SHAPE = (2, 1, 40, 56)


def best_answer(true, weight, *, objects, background):
    """Return what makes the weighted loss of a training smallest, found by trying.

    Pixels are each of the objects with the probabilities of `true`, or none.
    """
    labels = np.eye(objects + 1)[:, : objects + background]
    often = np.append(true, 1 - np.sum(true))
    weights = pixel_weights(labels[:, np.newaxis, np.newaxis], objects, weight).ravel()

    def answer(logits):
        return softmax(logits) if background else expit(logits)

    def loss(logits):
        p = answer(logits)
        cost = -labels * np.log(p)
        if not background:
            cost -= (1 - labels) * np.log1p(-p)
        return np.sum(often * weights * cost.sum(axis=1))

    start = np.zeros(objects + background)
    found = minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-7})
    return answer(found.x)


@pytest.mark.parametrize("weight", [9, 2.5, 0.3])
@pytest.mark.parametrize(
    ("true", "background"),
    [((0.5,), False), ((0.03,), False), ((0.3, 0.1), False), ((0.3, 0.1), True)],
)
def test_what_a_weighted_training_learns_becomes_the_probability(
    true, background, weight
) -> None:
    learned = best_answer(true, weight, objects=len(true), background=background)
    if weight == 9 and true == (0.5,):
        assert learned[0] == pytest.approx(0.9, abs=1e-4)
    given = without_weight(learned, weight, len(true))
    np.testing.assert_allclose(given[: len(true)], true, atol=2e-4)
    if background:
        assert given.sum() == pytest.approx(1)


def logits_of(proto, images):
    """Return what goes into the last node, (N, class, y, x)."""
    import onnxruntime

    proto = onnx.ModelProto.FromString(proto.SerializeToString())
    (answer,) = proto.graph.output
    last = next(node for node in proto.graph.node if answer.name in node.output)
    proto.graph.output.append(
        helper.make_tensor_value_info(last.input[0], TensorProto.FLOAT, None)
    )
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"image": images})[1]


@pytest.mark.parametrize(
    ("settings", "write"),
    [
        (UNetSettings(width=2, levels=2, kernel=3), to_onnx),
        (UNetSettings(width=2, levels=2, fold=2), to_onnx),
        (MSDNetSettings(layers=6, largest_dilation=4), msdnet_to_onnx),
    ],
)
def test_the_log_odds_are_less_by_the_logarithm_of_the_weight(settings, write) -> None:
    proto = write(randomized(settings))
    images = np.random.default_rng(4).normal(size=SHAPE).astype(np.float32)
    before = logits_of(proto, images)
    assert before.std() > 0.01
    count = len(proto.graph.node)
    remove_weight(proto, 9, 1)
    onnx.checker.check_model(proto, full_check=True)
    shift = logits_of(proto, images) - before
    np.testing.assert_allclose(shift, -np.log(9), atol=1e-5)
    assert len(proto.graph.node) == count


@pytest.mark.parametrize(
    ("classes", "objects", "activation", "fold"),
    [
        (1, 1, "sigmoid", 1),
        (3, 3, "sigmoid", 1),
        (4, 3, "softmax", 1),
        (3, 3, "sigmoid", 2),
        (4, 3, "softmax", 4),
    ],
)
def test_the_graph_gives_what_the_formula_gives(
    classes, objects, activation, fold, tmp_path
) -> None:
    settings = UNetSettings(width=2, levels=2, kernel=3, fold=fold)
    model = randomized(settings, classes=classes, activation=activation)
    proto = to_onnx(model)
    images = np.random.default_rng(5).normal(size=SHAPE).astype(np.float32)
    remove_weight(proto, 5, objects)
    onnx.checker.check_model(proto, full_check=True)
    names = tuple(f"{i}" for i in range(classes))
    write_card(proto, tiny_networks.card(classes=names, stride=2 * fold))
    onnx.save(proto, tmp_path / "n.onnx")
    given = load(tmp_path / "n.onnx").predict(images).transpose(0, 2, 3, 1)
    trained = model.predict(images.transpose(0, 2, 3, 1), verbose=0)
    expected = without_weight(trained, 5, objects)
    assert np.abs(expected - trained).max() > 0.05
    np.testing.assert_allclose(given, expected, atol=1e-5)
    assert given.sum(axis=-1).max() < 1 + 1e-5


def test_the_weight_can_be_put_back(tmp_path) -> None:
    path = tiny_networks.convolution(tmp_path / "n.onnx", classes=3)
    images = np.random.default_rng(8).normal(size=SHAPE).astype(np.float32)
    proto = onnx.load(path)
    before = logits_of(proto, images)
    remove_weight(proto, 7, 1)
    changed = logits_of(proto, images)
    remove_weight(proto, 1 / 7, 1)
    np.testing.assert_allclose(logits_of(proto, images), before, atol=1e-6)
    # Of the objects alone.
    np.testing.assert_allclose(changed[:, :1] - before[:, :1], -np.log(7), atol=1e-5)
    np.testing.assert_array_equal(changed[:, 1:], before[:, 1:])


def test_a_shared_bias_changes_only_where_it_is_the_last() -> None:
    weights = {"kernel": np.ones((1, 1, 1, 1), np.float32), "bias": np.float32([0.25])}
    nodes = [
        helper.make_node("Conv", ["image", "kernel", "bias"], ["first"]),
        helper.make_node("Conv", ["first", "kernel", "bias"], ["second"]),
        helper.make_node("Sigmoid", ["second"], ["answer"]),
    ]
    proto = tiny_networks.model(nodes, weights)
    remove_weight(proto, 2, 1)
    images = np.float32([0, 1, -3]).reshape(1, 1, 1, 3)
    expected = images + 0.5 - np.log(2)
    np.testing.assert_allclose(logits_of(proto, images), expected, atol=1e-6)


def test_weight_of_a_file_is_taken_out_once(tmp_path) -> None:
    path = tiny_networks.convolution(
        tmp_path / "n.onnx", threshold=0.88, scores={"images": 3}, gain=0.3
    )
    images = np.random.default_rng(6).normal(size=SHAPE).astype(np.float32)
    before = load(path).predict(images)
    take_out_weight(path, 9)
    network = load(path)
    np.testing.assert_allclose(
        network.predict(images), before / (before + 9 * (1 - before)), atol=1e-6
    )
    card = network.card
    assert (card.object_weight, card.threshold, card.scores) == (9, None, {})
    assert card.unbiased_threshold == 0.5
    with pytest.raises(ExportError, match=r"No weight .* left .* is 9"):
        take_out_weight(path, 9)
    assert load(path).sha256 == network.sha256


def test_graphs_whose_weight_cannot_be_taken_out_stay_as_they_are(tmp_path) -> None:
    steep = tiny_networks.brightness(tmp_path / "b.onnx")
    wave = tiny_networks.exit_wave(tmp_path / "w.onnx")
    linear = tiny_networks.linear(tmp_path / "l.onnx")
    contents = [path.read_bytes() for path in (steep, wave, linear)]
    with pytest.raises(ExportError, match="before the last node is Mul"):
        take_out_weight(steep, 9)
    with pytest.raises(ExportError, match="it is for exit wave"):
        take_out_weight(wave, 9)
    with pytest.raises(ExportError, match="the last node is Identity"):
        take_out_weight(linear, 9)
    assert [path.read_bytes() for path in (steep, wave, linear)] == contents


def test_a_bias_that_is_computed_is_refused() -> None:
    weights = {"kernel": np.ones((1, 1, 1, 1), np.float32)}
    value = numpy_helper.from_array(np.float32([1]))
    nodes = [
        helper.make_node("Constant", [], ["bias"], value=value),
        helper.make_node("Conv", ["image", "kernel", "bias"], ["sum"]),
        helper.make_node("Sigmoid", ["sum"], ["answer"]),
    ]
    with pytest.raises(ExportError, match="the bias 'bias' is not among the weights"):
        remove_weight(tiny_networks.model(nodes, weights), 2, 1)


def test_an_unfolding_that_mixes_pixels_and_classes_is_refused() -> None:
    weights = {"kernel": np.ones((4, 1, 1, 1), np.float32)}
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["sum"]),
        helper.make_node("DepthToSpace", ["sum"], ["all"], blocksize=2, mode="CRD"),
        helper.make_node("Sigmoid", ["all"], ["answer"]),
    ]
    with pytest.raises(ExportError, match="in the mode CRD, not DCR"):
        remove_weight(tiny_networks.model(nodes, weights), 2, 1)


def test_the_weight_is_that_of_the_last_stage_that_was_begun(recipe, tmp_path) -> None:
    # Of stages of 1 and 2 epochs with the weights 1 and 9.
    assert best_stage(recipe, tmp_path).object_weight == 9
    for epochs, weight in ((1, 1), (2, 9), (3, 9)):
        history = pd.DataFrame({"epoch": range(epochs), "loss": 0.5})
        history.to_csv(tmp_path / "history.csv", index=False)
        assert best_stage(recipe, tmp_path).object_weight == weight


@pytest.mark.parametrize(
    ("label", "weights"), [("Mask", (1, 9)), ("Disk", (1, 9)), ("Gaussian", (1, None))]
)
def test_blurred_labels_keep_their_weight(recipe_values, label, weights) -> None:
    recipe_values["images"] |= {"label": label, "spotsize": 1.0}
    recipe = Recipe.model_validate(recipe_values)
    found = [
        recipe.label.removable_weight(stage.object_weight)
        for stage in recipe.training.stages
    ]
    assert tuple(found) == weights


def test_an_exported_network_is_free_of_it(trained, trained_as, tmp_path) -> None:
    from hrtemnn_training.evaluation.report import report
    from hrtemnn_training.export.onnx_file import export, trained_model

    for path in (trained / "best.keras", *trained.glob("*.zarr")):
        (tmp_path / path.name).symlink_to(path)
    path = export(trained_as, tmp_path)
    network = load(path)
    assert (network.card.object_weight, network.card.threshold) == (9, None)
    images = np.random.default_rng(7).normal(size=SHAPE).astype(np.float32)
    model = trained_model(trained_as, tmp_path)
    learned = model.predict(images.transpose(0, 2, 3, 1), verbose=0)
    np.testing.assert_allclose(
        network.predict(images)[:, 0],
        (learned / (learned + 9 * (1 - learned)))[..., 0],
        atol=1e-5,
    )
    summary = report(trained_as, tmp_path, progress=False)
    card = load(path).card
    assert 0 < card.threshold < 1
    assert card.scores["probability"] == card.threshold
    assert card.scores["reliability"] == summary["tiny"]["reliability"]
    assert len(card.scores["reliability"]["observed"]) == 20
    assert "probability" not in summary["threshold"]["cameras"]
    json.dumps(card.scores, allow_nan=False)
    # The graph is the one that was exported.
    np.testing.assert_array_equal(load(path).predict(images), network.predict(images))
