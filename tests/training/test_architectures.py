# SPDX-License-Identifier: GPL-3.0-or-later
"""The architectures: sizes, what a pixel depends on, and the exported graphs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from pydantic import TypeAdapter, ValidationError
from random_networks import randomized

from hrtemnn_training.architectures import (
    AnyArchitecture,
    EncoderSettings,
    MSDNetSettings,
    UNetPlusPlusSettings,
    UNetSettings,
)
from hrtemnn_training.architectures.folding import Fold, Unfold
from hrtemnn_training.architectures.networks import make_network
from hrtemnn_training.architectures.operations import count_operations
from hrtemnn_training.export.graph import to_onnx
from hrtemnn_training.export.msdnet_graph import msdnet_to_onnx
from hrtemnn_training.export.onnx_file import export, make_card, write_card
from hrtemnn_training.recipe import Recipe
from hrtemnn_training.train.loop import train
from hyperspy_hrtemnn.networks import load, predict

DOCUMENT = Path(__file__).parents[2] / "docs" / "architectures.md"
ANY = TypeAdapter(AnyArchitecture)


@pytest.fixture(autouse=True)
def _single_precision():
    keras.mixed_precision.set_global_policy("float32")


def documented() -> list[tuple[str, int, int]]:
    """Return settings, parameters and receptive field of each row of the page."""
    rows = re.findall(
        r"^\| `(\{.*?\})` \| ([\d ]+) \| .* \| (\d+) \|$",
        DOCUMENT.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    return [(text, int(n.replace(" ", "")), int(field)) for text, n, field in rows]


@pytest.mark.parametrize(("text", "parameters", "field"), documented())
def test_sizes_are_those_of_the_page(
    text: str, parameters: int, field: int, monkeypatch
) -> None:
    monkeypatch.setattr(
        keras.initializers.HeNormal,
        "__call__",
        lambda _, shape, dtype: keras.ops.zeros(shape, dtype),
    )
    settings = ANY.validate_python(json.loads(text))
    # The focal series of three images and the four classes of publication III.
    model = make_network(settings, channels=3, classes=4, activation="softmax")
    count = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    assert (count, settings.receptive_field) == (parameters, field)


def test_the_page_has_the_figures_of_publication_iii() -> None:
    found = {parameters for _, parameters, _ in documented()}
    assert found >= {989_468, 63_080_644, 1_031_100, 65_750_468, 277_054, 894_958}


@pytest.mark.parametrize(
    "settings",
    [
        UNetSettings(width=2, levels=3, form="published"),
        UNetSettings(width=2, levels=2, convolutions=2, fold=2),
        UNetSettings(widths=(3, 2), dilations=(1, 2, 3), convolutions=2, fold=4),
        UNetPlusPlusSettings(width=2, levels=3),
        MSDNetSettings(kernel=5, channels=2, layers=4, largest_dilation=3),
    ],
)
def test_receptive_field_is_what_the_output_depends_on(settings) -> None:
    model = randomized(settings, activation="linear")
    side = settings.receptive_field // 2
    n = 2 * (side // settings.stride + 3) * settings.stride
    image = np.random.default_rng(1).normal(size=(1, n, n, 1)).astype(np.float32)
    # In the middle, and where the borders are reflected.
    middle = n // 2 + settings.stride // 2
    pixels = np.array([middle, 1])
    changed = []
    for reach in (side + 1, side // 4):
        other = image.copy()
        far = (np.abs(np.arange(n) - pixels[:, None]) >= reach).all(axis=0)
        other[:, far] += 3
        other[:, :, far] += 3
        changed.append(other)
    images = np.concatenate([image, *changed])
    same, outside, inside = keras.ops.convert_to_numpy(model(images))[
        :, pixels, pixels, 0
    ]
    np.testing.assert_allclose(outside, same, rtol=1e-4)
    assert (np.abs(inside / same - 1) > 1e-3).all()


@pytest.mark.parametrize(
    ("settings", "channels", "classes", "activation"),
    [
        (UNetSettings(width=3, levels=2, form="published"), 3, 2, "linear"),
        (UNetSettings(width=3, levels=2, fold=2), 2, 3, "softmax"),
        (UNetSettings(widths=(2, 5), convolutions=2, fold=4), 3, 1, "sigmoid"),
        (UNetSettings(width=2, levels=2, dilations=(1, 3, 2, 1)), 1, 2, "linear"),
        (UNetPlusPlusSettings(width=3, levels=3), 1, 1, "sigmoid"),
        (UNetPlusPlusSettings(width=2, levels=3, form="published"), 2, 3, "softmax"),
        (EncoderSettings(width=3, levels=3, hidden=5), 2, 3, "softmax"),
        (MSDNetSettings(channels=3, layers=13, largest_dilation=4), 3, 4, "softmax"),
        (MSDNetSettings(channels=9, layers=5, largest_dilation=2), 1, 1, "sigmoid"),
        (MSDNetSettings(channels=2, layers=20, seed=3, kernel=3), 1, 2, "linear"),
    ],
)
def test_onnx_gives_what_keras_gives_at_any_size(
    settings, channels: int, classes: int, activation: str
) -> None:
    model = randomized(
        settings, channels=channels, classes=classes, activation=activation
    )
    protos = [to_onnx(model)]
    if settings.architecture == "msd-net":
        protos.append(msdnet_to_onnx(model))
    sessions = [onnxruntime.InferenceSession(p.SerializeToString()) for p in protos]
    for height, width in ((24, 40), (40, 32)):
        images = np.random.default_rng(2).normal(size=(2, height, width, channels))
        images = images.astype(np.float32)
        expected = keras.ops.convert_to_numpy(model(images))
        scale = np.abs(expected).max()
        for session in sessions:
            (given,) = session.run(None, {"image": images.transpose(0, 3, 1, 2)})
            if not settings.per_image:
                given = given.transpose(0, 2, 3, 1)
            assert given.shape == expected.shape
            np.testing.assert_allclose(given / scale, expected / scale, atol=2e-5)


def test_fewer_convolutions_make_the_same_msd_net() -> None:
    model = make_network(MSDNetSettings(layers=20, channels=3, largest_dilation=4))
    plain, fast = (
        [node.op_type for node in to_graph(model).graph.node]
        for to_graph in (to_onnx, msdnet_to_onnx)
    )
    assert plain.count("Pad") == fast.count("Pad") - 1 == 20
    assert {"Conv", "PRelu", "Pad", "Slice", "Concat", "Add", "Sigmoid"} == set(fast)


@pytest.mark.parametrize(("factor", "height", "width"), [(2, 6, 10), (4, 12, 8)])
def test_folding_keeps_each_square_and_unfolding_puts_it_back(
    factor: int, height: int, width: int
) -> None:
    images = np.random.default_rng(5).normal(size=(3, height, width, 2))
    images = images.astype(np.float32)
    folded = keras.ops.convert_to_numpy(Fold(factor)(images))
    assert folded.shape == (3, height // factor, width // factor, 2 * factor**2)
    square = images[1, factor : 2 * factor, :factor]
    np.testing.assert_array_equal(folded[1, 1, 0], square.ravel())
    np.testing.assert_array_equal(Unfold(factor)(folded), images)


def exported(recipe_values, convert, folder):
    """Return the network of a recipe with random weights, from its file."""
    recipe = Recipe.model_validate(recipe_values)
    proto = convert(randomized(recipe.network))
    write_card(proto, make_card(recipe, {}))
    path = folder / "network.onnx"
    onnx.save(proto, path)
    return load(path)


@pytest.fixture
def folded_network(recipe_values, tmp_path):
    recipe_values["network"] = {"width": 2, "levels": 2, "fold": 2, "convolutions": 2}
    return exported(recipe_values, to_onnx, tmp_path)


def test_the_card_says_the_range_of_the_energies(recipe_values) -> None:
    recipe_values["waves"]["energy"] = [80, 300]
    card = make_card(Recipe.model_validate(recipe_values), {})
    assert card.ranges.energy == (80, 300)


def test_tiles_of_a_folded_network_leave_no_trace_at_any_size(folded_network) -> None:
    assert (folded_network.card.stride, folded_network.card.receptive_field) == (4, 47)
    image = np.random.default_rng(3).normal(100, 5, (171, 229))
    whole = predict(folded_network, image, 0.4)
    assert whole.shape == (1, 171, 229)
    assert whole.std() > 0.02
    tiled = predict(folded_network, image, 0.4, tile=110)
    np.testing.assert_allclose(tiled, whole, atol=1e-5)


@pytest.fixture
def msd_network(recipe_values, tmp_path):
    recipe_values["network"] = {
        "architecture": "msd-net",
        "layers": 8,
        "largest_dilation": 4,
    }
    return exported(recipe_values, msdnet_to_onnx, tmp_path)


def test_tiles_of_an_msd_net_leave_no_trace(msd_network) -> None:
    assert msd_network.card.receptive_field == 81
    image = np.random.default_rng(3).normal(100, 5, (170, 230))
    whole = predict(msd_network, image, 0.4)
    assert whole.std() > 0.02
    tiled = predict(msd_network, image, 0.4, tile=140)
    np.testing.assert_allclose(tiled, whole, atol=1e-5)


def test_images_that_reflection_cannot_continue_are_refused(msd_network) -> None:
    assert msd_network.card.smallest_side == 9
    with pytest.raises(ValueError, match=r"at least 9 x 9 pixels, not 8 x 30"):
        msd_network.predict(np.zeros((1, 1, 8, 30), np.float32))


def test_dilations() -> None:
    cyclic = MSDNetSettings(layers=7, largest_dilation=3)
    assert cyclic.dilations == (1, 2, 3, 1, 2, 3, 1)
    drawn = MSDNetSettings(layers=1000, seed=1)
    assert drawn.dilations == MSDNetSettings(layers=1000, seed=1).dilations
    assert drawn.dilations != MSDNetSettings(layers=1000, seed=2).dilations
    assert set(drawn.dilations) == set(range(1, 11))


@pytest.mark.parametrize(
    ("images", "classes", "stage"),
    [
        ({}, ["nanoparticle"], {"object_weight": 9}),
        (
            {"label": "Mask", "null_class": True, "num_classes": 2},
            ["nanoparticle", "background"],
            {"object_weight": 3},
        ),
        ({"label": "Exitwave", "num_classes": 2}, ["real part", "imaginary part"], {}),
    ],
)
def test_a_folded_network_is_trained_and_exported(
    images, classes, stage, run_folder, tmp_path, recipe_values
) -> None:
    for name in ("train.zarr", "validation.zarr"):
        (tmp_path / name).symlink_to(run_folder / name)
    recipe_values["images"] |= images
    recipe_values["classes"] = classes
    recipe_values["network"] = {
        "widths": [2, 3],
        "dilations": [1, 2, 1],
        "fold": 2,
    }
    stage = {"epochs": 1, "learning_rate": [0.01, 0.01]} | stage
    recipe_values["training"]["stages"] = [stage]
    recipe = Recipe.model_validate(recipe_values)
    history = train(recipe, tmp_path, progress=False)
    assert np.isfinite(history["validation_loss"]).all()
    network = load(export(recipe, tmp_path))
    image = np.random.default_rng(4).normal(100, 5, (93, 111))
    assert predict(network, image, 0.3).shape == (len(classes), 93, 111)


def test_operations_are_those_counted_by_hand() -> None:
    sizes = {"width": 2, "levels": 2, "kernel": 3, "convolutions": 2}
    # Down and up at full resolution, the coarsest block at a quarter, the head.
    down, bottom, up = 9 * (1 * 2 + 2 * 2), 9 * (2 * 4 + 4 * 4), 9 * (6 * 2 + 2 * 2)
    plain = count_operations(make_network(UNetSettings(**sizes)), 12, 20)
    assert plain == 2 * 12 * 20 * (down + bottom / 4 + up + 2)
    # The same on a quarter of the pixels, of four times the channels.
    down += 9 * 3 * 2
    folded = count_operations(make_network(UNetSettings(**sizes, fold=2)), 12, 20)
    assert folded == 2 * 6 * 10 * (down + bottom / 4 + up + 4 * 2)


def test_operations_of_the_shipped_network_and_of_an_msd_net() -> None:
    shipped = make_network(UNetSettings(width=16, kernel=3))
    assert count_operations(shipped, 16, 8) == 177_728 * 16 * 8
    msd_net = MSDNetSettings(kernel=3, channels=2, layers=6, largest_dilation=3)
    inputs = 1 + 2 * (1 + 2 + 3 + 4 + 5)
    expected = 2 * 20 * 30 * (9 * inputs * 2 + 6 * 2)
    assert count_operations(make_network(msd_net), 20, 30) == expected


def of_the_study() -> list[tuple[str, float, int]]:
    """Return settings, operations and receptive field of each row of the study."""
    rows = re.findall(
        r"^\| [^|`]+ \| `(\{.*?\})` \| ([\d.]+) \| (\d+) \|",
        DOCUMENT.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    return [(text, float(kilo), int(field)) for text, kilo, field in rows]


@pytest.mark.parametrize(("text", "kilo", "field"), of_the_study())
def test_operations_are_those_of_the_page(text: str, kilo: float, field: int) -> None:
    settings = ANY.validate_python(json.loads(text))
    side = 8 * settings.stride
    operations = count_operations(make_network(settings), side, side) / side**2
    assert (round(operations / 1e3, 1), settings.receptive_field) == (kilo, field)


def test_cheaper_networks_take_a_third_of_the_operations_or_less() -> None:
    first, *others = (kilo for text, kilo, _ in of_the_study())
    assert first == 177.7
    assert len(others) >= 6
    cheaper = [kilo for kilo in others if kilo != first]
    assert len(cheaper) == len(others) - 1
    assert max(cheaper) <= first / 3


def test_an_encoder_is_trained_and_exported(
    run_folder, tmp_path, recipe_values
) -> None:
    for name in ("train.zarr", "validation.zarr"):
        (tmp_path / name).symlink_to(run_folder / name)
    recipe_values["images"] |= {"label": "Value", "value": "defocus"}
    recipe_values["classes"] = ["defocus"]
    recipe_values["network"] = {"architecture": "encoder", "width": 2, "levels": 3}
    recipe_values["training"]["stages"] = [{"epochs": 1, "learning_rate": [0.1, 0.1]}]
    recipe = Recipe.model_validate(recipe_values)
    history = train(recipe, tmp_path, progress=False)
    assert np.isfinite(history["validation_rmse"]).all()
    network = load(export(recipe, tmp_path))
    assert (network.card.task, network.card.per_image) == ("image regression", True)
    image = np.random.default_rng(4).normal(100, 5, (90, 110))
    answer = predict(network, image, 0.3)
    assert answer.shape == (1,)
    assert np.isfinite(answer).all()


def test_an_encoder_sees_its_receptive_field_before_the_mean() -> None:
    settings = EncoderSettings(width=2, levels=3)
    model = randomized(settings, activation="linear")
    features = keras.Model(model.inputs, model.layers[-5].input)
    n = 96
    image = np.random.default_rng(1).normal(size=(1, n, n, 1)).astype(np.float32)
    pixel = n // settings.smallest_side // 2
    first = pixel * settings.smallest_side - settings.receptive_field // 2 + 2
    seen = slice(first, first + settings.receptive_field)
    outside = image + 3
    outside[:, seen, seen] = image[:, seen, seen]
    expected, given = (
        keras.ops.convert_to_numpy(features([i]))[0, pixel, pixel]
        for i in (image, outside)
    )
    np.testing.assert_allclose(given, expected, rtol=1e-5)
    outside[:, first] += 3
    changed = keras.ops.convert_to_numpy(features([outside]))[0, pixel, pixel]
    assert (np.abs(changed - expected) > 1e-6).any()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"network": {"architecture": "u-net"}}, "architecture|unet"),
        ({"network": {"architecture": "msd-net", "width": 3}}, "width"),
        ({"network": {"kernel": 4}}, "must be odd"),
        ({"network": {"widths": [2, 4], "levels": 2}}, "leave out levels"),
        ({"network": {"dilations": [2]}}, "two convolutions or more"),
        (
            {"network": {"width": 2, "fold": 4}, "images": {"image_size": [88, 64]}},
            "multiples of 32 pixels",
        ),
        (
            {"network": {"architecture": "encoder"}},
            "prediction for the whole image, the label Mask needs one for each pixel",
        ),
        ({"images": {"label": "Value", "value": "defocus"}}, "needs one for the whole"),
        ({"images": {"image_size": [88, 73]}}, "multiples of 2 pixels"),
        (
            {
                "network": {"architecture": "msd-net", "kernel": 9},
                "images": {"image_size": [88, 40]},
            },
            "at least 41, not 40",
        ),
    ],
)
def test_networks_that_do_not_fit_are_refused(recipe_values, values, message) -> None:
    recipe_values["training"]["stages"] = [{"epochs": 1, "learning_rate": [0.1, 0.1]}]
    recipe_values["images"] |= values.get("images", {})
    recipe_values["network"] = values.get("network", recipe_values["network"])
    with pytest.raises(ValidationError, match=message):
        Recipe.model_validate(recipe_values)


def test_the_default_is_the_unet(recipe_values) -> None:
    assert Recipe.model_validate(recipe_values).network == UNetSettings(
        width=2, levels=2, kernel=3
    )


def test_a_recipe_is_read_without_keras() -> None:
    code = "import hrtemnn_training.recipe, sys; sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_directional_encoder_turns_the_second_harmonic_with_its_rows() -> None:
    """Where convolutions see one pixel, the order of the rows does not matter."""
    keras.utils.set_random_seed(2)
    settings = EncoderSettings(
        width=3, levels=2, kernel=1, convolutions=2, hidden=4, directional=True
    )
    model = make_network(settings, channels=3, classes=5, activation="linear")
    rng = np.random.default_rng(0)
    image = rng.standard_normal((1, 6, 8, 3)).astype(np.float32)
    image[..., 1:] = 1  # the same harmonic everywhere
    same = model.predict(image, verbose=0)
    np.testing.assert_allclose(
        model.predict(image[:, ::-1], verbose=0), same, rtol=1e-4, atol=1e-6
    )
    image[:, :3, :, 2] = -1
    assert np.abs(model.predict(image, verbose=0) - same).max() > 1e-3
    session = onnxruntime.InferenceSession(to_onnx(model).SerializeToString())
    (answer,) = session.run(None, {"image": image.transpose(0, 3, 1, 2)})
    np.testing.assert_allclose(
        answer, model.predict(image, verbose=0), rtol=1e-4, atol=1e-5
    )
