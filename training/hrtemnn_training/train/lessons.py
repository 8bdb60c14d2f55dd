# SPDX-License-Identifier: GPL-3.0-or-later
"""Lessons: what a network learns from, epoch by epoch, and what it is judged by."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from hrtemnn_training.generation import data_path
from hrtemnn_training.store import DataSet

from .batches import ImageEpoch, cache_path
from .distillation import Teacher, teacher_of
from .new_network import new_model
from .validation import validate, validation_set

if TYPE_CHECKING:
    from pathlib import Path

    import keras
    import numpy as np
    import pandas as pd

    from hrtemnn_training.recipe import Recipe
    from hrtemnn_training.training_settings import Stage


class Lessons:
    """The simulations of a recipe, in the images of its stages.

    Fine-tuning derives its own from this class, for the same loop.

    Parameters
    ----------
    recipe
        Network, images and stages.
    folder
        Folder of the run.
    waves
        Folder with the exit waves; that of the run if None.

    Raises
    ------
    StoreError
        If exit waves are missing.
    """

    def __init__(self, recipe: Recipe, folder: Path, waves: Path | None = None) -> None:
        self.recipe = recipe
        self.folder = folder
        waves = waves or folder
        self._train = DataSet(data_path(waves, "train"))
        self._validation = DataSet(data_path(waves, "validation"))

    def new_model(self) -> keras.Model:
        """Return the network before its first epoch, compiled."""
        return new_model(self.recipe)

    def batches(self, epoch: int) -> ImageEpoch:
        """Return the batches of an epoch; there are as many in each."""
        recipe = self.recipe
        return ImageEpoch(
            self._train,
            recipe.images_at(epoch),
            sampling=recipe.sampling,
            epoch=epoch,
            batch_size=recipe.training.batch_size,
            object_weight=self.stage(epoch).object_weight,
            limit=recipe.training.limit_data,
            cache=cache_path(self.folder),
        )

    def stage(self, epoch: int) -> Stage:
        """Return the stage of an epoch."""
        stage, _ = self.recipe.training.at(epoch)
        return stage

    def teacher(self, epoch: int) -> Teacher | None:
        """Return the network whose predictions are a part of the labels, if any."""
        return teacher_of(self.recipe, self.folder, epoch)

    def validate(self, model: keras.Model, epoch: int) -> dict[str, float]:
        """Return loss and metric of the network after an epoch; see `validate`."""
        weight = self.stage(epoch).object_weight
        return validate(model, self._truth, self.recipe, weight)

    @cached_property
    def _truth(self) -> tuple[np.ndarray, np.ndarray]:
        return validation_set(self.recipe, self._validation)

    def is_over(self, history: pd.DataFrame) -> bool:  # noqa: ARG002
        """Return whether no epoch is to follow, though the recipe has more."""
        return False
