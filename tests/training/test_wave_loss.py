# SPDX-License-Identifier: GPL-3.0-or-later
"""Loss of exit waves: what it does not see, and how much it sees of each frequency."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from known_specimens import EXTENT

from hrtemnn_training.cosine_series import cosines_and_sines, frequencies, slopes
from hrtemnn_training.images.grid import Grid
from hrtemnn_training.images.wave_label import exit_wave
from hrtemnn_training.recipe import Recipe
from hrtemnn_training.train.loop import train
from hrtemnn_training.train.new_network import new_model
from hrtemnn_training.wave_loss import RegisteredWaveLoss

PIXEL = 0.2
SHAPE = 48, 64
CORNER = np.array([15.0, 14.0])


def wave(shift=(0.0, 0.0), seed=0, margin=2.5):
    """Return a label of columns, moved by (y, x) [Å] exactly, shape (y, x, 2).

    They are as far from the borders as the margin says [Å].
    """
    rng = np.random.default_rng(seed)
    y, x = (np.arange(n) * e / n for n, e in zip((160, 208), EXTENT, strict=True))
    size = np.multiply(SHAPE, PIXEL)
    columns = np.ones((160, 208), complex)
    for place in rng.uniform(CORNER + margin, CORNER + size - margin, (20, 2)):
        square = (y[:, np.newaxis] - place[0]) ** 2 + (x - place[1]) ** 2
        columns += 0.4j * np.exp(-square / (2 * 0.4**2))
    return exit_wave(columns, EXTENT, Grid(tuple(CORNER - shift), tuple(size), SHAPE))


def loss_of(labels, predictions, largest_shift=0.1, twice_at=None):
    loss = RegisteredWaveLoss(SHAPE, PIXEL, largest_shift, twice_at)
    found = loss.call(np.asarray(labels), np.asarray(predictions))
    return keras.ops.convert_to_numpy(found)


def mean_square(labels, predictions):
    return np.mean((np.asarray(labels) - predictions) ** 2, axis=(1, 2, 3))


@pytest.mark.parametrize("length", [0.01, 0.05, 0.1])
def test_a_label_that_is_only_shifted_has_no_loss(length) -> None:
    shifts = [(length, 0), (0, -length), (-0.6 * length, 0.8 * length)]
    labels = [wave(seed=i) for i in range(3)]
    moved = [wave(shift, seed=i) for i, shift in enumerate(shifts)]
    for twice_at in (None, 1.0):
        unregistered = loss_of(labels, moved, 1e-9, twice_at)
        assert (loss_of(labels, moved, 0.1, twice_at) < 1e-3 * unregistered).all()


def test_columns_that_the_border_cuts_hide_a_shift_nearly_as_well() -> None:
    # What comes in from beyond the border nobody knows.
    label, moved = [wave(margin=-1)], [wave((0.04, -0.03), margin=-1)]
    assert loss_of(label, moved) < 0.02 * mean_square(label, moved)


def test_a_label_that_is_shifted_farther_loses_what_is_beyond() -> None:
    label = [wave()]
    for beyond in (0.05, 0.1):
        along = np.array([0.6, -0.8])
        left = loss_of(label, [wave((0.1 + beyond) * along)])
        expected = loss_of([wave(0.1 * along)], [wave((0.1 + beyond) * along)], 1e-9)
        np.testing.assert_allclose(left, expected, rtol=0.1)


def test_each_wave_of_a_batch_has_its_own_shift() -> None:
    labels = [wave(seed=1), wave(seed=2)]
    opposite = [wave((0.08, 0), seed=1), wave((-0.08, 0), seed=2)]
    assert (loss_of(labels, opposite) < 1e-3 * mean_square(labels, opposite)).all()


def test_without_a_shift_and_weights_it_is_the_mean_square(rng) -> None:
    labels, predictions = rng.normal(size=(2, 3, *SHAPE, 2)).astype(np.float32)
    found = loss_of(labels, predictions, 1e-9)
    np.testing.assert_allclose(found, mean_square(labels, predictions), rtol=1e-5)
    # By Parseval's theorem, whichever way it is computed.
    found = loss_of(labels, predictions, 1e-9, twice_at=1e6)
    np.testing.assert_allclose(found, mean_square(labels, predictions), rtol=1e-4)


@pytest.mark.parametrize(("terms", "twice_at"), [((6, 0), 0.4), ((9, 16), 1.5)])
def test_an_error_of_one_frequency_counts_as_the_formula_says(terms, twice_at) -> None:
    f_y, f_x = (frequencies(n, PIXEL)[k] for n, k in zip(SHAPE, terms, strict=True))
    y, x = ((np.arange(n) + 0.5) * PIXEL for n in SHAPE)
    along = (np.cos(2 * np.pi * f * at) for f, at in ((f_y, y), (f_x, x)))
    error = np.zeros((1, *SHAPE, 2), np.float32)
    error[0, ..., 1] = 0.03 * np.outer(*along)
    label = np.asarray([wave()])
    found = loss_of(label, label + error, 1e-9, twice_at)
    weight = 1 + (f_y**2 + f_x**2) / twice_at**2
    np.testing.assert_allclose(found, weight * np.mean(error**2), rtol=1e-3)


def test_a_wave_without_columns_has_the_loss_of_its_noise(rng) -> None:
    vacuum = np.zeros((2, *SHAPE, 2), np.float32)
    vacuum[..., 0] = 1
    np.testing.assert_allclose(loss_of(vacuum, vacuum), 0, atol=1e-12)
    noisy = vacuum + 0.01 * rng.normal(size=vacuum.shape).astype(np.float32)
    found = loss_of(vacuum, noisy)
    np.testing.assert_allclose(found, mean_square(vacuum, noisy), rtol=1e-4)


def test_the_series_of_a_row_gives_the_row_back_and_its_slopes() -> None:
    cosines, sines = cosines_and_sines(10)
    np.testing.assert_allclose(cosines.T @ cosines, np.eye(10), atol=1e-6)
    assert sines.shape == (10, 10)
    np.testing.assert_allclose(frequencies(10, 0.5)[[0, 1]], [0, 0.1])
    # A cosine of three half periods in the row.
    row = np.cos(3 * np.pi * (np.arange(10) + 0.5) / 10)
    slope = -3 * np.pi / 10 * np.sin(3 * np.pi * (np.arange(10) + 0.5) / 10)
    np.testing.assert_allclose(slopes(10) @ cosines.T @ row, slope, atol=1e-5)


@pytest.fixture
def wave_recipe(recipe_values):
    recipe_values["classes"] = ["real", "imaginary"]
    recipe_values["images"] |= {"label": "Exitwave", "num_classes": 2}
    recipe_values["training"]["stages"] = [{"epochs": 2, "learning_rate": [0.01, 0.01]}]
    recipe_values["training"]["loss"] = {"name": "registered wave"}
    return recipe_values


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ({"name": "registered"}, r"training\.loss\.name"),
        ({}, r"training\.loss\.name"),
        ({"name": "registered wave", "twice": 1}, r"training\.loss\.twice: Extra"),
        ({"name": "registered wave", "twice_at": 0}, r"training\.loss\.twice_at"),
        (
            {"name": "registered wave", "largest_shift": 0.6},
            r"training\.loss\.largest_shift",
        ),
        ({"name": "registered wave", "largest_shift": 0}, r"largest_shift"),
        ("registered wave", r"training\.loss: .*no loss 'registered wave'"),
    ],
)
def test_options_that_are_wrong_are_refused_by_their_key(
    loss, message, wave_recipe, tmp_path
) -> None:
    from hrtemnn_training.recipe import RecipeError, change_training

    recipe = Recipe.model_validate(wave_recipe)
    with pytest.raises(RecipeError, match=message):
        change_training(recipe, loss=loss)


def test_it_is_for_waves(recipe_values) -> None:
    recipe_values["training"]["loss"] = {"name": "registered wave"}
    message = r"training\.loss: 'registered wave' is for the label Exitwave, not for Ma"
    with pytest.raises(ValueError, match=message):
        Recipe.model_validate(recipe_values)


def test_it_is_for_images_of_one_size(wave_recipe) -> None:
    wave_recipe["training"]["stages"][0]["images"] = {"image_size": [64, 64]}
    with pytest.raises(ValueError, match=r"stages: image_size must be the same in all"):
        Recipe.model_validate(wave_recipe)


def test_a_training_by_it_goes_on(wave_recipe, run_folder, tmp_path) -> None:
    for name in ("train.zarr", "validation.zarr"):
        (tmp_path / name).symlink_to(run_folder / name)
    recipe = Recipe.model_validate(wave_recipe)
    history = train(recipe, tmp_path, progress=False)
    # All that registration does to the mean square is to make it less.
    assert (history["validation_loss"] > 0).all()
    assert (history["validation_loss"] <= history["validation_rmse"] ** 2).all()
    # The options are of the training that a folder knows again.
    assert len(train(recipe, tmp_path, progress=False)) == 2
    saved = keras.saving.load_model(tmp_path / "last.keras")
    assert isinstance(saved.loss, RegisteredWaveLoss)
    assert saved.loss.get_config() == new_model(recipe).loss.get_config()


LOSS_AND_GRADIENT = """
import sys
import keras, numpy as np
from hrtemnn_training.wave_loss import RegisteredWaveLoss

