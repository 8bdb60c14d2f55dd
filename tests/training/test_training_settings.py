# SPDX-License-Identifier: GPL-3.0-or-later
"""Losses, optimizers and regularization of a recipe, by the names Keras gives them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from click.testing import CliRunner

from hrtemnn_training.losses import make_optimizer, regularize_kernels
from hrtemnn_training.recipe import Recipe, read_recipe
from hyperspy_hrtemnn.cli import main


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"loss": "diice"}, r"training\.loss.*'diice'.*dice.*huber"),
        ({"loss": "ctc"}, r"training\.loss"),
        ({"optimizer": "Adam"}, r"training\.optimizer.*'Adam'.*adam.*rmsprop"),
        ({"optimizer": "lossscaleoptimizer"}, r"training\.optimizer"),
        (
            {"optimizer": "sgd", "optimizer_options": {"beta_1": 1}},
            r"training\.optimizer_options.*sgd does not take beta_1.*momentum",
        ),
        ({"optimizer_options": {"learning_rate": 1}}, r"the learning rate is the stag"),
        ({"limit_data": 0}, r"training\.limit_data"),
        ({"regularise": 1}, r"training\.regularise"),
    ],
)
def test_what_keras_does_not_know_is_refused_by_its_key(
    keys, message, recipe_values
) -> None:
    recipe_values["training"] |= keys
    with pytest.raises(ValueError, match=f"(?s){message}"):
        Recipe.model_validate(recipe_values)


def test_the_loss_is_the_labels_or_a_named_one(recipe_values) -> None:
    assert Recipe.model_validate(recipe_values).loss == "binary_crossentropy"
    recipe_values["training"]["loss"] = "dice"
    assert Recipe.model_validate(recipe_values).loss == "dice"


def test_a_recipe_of_defaults_is_read_without_keras() -> None:
    recipe = Path(__file__).parents[2] / "training" / "recipes" / "au-ceo2-mask.json"
    code = (
        "import sys; from hrtemnn_training.recipe import read_recipe;"
        f"read_recipe({str(recipe)!r}); sys.exit('keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_recipe_with_a_loss_of_keras_is_read_where_there_is_no_keras() -> None:
    recipe = Path(__file__).parents[2] / "training" / "recipes" / "hrtem-denoise.json"
    script = (
        "import sys; sys.modules['keras'] = None; "
        "from hrtemnn_training.recipe import read_recipe; "
        f"print(read_recipe({str(recipe)!r}).training.loss)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert run.stdout.strip() == "mean_absolute_error"


def test_adam_has_amsgrad_unless_told_otherwise() -> None:
    assert make_optimizer("adam", {"beta_1": 0.8}).amsgrad
    assert not make_optimizer("adam", {"amsgrad": False}).amsgrad
    assert isinstance(make_optimizer("rmsprop", {}), keras.optimizers.RMSprop)
    assert make_optimizer("sgd", {"momentum": 0.5}).momentum == 0.5


def test_kernels_alone_are_regularized() -> None:
    inputs = keras.Input((4, 4, 2))
    x = keras.layers.Conv2D(3, 3, bias_initializer="ones")(inputs)
    x = keras.layers.PReLU(alpha_initializer="ones", shared_axes=[1, 2])(x)
    model = keras.Model(inputs, keras.layers.SeparableConv2D(1, 1)(x))
    kernels = [w.numpy() for w in model.weights if w.ndim == 4]
    assert len(kernels) == 3
    assert model.losses == []
    regularize_kernels(model, 0)
    assert model.losses == []
    regularize_kernels(model, 0.5)
    expected = 0.5 * sum(np.sum(kernel**2) for kernel in kernels)
    assert sum(float(loss) for loss in model.losses) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ([], {}),
        (["--limitdata", "4", "--regularize", "1e-5"], {"limit_data": 4}),
        (["--rmsprop", "2e-4"], {"optimizer": "rmsprop", "optimizer_options": {}}),
        (
            ["--adam", '{"learning_rate": 0.002, "beta_1": 0.8}'],
            {"optimizer": "adam", "optimizer_options": {"beta_1": 0.8}},
        ),
    ],
)
def test_options_of_train_take_the_place_of_the_recipes(
    options, changed, recipe_values, tmp_path, monkeypatch
) -> None:
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(recipe_values), encoding="utf-8")
    called = []
    monkeypatch.setattr(
        "hrtemnn_training.train.loop.train",
        lambda recipe, _, **more: called.append((recipe, more)),
    )
    (tmp_path / "last.keras").touch()
    arguments = ["train", str(path), str(tmp_path), "--epochsave", "3", *options]
    result = CliRunner().invoke(main, [*arguments, "--restart"])
    assert result.exit_code == 0, result.output
    assert result.output == f"deleted {tmp_path / 'last.keras'}\n"
    ((recipe, more),) = called
    assert more == {"save_every": 3}
    assert changed.items() <= recipe.training.model_dump().items()
    assert recipe.training.regularize == (1e-5 if "--regularize" in options else 0)
    rate = {"--rmsprop": 2e-4, "--adam": 0.002}.get((options or [""])[0])
    rates = [stage.learning_rate for stage in read_recipe(path).training.stages]
    expected = [(rate, rate)] * 2 if rate else rates
    assert [s.learning_rate for s in recipe.training.stages] == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--adam", "{}", "--rmsprop", "1e-3"], "one of --adam and --rmsprop"),
        (["--adam", "0.001"], "not a JSON object"),
        (["--adam", "{beta"], "not JSON in line 1"),
        (["--adam", '{"beta": 1}'], "adam does not take beta"),
        (["--adam", '{"learning_rate": "fast"}'], "learning_rate"),
    ],
)
def test_options_that_are_not_possible_are_refused(
    options, message, recipe_values, tmp_path
) -> None:
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(recipe_values), encoding="utf-8")
    (tmp_path / "last.keras").touch()
    arguments = ["train", str(path), str(tmp_path), *options, "--restart"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code != 0
    assert message in result.output
    assert "Traceback" not in result.output
    assert (tmp_path / "last.keras").exists()
