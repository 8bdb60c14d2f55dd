# SPDX-License-Identifier: GPL-3.0-or-later
"""The training side from the shell."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from hrtemnn_training.store import DataSet
from hyperspy_hrtemnn.cli import main


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


@pytest.mark.parametrize("command", ["structures", "waves", "train", "export"])
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
