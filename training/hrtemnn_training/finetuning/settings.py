# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of a fine-tuning, with their defaults and the reasons for them."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class TuningSettings:
    """How a network is fine-tuned.

    Parameters
    ----------
    share
        Share of each batch that is of the user's images; the rest is simulated. One
        half: the few images count as much as all that is simulated, and what the
        network knows of other doses, lenses and shapes is in every step, so that it is
        not forgotten.
    left_out
        Share of the images that is not trained on and judges each epoch.
    whole_images
        From so many images on whole ones are left out; of fewer, a part of each is,
        because a single image says little of the others.
    learning_rate
        Learning rate of the first and the last epoch, geometric between. A tenth of
        that of a new network in our recipes, down to their last one: a step of Adam
        changes a weight by about as much as the learning rate, and the weights, about
        0.1, are already good.
    epochs
        Largest number of epochs.
    patience
        Epochs without a lower validation loss after which the training ends.
    minutes
        Time of the training, without that of making simulations.
    train, validation
        Simulated structures to train on and to validate with.
    """

    share: float = 0.5
    left_out: float = 0.25
    whole_images: int = 8
    learning_rate: tuple[float, float] = (1e-4, 1e-5)
    epochs: int = 40
    patience: int = 10
    minutes: float = 10.0
    train: int = 48
    validation: int = 8

    def __post_init__(self) -> None:
        if not (math.isfinite(self.minutes) and self.minutes > 0):
            raise ValueError(
                f"--minutes is {self.minutes}; it has to be a positive number."
            )

    def images_in_batch(self, batch_size: int) -> int:
        """Return how many of a batch are of the user's images, at least one.

        Raises
        ------
        ValueError
            If there is no place for both kinds.
        """
        if batch_size < 2:
            raise ValueError(
                "training.batch_size of the recipe is 1; a fine-tuning mixes images "
                "with simulations, and needs 2 or more."
            )
        return min(max(round(self.share * batch_size), 1), batch_size - 1)
