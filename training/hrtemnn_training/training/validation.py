# SPDX-License-Identifier: GPL-3.0-or-later
"""How good a network is after an epoch, on images of structures not trained on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import keras
import numpy as np

from hrtemnn_training.images.parameters import PER_IMAGE
from hrtemnn_training.objective import find_loss
from hrtemnn_training.scores import f1_score

from .batches import ImageEpoch, pixel_weights

if TYPE_CHECKING:
    from hrtemnn_training.recipe import Recipe
    from hrtemnn_training.store import DataSet


def validation_set(recipe: Recipe, data: DataSet) -> tuple[np.ndarray, np.ndarray]:
    """Return the images and labels that every epoch is judged by.

    Parameters
    ----------
    recipe
        Images, not those of a stage.
    data
        Exit waves for validation.

    Returns
    -------
    Images, shape (image, y, x, channel), and labels, shape (image, y, x, class).
    """
    images, labels = ImageEpoch(
        data,
        recipe.images,
        energy=recipe.waves.energy,
        sampling=recipe.sampling,
        epoch=0,
        batch_size=min(recipe.training.validation_images, len(data)),
        augment=False,
    )[0]
    return images, labels


def validate(
    model: keras.Model,
    truth: tuple[np.ndarray, np.ndarray],
    recipe: Recipe,
    object_weight: float,
) -> dict[str, float]:
    """Return loss and score of a network.

    Parameters
    ----------
    model
        The network.
    truth
        From `validation_set`.
    recipe
        Loss and kind of label.
    object_weight
        Of the stage; see `Stage`.

    Returns
    -------
    ``validation_loss``, without regularization, and ``validation_f1``, the mean of the
    images with an object, where they are as likely as none: at w / (1 + w), as the
    weight w is still in the answer. Where answers are of whole images it is that of all
    together, at 0.5. Or ``validation_rmse`` where the label is a regression.
    """
    images, labels = truth
    parameters = recipe.images
    predicted = model.predict(images, batch_size=8, verbose=0)
    classes = parameters.num_classes
    loss = keras.ops.convert_to_numpy(
        find_loss(recipe.loss)(
            labels.reshape(-1, classes), predicted.reshape(-1, classes)
        )
    )
    if parameters.activation == "linear":
        error = float(np.mean((predicted - labels) ** 2))
        return {
            "validation_loss": float(np.mean(loss)),
            "validation_rmse": math.sqrt(error),
        }
    weights = pixel_weights(labels, parameters.objects, object_weight)
    least = object_weight / (1 + object_weight)
    if parameters.label in PER_IMAGE:
        # One answer has no F1: that of all images together.
        predicted, labels = predicted[np.newaxis], labels[np.newaxis]
        least = 0.5
    objects = slice(parameters.objects)
    scores = [
        f1_score(p[..., objects] > least, y[..., objects] > 0.5)
        for p, y in zip(predicted, labels, strict=True)
        if (y[..., objects] > 0.5).any()
    ]
    return {
        "validation_loss": float(np.mean(weights.ravel() * loss)),
        "validation_f1": float(np.mean(scores)) if scores else math.nan,
    }
