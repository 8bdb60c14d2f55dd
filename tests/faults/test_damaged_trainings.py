# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a training after a power failure: refused by name, with what to do."""

from __future__ import annotations

import os
import zipfile

import pytest

pytest.importorskip("abtem")
pytest.importorskip("keras")
pytest.importorskip("distributed")
pytest.importorskip("zarr")

import pandas as pd

from hrtemnn_training.recipe import Recipe
from hrtemnn_training.train import files

RECIPE = Recipe.model_validate(
    {
        "name": "tiny",
        "description": "As small as it gets",
        "material": "Au",
        "classes": ["nanoparticle"],
        "seed": 3,
        "size": {"train": 3, "validation": 1, "test": 1},
        "structures": {"field": 46},
        "waves": {},
        "images": {"image_size": [64, 48]},
        "sampling": 0.4,
        "network": {"width": 2, "levels": 2},
        "training": {"stages": [{"epochs": 3, "learning_rate": [0.01, 0.01]}]},
    }
)
HISTORY = pd.DataFrame({"loss": [0.3, 0.2, 0.1], "validation_loss": [1 / 3, 0.2, 0.1]})


def damages(content: bytes) -> list[bytes]:
    """Return what a power failure may leave: nothing, a part, zeros."""
    return [b"", content[: len(content) // 2], content[:-3], bytes(len(content))]


NUMBERS = range(4)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_damaged_history_is_refused(number, tmp_path) -> None:
    files.write_history(HISTORY, tmp_path)
    assert files.read_history(tmp_path, 3).equals(HISTORY)
    path = tmp_path / "history.csv"
    path.write_bytes(damages(path.read_bytes())[number])
    with pytest.raises(files.TrainingError, match=r"history\.csv is damaged.*--restar"):
        files.read_history(tmp_path, 3)
    with pytest.raises(files.TrainingError, match=r"history\.csv is damaged.*--restar"):
        files.best_stage(RECIPE, tmp_path)


def test_a_history_has_one_end_of_line_on_windows(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(os, "linesep", "\r\n")
    files.write_history(HISTORY, tmp_path)
    # In the text; Windows makes it "\r\n" when that is written.
    assert (tmp_path / "history.csv").read_bytes().count(b"\r") == 0


def test_a_history_that_is_missing_is_not_one_without_epochs(tmp_path) -> None:
    assert files.read_history(tmp_path, 0).empty
    with pytest.raises(files.TrainingError, match="missing"):
        files.read_history(tmp_path, 1)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_damaged_recipe_of_a_training_is_refused(number, tmp_path) -> None:
    files.claim(tmp_path, RECIPE)
    path = tmp_path / "recipe.json"
    path.write_bytes(damages(path.read_bytes())[number])
    for use in (files.claim, files.trained_recipe):
        with pytest.raises(files.TrainingError, match=r"recipe\.json is damaged"):
            use(tmp_path, RECIPE)
    path.unlink()  # as the message says
    files.claim(tmp_path, RECIPE)


@pytest.mark.parametrize("name", ["last.keras", "best.keras"])
@pytest.mark.parametrize("number", [*NUMBERS, 4])
def test_a_damaged_network_is_refused_with_what_can_take_its_place(
    number, name, tmp_path
) -> None:
    for whole in ("last.keras", "best.keras", "epoch-0002.keras"):
        with zipfile.ZipFile(tmp_path / whole, "w") as file:
            file.writestr("model.weights.h5", b"weights" * 100)
    path = tmp_path / name
    content = path.read_bytes()
    flipped = content.replace(b"weightsweights", b"weightswEights", 1)
    path.write_bytes([*damages(content), flipped][number])
    with pytest.raises(files.TrainingError, match=rf"{name} is damaged") as caught:
        files.restore_last(None, tmp_path)
    assert "--restart" in str(caught.value)
    assert ("epoch-0002.keras" in str(caught.value)) == (name == "last.keras")
