# SPDX-License-Identifier: GPL-3.0-or-later
"""New networks: those of recipes before their training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

from hrtemnn_training.architectures.networks import make_network
from hrtemnn_training.losses import make_loss, make_optimizer, regularize_kernels

if TYPE_CHECKING:
    from hrtemnn_training.recipe import Recipe


def new_model(recipe: Recipe) -> keras.Model:
    """Return the recipe's network with its loss and optimizer, not trained."""
    return compiled(network_of(recipe), recipe)


def compiled(model: keras.Model, recipe: Recipe) -> keras.Model:
    """Return a network with the loss and the optimizer of a recipe.

    Parameters
    ----------
    model
        The network, which gets them.
    recipe
        The recipe.
    """
    settings = recipe.training
    optimizer = make_optimizer(settings.optimizer, settings.optimizer_options)
    loss = make_loss(recipe.loss, recipe.images.image_size, recipe.sampling)
    model.compile(optimizer=optimizer, loss=loss)
    regularize_kernels(model, settings.regularize)
    return model


def network_of(recipe: Recipe) -> keras.Model:
    """Return the recipe's network, not trained, with the channels of its images.

    A regression begins with the prediction that there is nothing: from random ones the
    first steps would be so large that Adam's memory of them slows all others.
    """
    kind = recipe.images.kind
    model = make_network(
        recipe.network,
        channels=kind.input_channels,
        classes=recipe.images.num_classes,
        activation=kind.activation,
    )
    if kind.activation == "linear":
        head = model.get_layer("head")
        head.kernel.assign(keras.ops.zeros_like(head.kernel))
        # A folded network has them for each pixel of a square.
        pixels = head.bias.shape[0] // len(kind.empty)
        head.bias.assign(kind.empty * pixels)
    return model
