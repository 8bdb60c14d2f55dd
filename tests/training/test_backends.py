# SPDX-License-Identifier: GPL-3.0-or-later
"""The same training under each Keras backend that is installed beside TensorFlow."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from hrtemnn_training.recipe import Recipe
from hrtemnn_training.train.loop import train
from hyperspy_hrtemnn.networks import load

TRAIN_STOP_RESUME_EXPORT = """
import os, sys
from pathlib import Path
import keras, numpy as np
from hrtemnn_training.train import loop as training
from hrtemnn_training.export.onnx_file import export, trained_model
from hrtemnn_training.recipe import read_recipe

assert keras.backend.backend() == os.environ["KERAS_BACKEND"]
whole, broken = map(Path, sys.argv[1:])
recipe = read_recipe(whole / "tiny.json")
training.train(recipe, whole, progress=False)

run_epoch = training.train_epoch
def stop_in_the_second(model, images, bar):
    if len(list(broken.glob("history.csv"))):
        raise KeyboardInterrupt
    return run_epoch(model, images, bar)
training.train_epoch = stop_in_the_second
try:
    training.train(recipe, broken, progress=False)
except KeyboardInterrupt:
    training.train_epoch = run_epoch
training.train(recipe, broken, progress=False)
for ours, theirs in zip(
    *(keras.saving.load_model(f / "last.keras").get_weights() for f in (whole, broken)),
    strict=True,
):
    np.testing.assert_array_equal(ours, theirs)

export(recipe, whole)
image = np.random.default_rng(0).normal(size=(1, 24, 36, 1)).astype("float32")
np.save(whole / "answer.npy", trained_model(recipe, whole).predict(image, verbose=0))
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_training_goes_on_exports_and_is_read_by_another_backend(
    backend, run_folder, recipe_values, tmp_path
) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    recipe_values["training"]["stages"] = [{"epochs": 2, "learning_rate": [0.01, 0.01]}]
    recipe = Recipe.model_validate(recipe_values)
    folders = [tmp_path / "whole", tmp_path / "broken"]
    for folder in folders:
        folder.mkdir()
        for path in run_folder.glob("*.zarr"):
            (folder / path.name).symlink_to(path)
    (folders[0] / "tiny.json").write_text(recipe.model_dump_json(exclude_unset=True))
    environment = os.environ | {"KERAS_BACKEND": backend}
    result = subprocess.run(
        [sys.executable, "-c", TRAIN_STOP_RESUME_EXPORT, *map(str, folders)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr

    # What TensorFlow reads is what the other backend wrote.
    image = np.random.default_rng(0).normal(size=(1, 24, 36, 1)).astype(np.float32)
    expected = np.load(folders[0] / "answer.npy")
    best = keras.saving.load_model(folders[0] / "best.keras", compile=False)
    given = keras.ops.convert_to_numpy(best(image))
    np.testing.assert_allclose(given, expected, atol=1e-5)
    exported = load(folders[0] / "tiny.onnx").predict(image.transpose(0, 3, 1, 2))
    np.testing.assert_allclose(exported.transpose(0, 2, 3, 1), expected, atol=1e-4)
    # And goes on with its optimizer: all epochs are done.
    assert len(train(recipe, folders[0], progress=False)) == 2
