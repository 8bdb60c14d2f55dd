# SPDX-License-Identifier: GPL-3.0-or-later
"""A recipe that runs in seconds; what its tests need may be missing.

Without the extra `simulation` no test of this folder is collected, without `training`
none that makes or trains a network. The first lines of the report say so.
"""

from __future__ import annotations

import importlib.util
import json
import os

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

_SIMULATION = ("abtem", "distributed", "zarr")
_TRAINING = ("keras", "onnx", "tensorflow")

# What makes, trains, exports or evaluates networks.
_OF_NETWORKS = [
    "random_networks.py",
    "test_architecture_study.py",
    "test_architectures.py",
    "test_backends.py",
    "test_chemical_order.py",
    "test_chirality.py",
    "test_denoisers.py",
    "test_distillation.py",
    "test_domain.py",
    "test_dose_study.py",
    "test_evaluation.py",
    "test_finetuning.py",
    "test_forecast.py",
    "test_graph_weights.py",
    "test_guard.py",
    "test_images.py",
    "test_network_training.py",
    "test_object_weight.py",
    "test_optics_label.py",
    "test_training_cli.py",
    "test_training_resume.py",
    "test_training_settings.py",
    "test_wave_loss.py",
    "test_zone_axis.py",
]


def _missing(names: tuple[str, ...]) -> str:
    return ", ".join(name for name in names if importlib.util.find_spec(name) is None)


if _missing(_SIMULATION):
    collect_ignore_glob = ["[!c]*.py"]  # examples are looked for in all of them
elif _missing(_TRAINING):
    collect_ignore = _OF_NETWORKS


def pytest_report_header() -> str:
    if missing := _missing(_SIMULATION):
        return f"tests of the training side left out, not installed: {missing}"
    if missing := _missing(_TRAINING):
        return f"tests that make networks left out, not installed: {missing}"
    return "tests of the training side collected"


def tiny_recipe() -> dict:
    return {
        "name": "tiny",
        "description": "As small as it gets",
        "material": "Au on CeO2",
        "classes": ["nanoparticle"],
        "seed": 3,
        "size": {"train": 6, "validation": 2, "test": 6},
        "structures": {
            "field": 46,
            "layers": [3, 4],
            "particles": [1, 1],
            "thickness": [8, 12],
        },
        "waves": {"sampling": 0.25},
        "images": {"image_size": [88, 72], "sampling": [0.15, 0.2], "log_dose": [3, 5]},
        "sampling": 0.4,
        "network": {"width": 2, "levels": 2, "kernel": 3},
        "training": {
            "batch_size": 2,
            "validation_images": 2,
            "stages": [
                {"epochs": 1, "learning_rate": [0.01, 0.01]},
                {
                    "epochs": 2,
                    "learning_rate": [0.01, 0.001],
                    "images": {"log_dose": [2, 5]},
                    "object_weight": 9,
                },
            ],
        },
    }


@pytest.fixture
def recipe_values() -> dict:
    return tiny_recipe()


@pytest.fixture
def recipe():
    from hrtemnn_training.recipe import Recipe

    return Recipe.model_validate(tiny_recipe())


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory):
    """Give a folder with the structures and exit waves of the tiny recipe."""
    from hrtemnn_training.generation import PURPOSES, data_path, make_structures
    from hrtemnn_training.recipe import Recipe
    from hrtemnn_training.store import DataSet
    from hrtemnn_training.waves.multislice import exit_wave

    recipe = Recipe.model_validate(tiny_recipe())
    folder = tmp_path_factory.mktemp("run")
    make_structures(recipe, folder, processes=1, progress=False)
    for purpose in PURPOSES:
        data = DataSet(data_path(folder, purpose), "a")
        for i in data.missing("wave"):
            wave = exit_wave(data.read_structure(i), recipe.waves)
            data.write_wave(i, wave, recipe.waves.energy_of(0))
    return folder


@pytest.fixture(scope="session")
def trained_as():
    """Give the tiny recipe with all that a training has to remember."""
    from hrtemnn_training.recipe import Recipe

    values = tiny_recipe()
    values["training"] |= {"precision": "mixed_bfloat16", "regularize": 1e-3}
    # With weights in both stages TensorFlow traces the training once.
    values["training"]["stages"][0]["object_weight"] = 2
    values["training"]["stages"][1]["widen"] = True
    return Recipe.model_validate(values)


@pytest.fixture(scope="session")
def trained(run_folder, trained_as, tmp_path_factory):
    """Give a folder with an unbroken training, every second epoch kept."""
    import keras

    from hrtemnn_training.train.loop import train

    folder = tmp_path_factory.mktemp("trained")
    for name in ("train.zarr", "validation.zarr", "test.zarr"):
        (folder / name).symlink_to(run_folder / name)
    train(trained_as, folder, save_every=2, progress=False)
    keras.mixed_precision.set_global_policy("float32")
    return folder


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Give a recipe's file and the folder in which `hrtemnn make` made its network."""
    from click.testing import CliRunner

    from hyperspy_hrtemnn.cli import main

    folder = tmp_path_factory.mktemp("made")
    values = tiny_recipe()
    values["size"] = {"train": 3, "validation": 1, "test": 6}
    values["training"] |= {"batch_size": 1, "validation_images": 1}
    values["training"]["stages"] = [{"epochs": 2, "learning_rate": [0.01, 0.001]}]
    path = folder / "tiny.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    run = folder / "run"
    result = CliRunner().invoke(main, ["make", str(path), str(run), "-n", "1"])
    assert result.exit_code == 0, result.output
    return path, run
