# SPDX-License-Identifier: GPL-3.0-or-later
"""Validation: loss and metric after an epoch, on structures not trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np

from hrtemnn_training.losses import find_loss, make_loss

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
    """Return loss and metric of a network.

    Parameters
    ----------
    model
        The network.
    truth
        Images and labels from `validation_set`.
    recipe
        Loss and kind of label.
    object_weight
        Weight of objects in the stage; see `Stage`.

    Returns
    -------
    ``validation_loss``, without regularization, and ``validation_f1``, the mean of the
    images with an object, where they are as likely as none: at w / (1 + w), as the
    weight w is still in the predictions. Where predictions are of whole images it is
    that of all together, at 0.5. Or ``validation_rmse`` where the label is a
    regression.
    """
    images, labels = truth
    predicted = model.predict(images, batch_size=8, verbose=0)
    threshold = object_weight / (1 + object_weight)
    weights = None
    if isinstance(recipe.loss, str):
        weights = pixel_weights(labels, recipe.label.objects, object_weight)
    return {
        "validation_loss": mean_loss(recipe, labels, predicted, weights),
        **recipe.label.validation_metrics(predicted, labels, threshold),
    }


def mean_loss(
    recipe: Recipe,
    labels: np.ndarray,
    predicted: np.ndarray,
    weights: np.ndarray | None,
) -> float:
    """Return the mean loss of all images.

    Parameters
    ----------
    recipe
        The loss.
    labels, predicted
        Shape (image, y, x, class), or (image, class).
    weights
        What each pixel's loss is multiplied by; None where the loss is of whole images.
    """
    loss = make_loss(recipe.loss, recipe.images.image_size, recipe.sampling)
    if not isinstance(loss, str):  # of whole images, which have no objects
        return float(loss(labels, predicted))
    classes = recipe.images.num_classes
    of_pixels = keras.ops.convert_to_numpy(
        find_loss(loss)(labels.reshape(-1, classes), predicted.reshape(-1, classes))
    )
    factors = 1 if weights is None else weights.ravel()
    return float(np.mean(factors * of_pixels))
