# SPDX-License-Identifier: GPL-3.0-or-later
"""A network learns what the mean over eight orientations of its teacher is."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from hrtemnn_training.recipe import Recipe
from hrtemnn_training.store import DataSet
from hrtemnn_training.train.batches import ImageEpoch
from hrtemnn_training.train.distillation import Teacher
from hrtemnn_training.train.files import TrainingError, delete_training
from hrtemnn_training.train.loop import train
from hrtemnn_training.train.new_network import new_model
from hrtemnn_training.train.validation import validation_set

EPOCHS = 4  # of the last stage


class Stopped(Exception):  # noqa: N818
    """What stands for a kill: nothing is written after it."""


@pytest.fixture
def distilled(recipe_values) -> Recipe:
    rate = {"learning_rate": [0.01, 0.003], "object_weight": 3}
    recipe_values["training"]["stages"] = [
        {"epochs": 1, **rate},
        {"epochs": EPOCHS, **rate, "distill": 1.0},
    ]
    return Recipe.model_validate(recipe_values)


def test_the_teacher_sees_all_orientations_alike(distilled) -> None:
    model = new_model(distilled)
    images = np.random.default_rng(0).normal(size=(2, 24, 40, 1)).astype(np.float32)
    teacher = Teacher(model, 1.0, 1, 1.0)
    mean = teacher.predict(images)
    assert mean.shape == (2, 24, 40, 1)
    turned = np.rot90(images, 1, (1, 2))[:, :, ::-1]
    of_turned = np.rot90(mean, 1, (1, 2))[:, :, ::-1]
    np.testing.assert_allclose(teacher.predict(turned), of_turned, atol=1e-6)
    once = model.predict_on_batch(images)
    assert np.abs(mean - once).max() > 1e-3  # one pass does see a difference


def test_a_label_is_a_mixture_and_weighs_what_it_is() -> None:

    def model(batch: np.ndarray, *, training: bool) -> np.ndarray:
        assert not training
        return np.full_like(batch, 0.5)

    images, labels = np.zeros((2, 6, 8, 1), np.float32), np.zeros((2, 6, 8, 1))
    labels[:, :2] = 1
    _, mixed, weights = Teacher(model, 0.4, 1, 9.0).relabel(images, labels, labels)
    np.testing.assert_allclose(mixed[:, :2], 0.8)
    np.testing.assert_allclose(mixed[:, 2:], 0.2)
    np.testing.assert_allclose(weights[:, :2], 1 + 8 * 0.8)
    assert len(Teacher(model, 0.4, 1, 1.0).relabel(images, labels)) == 2


def test_one_pass_comes_close_to_the_mean_of_eight_and_goes_on_after_a_stop(
    distilled, run_folder, tmp_path, monkeypatch
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        folder.mkdir()
        for name in ("train.zarr", "validation.zarr"):
            (folder / name).symlink_to(run_folder / name)
    train(distilled, whole, progress=False)
    path = whole / "teacher-0001.keras"
    teacher = Teacher(keras.saving.load_model(path, compile=False), 1.0, 1, 3.0)
    images, _ = validation_set(distilled, DataSet(whole / "validation.zarr"))
    mean = teacher.predict(images)

    def distance(model: keras.Model) -> float:
        return float(np.mean((model.predict_on_batch(images) - mean) ** 2))

    student = keras.saving.load_model(whole / "last.keras", compile=False)
    # By a quarter in these twelve steps.
    assert distance(student) < 0.9 * distance(teacher.model)

    form = ImageEpoch.__getitem__

    def stop(self: ImageEpoch, index: int):
        if self._epoch == 2 and index == 1:
            raise Stopped
        return form(self, index)

    with monkeypatch.context() as patch:
        patch.setattr(ImageEpoch, "__getitem__", stop)
        with pytest.raises(Stopped):
            train(distilled, broken, progress=False)
    (broken / "teacher-0001.keras").rename(broken / "hidden")
    with pytest.raises(
        TrainingError, match=r"teacher-0001.keras is damaged or missing"
    ):
        train(distilled, broken, progress=False)
    (broken / "hidden").rename(broken / "teacher-0001.keras")
    train(distilled, broken, progress=False)
    resumed = keras.saving.load_model(broken / "last.keras", compile=False)
    for ours, theirs in zip(resumed.weights, student.weights, strict=True):
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))
    assert broken / "teacher-0001.keras" in delete_training(broken)


@pytest.mark.parametrize(
    ("stage", "changes", "message"),
    [
        (0, {"distill": 0.5}, "the first stage has none before it"),
        (1, {"object_weight": 1}, "object_weight 3.*has to be the same here, not 1"),
        (1, {"distill": 1.5}, "distill"),
    ],
)
def test_what_has_no_teacher_is_refused(
    distilled, stage, changes, message, recipe_values
) -> None:
    recipe_values["training"]["stages"][stage] |= changes
    with pytest.raises(ValueError, match=message):
        Recipe.model_validate(recipe_values)
