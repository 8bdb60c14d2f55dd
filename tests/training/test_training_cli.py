# SPDX-License-Identifier: GPL-3.0-or-later
"""The training side from the shell."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from hrtemnn_training.store import DataSet
from hyperspy_hrtemnn.cli import main
from hyperspy_hrtemnn.networks import load


@pytest.fixture
def recipe_file(tmp_path, recipe_values):
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(recipe_values), encoding="utf-8")
    return path


def run(*arguments: object):
    return CliRunner().invoke(main, [str(a) for a in arguments])


def test_structures(recipe_file, tmp_path) -> None:
    result = run("structures", recipe_file, tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert len(DataSet(tmp_path / "run" / "train.zarr")) == 6


def test_only_the_sets_asked_for_with_a_seed_of_ones_own(recipe_file, tmp_path) -> None:
    for folder, options in (("a", ()), ("b", ("--seed", 8))):
        result = run(
            "structures", recipe_file, tmp_path / folder, "--test", "-n", 1, *options
        )
        assert result.exit_code == 0, result.output
        assert not (tmp_path / folder / "train.zarr").exists()
    ours, others = (
        DataSet(tmp_path / folder / "test.zarr").read_structure(0) for folder in "ab"
    )
    assert ours.positions.sum() != others.positions.sum()


def test_make_goes_from_the_recipe_to_the_scores(
    recipe_file, recipe_values, tmp_path
) -> None:
    recipe_values["size"] = {"train": 2, "validation": 1, "test": 6}
    recipe_values["training"]["stages"] = [{"epochs": 1, "learning_rate": [0.01, 0.01]}]
    recipe_values["training"]["validation_images"] = 1
    recipe_file.write_text(json.dumps(recipe_values), encoding="utf-8")
    result = run("make", recipe_file, tmp_path / "run", "-n", 1)
    assert result.exit_code == 0, result.output
    assert load(tmp_path / "run" / "tiny.onnx").card.scores["images"] == 12
    again = run("make", recipe_file, tmp_path / "run", "-n", 1)
    assert again.exit_code == 0, again.output


def test_images_are_drawn_and_kept(
    recipe_file, recipe_values, run_folder, tmp_path
) -> None:
    (tmp_path / "train.zarr").symlink_to(run_folder / "train.zarr")
    recipe_values["images"] |= {"debug": 7, "image_epochs": 2, "multifocus": [2, 50, 0]}
    recipe_file.write_text(json.dumps(recipe_values), encoding="utf-8")
    result = run("images", recipe_file, tmp_path, "--cache")
    assert result.exit_code == 0, result.output
    pictures = sorted(path.name for path in (tmp_path / "debug").iterdir())
    # Of six structures one is shown once more, in its second image epoch.
    assert pictures == [f"{i:04d}.png" for i in range(7)]
    assert (tmp_path / "debug" / "0000.png").stat().st_size > 10_000
    assert len(list((tmp_path / "images").rglob("*.npz"))) == 3 * 6


@pytest.mark.parametrize("command", ["make", "structures", "waves", "train", "export"])
def test_a_wrong_recipe_stops_each_step_with_one_error(
    command, recipe_file, recipe_values, tmp_path
) -> None:
    recipe_values["images"]["dosse"] = 3
    recipe_file.write_text(json.dumps(recipe_values), encoding="utf-8")
    result = run(command, recipe_file, tmp_path)
    assert result.exit_code == 1
    assert "images.dosse" in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("command", "message"),
    [("waves", "no data set"), ("export", "no trained network"), ("evaluate", "tiny")],
)
def test_steps_out_of_order_say_what_is_missing(
    command, message, recipe_file, tmp_path
) -> None:
    result = run(command, recipe_file, tmp_path / "run")
    assert result.exit_code == 1
    assert message in result.output
