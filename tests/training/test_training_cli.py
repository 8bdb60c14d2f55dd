# SPDX-License-Identifier: GPL-3.0-or-later
"""The training side from the shell."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile

import pytest
import tiny_networks
import zarr
from click.testing import CliRunner

from hrtemnn_training.export import onnx_file
from hrtemnn_training.store import DataSet
from hyperspy_hrtemnn.cli import main
from hyperspy_hrtemnn.networks import available_devices, load


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


def test_make_goes_from_the_recipe_to_the_scores(made) -> None:
    _, folder = made
    assert load(folder / "tiny.onnx").card.scores["images"] == 12


KILLED_IN_THE_SECOND_EPOCH = """
import os, signal, sys
from hrtemnn_training.train.batches import ImageEpoch
from hyperspy_hrtemnn.cli import main

form = ImageEpoch.__getitem__

def die(self, index):
    if self._epoch == 1 and index == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return form(self, index)

ImageEpoch.__getitem__ = die
main(sys.argv[1:])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_make_killed_at_several_places_makes_the_same_network(made, tmp_path) -> None:
    recipe_file, whole = made
    for name in ("train.zarr", "validation.zarr", "test.zarr"):
        shutil.copytree(whole / name, tmp_path / name)
    # In the middle of a structure that was being written, and of an exit wave.
    structure, wave = (
        zarr.open_group(tmp_path / "train.zarr")[f"0000{i}"] for i in "02"
    )
    del structure.attrs["atoms"], structure.attrs["wave"], wave.attrs["wave"]
    (tmp_path / "train.zarr" / "00000" / "numbers" / "zarr.json").unlink()
    shutil.rmtree(tmp_path / "train.zarr" / "00002" / "wave" / "c")
    arguments = ["make", str(recipe_file), str(tmp_path), "-n", "1"]
    # And in the middle of the training.
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_IN_THE_SECOND_EPOCH, *arguments],
        check=False,
        capture_output=True,
    )
    assert killed.returncode == -9, killed.stderr
    assert len((tmp_path / "history.csv").read_text().splitlines()) == 2
    assert not (tmp_path / "tiny.onnx").exists()

    result = run(*arguments)
    assert result.exit_code == 0, result.output
    for name in ("tiny.onnx", "evaluation.json"):
        assert (tmp_path / name).read_bytes() == (whole / name).read_bytes(), name


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


def test_an_export_for_bioimage_io_has_a_package_beside_it(
    recipe_file, tmp_path, monkeypatch
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()

    def export(recipe, folder):
        return tiny_networks.convolution(folder / "tiny.onnx", authors=("A. Author",))

    monkeypatch.setattr(onnx_file, "export", export)
    result = run("export", recipe_file, folder, "--bioimageio")
    assert result.exit_code == 0, result.output
    names = [str(folder / f"tiny.{suffix}") for suffix in ("onnx", "zip")]
    assert result.output.split() == names
    with zipfile.ZipFile(folder / "tiny.zip") as package:
        content = package.read("network.onnx")
    assert content == (folder / "tiny.onnx").read_bytes()


@pytest.mark.parametrize("command", ["evaluate", "dose-study"])
def test_networks_are_measured_on_the_device_that_is_named(
    command, recipe_file, tmp_path
) -> None:
    missing = next(d for d in ("coreml", "directml") if d not in available_devices())
    options = ("au-columns", "--device", missing)
    result = run(command, recipe_file, tmp_path, *options)
    assert result.exit_code == 1
    assert f"The device {missing!r} is not in the onnxruntime" in result.output


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


def test_evaluate_takes_other_conditions(recipe_file, tmp_path) -> None:
    result = run("evaluate", recipe_file, tmp_path, "--images", '{"label": "Disk"}')
    assert result.exit_code == 1
    assert "label would change what is asked" in result.output
