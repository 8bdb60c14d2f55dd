# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks for denoising: their labels, the residual U-net, and what the card says."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
from known_specimens import EXTENT, specimen

from hrtemnn_training.architectures import UNetSettings
from hrtemnn_training.architectures.networks import make_network
from hrtemnn_training.evaluation.error_of_spread import measure_error_of_spread
from hrtemnn_training.export.onnx_file import export
from hrtemnn_training.images.sample import take_sample
from hrtemnn_training.parameters import ImageParameters
from hrtemnn_training.recipe import Recipe
from hrtemnn_training.train.new_network import network_of
from hyperspy_hrtemnn.networks import denoise, load


def of_noise(recipe_values, **changes):
    """Return the tiny recipe for images without noise."""
    values = recipe_values | {"classes": ["noiseless image"]}
    values["images"] = values["images"] | {"label": "Clean image"}
    stages = [{"epochs": 1, "learning_rate": [0.01, 0.01]}]
    values["training"] = values["training"] | {"stages": stages}
    values["network"] = {"widths": [4, 8], "convolutions": 2, "residual": True}
    return Recipe.model_validate(values | changes)


def test_a_residual_network_begins_as_one_that_changes_nothing(recipe_values):
    recipe = of_noise(recipe_values)
    for fold in (1, 2):
        settings = recipe.network.model_copy(update={"fold": fold})
        changed = recipe.model_copy(update={"network": settings})
        image = np.random.default_rng(1).normal(size=(2, 24, 40, 1)).astype(np.float32)
        answer = network_of(changed).predict(image, verbose=0)
        np.testing.assert_array_equal(answer, image)


def test_what_a_residual_network_adds_depends_on_the_image():
    keras.utils.set_random_seed(1)
    settings = UNetSettings(widths=(4, 8), convolutions=2)
    plain, residual = (
        make_network(each, activation="linear")
        for each in (settings, settings.model_copy(update={"residual": True}))
    )
    residual.set_weights(plain.get_weights())
    image = np.random.default_rng(2).normal(size=(1, 16, 24, 1)).astype(np.float32)
    added = residual.predict(image, verbose=0) - image
    np.testing.assert_allclose(added, plain.predict(image, verbose=0), atol=1e-5)
    assert np.std(added) > 0.01


def test_a_residual_network_gives_as_many_images_as_it_gets(recipe_values):
    values = recipe_values | {"network": {"residual": True}, "classes": ["a", "b"]}
    values["images"] = values["images"] | {"label": "Exitwave", "num_classes": 2}
    stages = [{"epochs": 1, "learning_rate": [0.01, 0.01]}]
    values["training"] = values["training"] | {"stages": stages}
    with pytest.raises(ValueError, match=r"network.residual: .* not 2 and 1"):
        Recipe.model_validate(values)


def test_the_exported_network_denoises_in_counts(recipe_values, run_folder, tmp_path):
    recipe = of_noise(recipe_values)
    for name in ("train.zarr", "validation.zarr", "test.zarr"):
        (tmp_path / name).symlink_to(run_folder / name)
    keras.utils.set_random_seed(2)
    model = network_of(recipe)
    head = model.get_layer("head")
    head.kernel.assign(0.05 * np.random.default_rng(3).normal(size=head.kernel.shape))
    model.save(tmp_path / "best.keras")
    (tmp_path / "recipe.json").write_text(json.dumps(recipe.model_dump(mode="json")))
    network = load(export(recipe, tmp_path))
    assert network.card.task == "denoising"
    assert network.card.error_of_spread is None
    counts = np.random.default_rng(4).poisson(300, (90, 113))
    (answer,) = denoise(network, counts, recipe.sampling)
    assert answer.sum() == pytest.approx(counts.sum(), rel=1e-5)
    assert 0.5 < np.std(answer - 300) / np.std(counts - 300) < 1.5

    factor = measure_error_of_spread(recipe, tmp_path, network, progress=False)
    # Nothing was learned: the noise is in all orientations alike.
    assert factor is not None
    assert factor > 1


def test_an_image_without_aberrations_has_bright_atoms_in_their_places():
    """A disc that turns the phase by 0.3 rad, seen through a strong defocus."""
    parameters = ImageParameters(
        label="Unaberrated image",
        image_size=(104, 72),
        sampling=(0.2, 0.2),
        defocus=(400, 400),
        log_dose=(6, 6),
    )
    known = specimen((24.0, 17.0, 3.0))
    wave = np.where(np.abs(known.wave) < 0.9, np.exp(0.3j), 1).astype(np.complex64)
    object.__setattr__(known, "wave", wave)
    sample = take_sample(
        known,
        parameters,
        sampling=0.25,
        rng=np.random.default_rng(5),
        shape=(72, 104),
    )
    label = parameters.kind.draw(sample, sample.working_grid)
    assert label.shape == (72, 104, 1)
    grid = sample.working_grid
    y, x = grid.centers(0)[:, np.newaxis], grid.centers(1)
    inside = np.hypot(y - 17, x - 24) < 2.5
    outside = np.hypot(y - 17, x - 24) > 3.5
    assert EXTENT == (40.0, 52.0)
    assert label[inside, 0].min() > label[outside, 0].max()
