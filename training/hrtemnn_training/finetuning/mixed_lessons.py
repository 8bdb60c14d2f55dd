# SPDX-License-Identifier: GPL-3.0-or-later
"""Mixed lessons: a fine-tuning as the training loop sees it."""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING

import keras
import numpy as np

from hrtemnn_training.export.graph_weights import freeze_normalization, keras_network
from hrtemnn_training.train.batches import cache_path
from hrtemnn_training.train.lessons import Lessons
from hrtemnn_training.train.new_network import compiled, network_of
from hrtemnn_training.train.validation import mean_loss, validate

from .mixed_batches import MixedEpoch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from hrtemnn_training.recipe import Recipe
    from hyperspy_hrtemnn.networks import Network

    from .frames import Frame
    from .settings import TuningSettings

_HALF = 0.5


class MixedLessons(Lessons):
    """Simulations and a user's images, for a network that is there already.

    Parameters
    ----------
    recipe
        From `tuning_recipe`.
    folder
        Folder of the fine-tuning.
    waves
        Folder with the exit waves.
    network
        Network that is fine-tuned.
    frames
        The images.
    settings
        How it is fine-tuned.

    Attributes
    ----------
    before
        What `validate` gives of the network as it was; known once there is a model.
    """

    def __init__(
        self,
        recipe: Recipe,
        folder: Path,
        waves: Path,
        *,
        network: Network,
        frames: Sequence[Frame],
        settings: TuningSettings,
    ) -> None:
        super().__init__(recipe, folder, waves)
        self._network = network
        self._frames = frames
        self._settings = settings
        self._asked = time.monotonic()
        self.before: dict[str, float] = {}

    def new_model(self) -> keras.Model:
        """Return the network with the weights of its file, compiled."""
        policy = keras.mixed_precision.global_policy()
        keras.mixed_precision.set_global_policy("float32")
        weights = keras_network(self._network, self.recipe).get_weights()
        keras.mixed_precision.set_global_policy(policy)
        model = network_of(self.recipe)
        model.set_weights(weights)
        freeze_normalization(model)
        model = compiled(model, self.recipe)
        self.before = self.validate(model, 0)
        return model

    def batches(self, epoch: int) -> MixedEpoch:
        """Return the batches of an epoch; there are as many in each."""
        batch_size = self.recipe.training.batch_size
        return MixedEpoch(
            self._train,
            self.recipe.images_at(epoch),
            frames=[frame for frame in self._frames if not frame.trained.is_empty],
            crops=self._settings.images_in_batch(batch_size),
            batch_size=batch_size,
            sampling=self.recipe.sampling,
            epoch=epoch,
            limit=self.recipe.training.limit_data,
            cache=cache_path(self.folder),
        )

    def validate(
        self,
        model: keras.Model,
        epoch: int,  # noqa: ARG002 - there is one stage
    ) -> dict[str, float]:
        """Return losses and F1 of the left-out parts and of simulations.

        Returns
        -------
        ``validation_loss``, of which the left-out parts have the share that they have
        in a batch; ``validation_f1`` of the left-out parts; ``left_out_loss``,
        ``simulated_loss`` and ``simulated_f1``; and ``seconds``, the time since this
        was asked before.
        """
        simulated = validate(model, self._truth, self.recipe, 1.0)
        images, labels, counted = self._windows
        predicted = model.predict(images, batch_size=8, verbose=0)
        weights = counted / counted.mean()
        left_out = mean_loss(self.recipe, labels, predicted, weights)
        shown = counted[..., np.newaxis]
        scores = self.recipe.label.validation_metrics(
            self._together(predicted * shown), self._together(labels * shown), _HALF
        )
        share = self._settings.share
        asked, self._asked = self._asked, time.monotonic()
        loss = simulated["validation_loss"]
        return {
            "validation_loss": share * left_out + (1 - share) * loss,
            "validation_f1": scores["validation_f1"],
            "left_out_loss": left_out,
            "simulated_loss": loss,
            "simulated_f1": simulated["validation_f1"],
            "seconds": self._asked - asked,
        }

    @cached_property
    def _windows(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Crops over the left-out parts: images, labels, and the pixels that count."""
        x, y = self.recipe.images.image_size
        windows = [each for frame in self._frames for each in frame.windows((y, x))]
        pairs, counted = zip(*windows, strict=True)
        images, labels = map(np.stack, zip(*pairs, strict=True))
        return images, labels.astype(np.float32), np.stack(counted).astype(np.float32)

    def _together(self, windows: np.ndarray) -> np.ndarray:
        """Return crops as one image, of which F1 is not the mean of small pieces."""
        return windows.reshape(1, -1, *windows.shape[2:])

    def is_over(self, history: pd.DataFrame) -> bool:
        """Return whether the time is up, or nothing has become better for long."""
        if not len(history):
            return False
        since = len(history) - 1 - int(np.argmin(history["validation_loss"]))
        spent = history["seconds"].sum() + history["seconds"].iloc[-1]
        return since >= self._settings.patience or spent > 60 * self._settings.minutes
