# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that a training leaves in the folder of a run, and whose they are."""

from __future__ import annotations

import shutil
from io import StringIO
from typing import TYPE_CHECKING
from zipfile import BadZipFile, ZipFile

import pandas as pd

from hrtemnn_training.json_files import read_json
from hyperspy_hrtemnn.atomic import written_whole

if TYPE_CHECKING:
    from pathlib import Path

    import keras

    from hrtemnn_training.recipe import Recipe
    from hrtemnn_training.training_settings import Stage

# In the order in which it may be deleted: what is left of it belongs to the recipe.
_LEFT = (
    "last.keras",
    "best.keras",
    "epoch-*.keras",
    "teacher-*.keras",
    "tensorboard",
    "history.png",
    "history.csv",
    "recipe.json",
)


ANEW = "begin anew with `hrtemnn train --restart`, which keeps structures and waves"
"""What can be done where nothing else is left."""


class TrainingError(RuntimeError):
    """A training that cannot go on, and why."""


def claim(folder: Path, recipe: Recipe) -> None:
    """Write the recipe into the folder it trains in, as ``recipe.json``.

    Raises
    ------
    TrainingError
        If another recipe began a training there.
    """
    if _recipe_in(folder, recipe) != recipe:
        raise TrainingError(
            f"{folder} was trained by a recipe that differs; choose another folder, or "
            "begin anew with `hrtemnn train --restart`."
        )
    path = folder / "recipe.json"
    if not path.exists():
        # As the file says it, for the same hash.
        _write(path, recipe.model_dump_json(indent=2, exclude_unset=True))


def trained_recipe(folder: Path, recipe: Recipe) -> Recipe:
    """Return a recipe with the options that its training in a folder was given.

    Raises
    ------
    TrainingError
        If it is another recipe that was trained there.
    """
    trained = _recipe_in(folder, recipe)
    if trained == recipe:  # the file may be of an earlier version, the hash another
        return recipe
    if trained.model_copy(update={"training": recipe.training}) != recipe:
        raise TrainingError(f"{folder} was trained by a recipe that differs.")
    return trained


def _recipe_in(folder: Path, recipe: Recipe) -> Recipe:
    path = folder / "recipe.json"
    if not path.exists():
        return recipe
    try:
        # Keys that are newer than the file have their defaults in it.
        return type(recipe).model_validate_json(read_json(path))
    except ValueError:
        raise TrainingError(
            f"{path} is damaged, so that nobody knows what was trained there. If it "
            f"was this recipe with these options, delete the file; if not, {ANEW}."
        ) from None


def restore_last(model: keras.Model, folder: Path) -> None:
    """Give a compiled model weights and optimizer of the last whole epoch, if any.

    Another backend may have trained it: nothing but numbers is read, because the file
    also names the optimizer's class in the backend that wrote it.
    """
    path = folder / "last.keras"
    if not path.exists():
        return
    kept = sorted(file.name for file in folder.glob("epoch-*.keras"))
    copy = f"put a copy of {kept[-1]} in its place, or " if kept else ""
    check_network(path, f"{copy}{ANEW}")
    check_network(folder / "best.keras", ANEW)
    model.optimizer.build(model.trainable_variables)
    model.load_weights(path)


def check_network(path: Path, remedy: str) -> None:
    """Raise a TrainingError if a network that Keras wrote is damaged or missing.

    Parameters
    ----------
    path
        The file.
    remedy
        What a user can do then.
    """
    try:
        with ZipFile(path) as file:
            damaged = file.testzip()  # reads all, and compares the checksums
    except (BadZipFile, EOFError, ValueError, FileNotFoundError):
        damaged = path.name
    if damaged is not None:
        raise TrainingError(f"{path} is damaged or missing: {remedy}.")


def save_network(model: keras.Model, path: Path) -> None:
    """Write a network with its optimizer, whole or not at all."""
    with written_whole(path) as temporary:
        model.save(temporary)


def read_history(folder: Path, epochs: int) -> pd.DataFrame:
    """Return the rows of the first `epochs` epochs, as `write_history` wrote them."""
    if not epochs:
        return pd.DataFrame()
    history = _history(folder)
    if history is None or list(history.index[:epochs]) != [*range(epochs)]:
        raise TrainingError(
            f"{folder / 'history.csv'} is damaged or missing, and says no longer which "
            f"of the {epochs} epochs was the best: {ANEW}."
        )
    return history.iloc[:epochs]


def _history(folder: Path) -> pd.DataFrame | None:
    """Return all rows of a history, None if it is not as it was written."""
    try:
        text = (folder / "history.csv").read_text(encoding="utf-8")
        # As texts first: not every version of pandas reads numbers to the last bit.
        texts = pd.read_csv(StringIO(text), dtype=str)
        history = texts.astype(float).astype({"epoch": int}).set_index("epoch")
    except (ValueError, KeyError, FileNotFoundError):
        return None
    # A number that is cut off is a number still.
    return history if text.endswith("\n") else None


def epochs_done(folder: Path) -> int:
    """Return the number of epochs in the history of a folder, 0 without one."""
    history = _history(folder)
    return 0 if history is None else len(history)


def best_stage(recipe: Recipe, folder: Path) -> Stage:
    """Return the stage of the network that was kept as the best.

    Losses of several stages cannot be compared, so that it is always of the last one
    that was begun.
    """
    epochs = recipe.training.epochs
    if (folder / "history.csv").exists():
        history = _history(folder)
        if history is None:
            raise TrainingError(f"{folder / 'history.csv'} is damaged: {ANEW}.")
        epochs = max(len(history.iloc[:epochs]), 1)
    stage, _ = recipe.training.at(epochs - 1)
    return stage


def write_history(history: pd.DataFrame, folder: Path) -> None:
    """Write a row for each epoch into ``history.csv``."""
    # As `write_text` takes them: pandas itself ends lines as the system does.
    text = history.to_csv(index_label="epoch", lineterminator="\n")
    _write(folder / "history.csv", text)


def delete_training(folder: Path) -> list[Path]:
    """Delete what an earlier training left in a folder, and return what that was.

    Structures, exit waves and formed images stay, and so does an exported network.
    """
    found = [path for name in _LEFT for path in sorted(folder.glob(name))]
    for path in found:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    return found


def _write(path: Path, text: str) -> None:
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
