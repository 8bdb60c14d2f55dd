# SPDX-License-Identifier: GPL-3.0-or-later
"""Distillation: labels that are in part the mean of a teacher over eight orientations.

The mean is better than a single prediction and takes eight passes. A network that is
trained on it, in a last stage, gives about the same in one.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras
import numpy as np

from hyperspy_hrtemnn.atomic import written_whole
from hyperspy_hrtemnn.networks import average_orientations

from .batches import pixel_weights
from .files import ANEW, check_network

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from hrtemnn_training.recipe import Recipe


@dataclass(frozen=True)
class Teacher:
    """A network whose predictions are a part of the labels.

    Parameters
    ----------
    model
        The network.
    share
        Part of a label that is its mean prediction; the rest is the true label.
    objects
        Number of the first classes that are not the background.
    object_weight
        Weight of an object's pixels in the loss; that of the others is 1.
    """

    model: keras.Model
    share: float
    objects: int
    object_weight: float

    def predict(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the mean of the predictions for images in their eight orientations.

        Parameters
        ----------
        images
            Shape (batch, y, x, image).

        Returns
        -------
        Shape (batch, y, x, class), or (batch, class).
        """
        mean = average_orientations(self._run, np.moveaxis(images, -1, 1))
        return np.moveaxis(mean, 1, -1)

    def _run(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        # Not `predict`: traced for images of two shapes, turned ones and others,
        # TensorFlow leaves height and width open, which upsampling does not take.
        predicted = self.model(np.moveaxis(images, 1, -1), training=False)
        found = np.asarray(keras.ops.convert_to_numpy(predicted), np.float32)
        return np.moveaxis(found, -1, 1)

    def relabel(
        self,
        images: NDArray[np.float32],
        labels: NDArray[np.float32],
        *_: NDArray[np.float32],
    ) -> tuple[NDArray[np.float32], ...]:
        """Return a batch with labels that are in part the teacher's.

        Parameters
        ----------
        images, labels
            A batch of `ImageEpoch`, whose weights are made anew.
        """
        labels = (1 - self.share) * labels + self.share * self.predict(images)
        if self.object_weight == 1:
            return images, labels
        return images, labels, pixel_weights(labels, self.objects, self.object_weight)


def teacher_of(recipe: Recipe, folder: Path, epoch: int) -> Teacher | None:
    """Return the teacher of an epoch: the best network of the stage before, if any.

    At the first epoch of its stage it is kept as ``teacher-0012.keras``, by the number
    of the epochs before, so that a run that goes on has the same one.

    Parameters
    ----------
    recipe
        The stages.
    folder
        Folder of the run.
    epoch
        Number of the epoch.

    Raises
    ------
    TrainingError
        If the file of the teacher is damaged or missing.
    """
    settings = recipe.training
    stage, _ = settings.at(epoch)
    if not stage.distill:
        return None
    start = settings.start(epoch)
    path = folder / f"teacher-{start:04d}.keras"
    # Later the best network is one of this stage.
    if epoch == start and not path.exists():
        with written_whole(path) as temporary:
            shutil.copyfile(folder / "best.keras", temporary)
    check_network(path, ANEW)
    model = keras.saving.load_model(path, compile=False)
    objects = recipe.images.kind.objects
    return Teacher(model, stage.distill, objects, stage.object_weight)
