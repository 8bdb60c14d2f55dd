# SPDX-License-Identifier: GPL-3.0-or-later
"""A training that is stopped anywhere gives the weights of an unbroken one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import keras
import numpy as np
import pandas as pd
import pytest
from tqdm import tqdm

from hrtemnn_training.recipe import RecipeError, change_training
from hrtemnn_training.store import DataSet
from hrtemnn_training.train import files as training_files
from hrtemnn_training.train import loop as training
from hrtemnn_training.train.batches import ImageEpoch
from hrtemnn_training.train.files import delete_training, trained_recipe
from hrtemnn_training.train.loop import TrainingError, train, train_epoch

if TYPE_CHECKING:
    from pathlib import Path


class Stopped(Exception):  # noqa: N818
    """What stands for a kill: nothing is written after it."""


def link_data(source: Path, folder: Path) -> None:
    for name in ("train.zarr", "validation.zarr", "test.zarr"):
        (folder / name).symlink_to(source / name)


def state(path: Path) -> list[np.ndarray]:
    """Return weights, optimizer's variables and counters of a saved network."""
    model = keras.saving.load_model(path)
    return [np.asarray(v) for v in (*model.variables, *model.optimizer.variables)]


def assert_same_state(path: Path, other: Path) -> None:
    for ours, theirs in zip(state(path), state(other), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_stopped_training_gives_the_same_weights(
    trained, trained_as, run_folder, tmp_path, monkeypatch
) -> None:
    link_data(run_folder, tmp_path)
    form = ImageEpoch.__getitem__

    def stop_in_the_second_epoch(self: ImageEpoch, index: int):
        if self._epoch == 1 and index == 2:
            raise Stopped
        return form(self, index)

    with monkeypatch.context() as patch:
        patch.setattr(ImageEpoch, "__getitem__", stop_in_the_second_epoch)
        with pytest.raises(Stopped):
            train(trained_as, tmp_path, progress=False)
    first = pd.read_csv(tmp_path / "history.csv")
    assert len(first) == 1
    # As if it was killed a second time, before the network of an epoch was written.
    pd.concat([first, first * 0 - 7]).to_csv(tmp_path / "history.csv", index=False)

    history = train(trained_as, tmp_path, progress=False)
    whole = pd.read_csv(trained / "history.csv", index_col="epoch")
    timed = ["data_wait"]
    pd.testing.assert_frame_equal(
        history.drop(columns=timed),
        whole.drop(columns=timed),
        check_names=False,
        rtol=1e-15,
    )
    for name in ("last.keras", "best.keras"):
        assert_same_state(tmp_path / name, trained / name)
    with pytest.raises(AssertionError):
        assert_same_state(tmp_path / "last.keras", trained / "epoch-0002.keras")


def test_every_epoch_leaves_a_row_a_picture_and_the_networks_asked_for(
    trained, trained_as
) -> None:
    history = pd.read_csv(trained / "history.csv", index_col="epoch")
    assert list(history) == [
        "loss",
        "learning_rate",
        "data_wait",
        "validation_loss",
        "validation_f1",
    ]
    assert np.isfinite(history.to_numpy()).all()
    assert history["data_wait"].between(0, 1).all()
    assert (trained / "history.png").stat().st_size > 1000
    assert [p.name for p in trained.glob("epoch-*")] == ["epoch-0002.keras"]
    assert len(history) == trained_as.training.epochs
    # The second stage weighs particles 9 times: the best epoch is one of it all the
    # same.
    assert history["validation_loss"].idxmin() == 0
    best = keras.saving.load_model(trained / "best.keras")
    assert int(best.optimizer.iterations.numpy()) in {2 * 3, 3 * 3}


def test_the_share_of_waiting_is_that_of_the_batches(monkeypatch) -> None:
    now = 0.0

    def pass_time(seconds: float) -> float:
        nonlocal now
        now += seconds
        return seconds

    batches = (pass_time(3.0) for _ in range(4))
    model = SimpleNamespace(train_on_batch=lambda _: pass_time(1.0))
    images = SimpleNamespace(ahead=lambda: ((batch,) for batch in batches))
    monkeypatch.setattr(training, "time", SimpleNamespace(perf_counter=lambda: now))
    loss, waited = train_epoch(model, images, tqdm(disable=True))
    assert (loss, waited) == (1.0, 0.75)


def test_batches_come_in_order_however_many_workers_form_them(
    run_folder, recipe
) -> None:
    def epoch(workers: int, limit: int | None = None) -> ImageEpoch:
        return ImageEpoch(
            DataSet(run_folder / "train.zarr"),
            recipe.images,
            sampling=0.4,
            epoch=1,
            batch_size=1,
            object_weight=2,
            limit=limit,
            workers=workers,
        )

    alone, together = list(epoch(1).ahead()), list(epoch(3).ahead())
    assert len(alone) == 6
    for ours, theirs in zip(alone, together, strict=True):
        assert len(ours) == 3  # images, labels, weights
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(a, b)
    fewer = list(epoch(2, limit=2).ahead())
    assert len(fewer) == 2
    kept = {images.tobytes() for images, *_ in alone}
    assert {images.tobytes() for images, *_ in fewer} < kept


def test_an_epoch_ends_with_the_first_loss_that_is_not_finite() -> None:
    losses = iter([0.5, float("nan"), 0.4])
    model = SimpleNamespace(train_on_batch=lambda _: next(losses))
    images = SimpleNamespace(ahead=lambda: ((batch,) for batch in range(3)))
    loss, _ = train_epoch(model, images, tqdm(disable=True))
    assert np.isnan(loss)
    assert next(losses) == 0.4


@pytest.mark.parametrize(
    ("training_loss", "validation_loss", "message"),
    [
        (float("inf"), 0.5, "The loss of epoch 1 is inf. Lower the learning rate"),
        (0.5, float("nan"), "The validation loss of epoch 1 is nan. Lower"),
    ],
)
def test_a_loss_that_is_not_finite_stops_the_training(
    training_loss, validation_loss, message, run_folder, recipe, tmp_path, monkeypatch
) -> None:
    link_data(run_folder, tmp_path)
    monkeypatch.setattr(training, "train_epoch", lambda *_: (training_loss, 0.1))
    scores = {"validation_loss": validation_loss, "validation_f1": 0.0}
    monkeypatch.setattr(training.Lessons, "validate", lambda *_: scores)
    with pytest.raises(TrainingError, match=message):
        train(recipe, tmp_path, progress=False)
    assert not list(tmp_path.glob("*.keras"))


def test_fewer_structures_than_a_batch_are_refused(
    run_folder, recipe, tmp_path
) -> None:
    link_data(run_folder, tmp_path)
    with pytest.raises(TrainingError, match="fewer structures than the 2 images"):
        train(change_training(recipe, limit_data=1), tmp_path, progress=False)


def test_a_training_with_other_options_is_another(recipe, tmp_path) -> None:
    changed = change_training(recipe, regularize=1e-4, learning_rate=0.5)
    assert {s.learning_rate for s in changed.training.stages} == {(0.5, 0.5)}
    assert changed.training.stages[1].object_weight == 9
    training_files.claim(tmp_path, changed)
    training_files.claim(tmp_path, changed)
    with pytest.raises(TrainingError, match="recipe that differs"):
        training_files.claim(tmp_path, recipe)
    # Its export is of the recipe with the options, which the hash shows.
    assert trained_recipe(tmp_path, recipe) == changed
    assert trained_recipe(tmp_path, recipe).sha256 == changed.sha256 != recipe.sha256
    with pytest.raises(TrainingError, match="recipe that differs"):
        trained_recipe(tmp_path, recipe.model_copy(update={"seed": 4}))
    with pytest.raises(RecipeError, match=r"training\.regularize"):
        change_training(recipe, regularize=-1)


def test_beginning_anew_deletes_the_training_and_nothing_else(tmp_path) -> None:
    kept = {"train.zarr", "images", "tiny.onnx"}
    left = {"recipe.json", "history.csv", "last.keras", "epoch-0002.keras"}
    for name in kept | left:
        (tmp_path / name).touch()
    (tmp_path / "tensorboard").mkdir()
    (tmp_path / "tensorboard" / "events").touch()
    deleted = delete_training(tmp_path)
    assert {path.name for path in deleted} == left | {"tensorboard"}
    assert {path.name for path in tmp_path.iterdir()} == kept
    assert delete_training(tmp_path) == []
