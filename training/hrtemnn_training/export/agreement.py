# SPDX-License-Identifier: GPL-3.0-or-later
"""Agreement of a network in Keras with its ONNX file, on an image of noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray

    from hrtemnn_training.recipe import Recipe
    from hyperspy_hrtemnn.networks import Network

_LEAST_SIDE = 16  # which a guard needs


def random_images(model: keras.Model, recipe: Recipe) -> NDArray[np.float32]:
    """Return an image of noise with every channel, shape (1, y, x, channel)."""
    stride = recipe.network.stride
    side = max(recipe.network.smallest_side, _LEAST_SIDE)
    least = 2 * -(-side // stride) * stride
    shape = (1, least + 4 * stride, least + 7 * stride, model.input_shape[-1])
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def largest_difference(
    expected: NDArray[np.floating], network: Network, images: NDArray[np.float32]
) -> float:
    """Return the largest difference of predictions, as a share of the largest one.

    Parameters
    ----------
    expected
        Predictions of Keras, shape (batch, y, x, class) or (batch, class). Of values
        that are all below 1, probabilities among them, it is no share.
    network
        The ONNX file.
    images
        What they are of, shape (batch, y, x, channel).
    """
    given = network.predict(images.transpose(0, 3, 1, 2))
    if not network.card.per_image:
        given = given.transpose(0, 2, 3, 1)
    return float(np.abs(expected - given).max() / max(1, np.abs(expected).max()))