labels, predictions = np.load(sys.argv[1])
model = keras.Sequential([keras.Input(labels.shape[1:]), keras.layers.Conv2D(2, 1)])
model.layers[0].kernel.assign(np.eye(2)[None, None])
loss = RegisteredWaveLoss(labels.shape[1:3], 0.2, 0.1, 1.0)
model.compile(optimizer=keras.optimizers.SGD(1.0), loss=loss)
value = float(model.train_on_batch(predictions, labels))
np.save(sys.argv[2], [value, *np.ravel(model.layers[0].kernel)])
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_have_the_same_loss_and_gradient(backend, tmp_path) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    labels = np.stack([wave(seed=i) for i in range(2)])
    moved = [wave((0.03, 0.02), seed=0), wave((0.09, -0.2), seed=1)]
    np.save(tmp_path / "waves.npy", [labels, np.multiply(moved, 1.1)])
    found = {}
    for name in ("tensorflow", backend):
        paths = tmp_path / "waves.npy", tmp_path / f"{name}.npy"
        result = subprocess.run(
            [sys.executable, "-c", LOSS_AND_GRADIENT, *map(str, paths)],
            env=os.environ | {"KERAS_BACKEND": name},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        found[name] = np.load(paths[1])
    np.testing.assert_allclose(found[backend], found["tensorflow"], rtol=1e-3)
