# SPDX-License-Identifier: GPL-3.0-or-later
"""Operations of a network: how many one image takes, counted from the layers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from keras import layers

if TYPE_CHECKING:
    import keras


def count_operations(model: keras.Model, height: int, width: int) -> int:
    """Return the floating-point operations of a network for one image.

    A multiplication and an addition for each weight of a convolution or a matrix,
    wherever it is applied. The bias, activations, sums, pooling and interpolation are
    not counted: together they are a few percent, and take time by their memory.

    Parameters
    ----------
    model
        Functional network of images, channels last.
    height, width
        Size of the image [pixels], in multiples of the network's stride.
    """
    image = model.inputs[0]
    shapes = {id(image): (1, height, width, image.shape[-1])}
    total = 0
    for layer in model.layers:
        if isinstance(layer, layers.InputLayer):
            continue
        given = layer.input
        if isinstance(given, list):
            shape = layer.compute_output_shape([shapes[id(each)] for each in given])
        else:
            shape = layer.compute_output_shape(shapes[id(given)])
        shapes[id(layer.output)] = shape
        if isinstance(layer, layers.Conv2D | layers.Dense):
            total += 2 * math.prod(shape) * math.prod(layer.kernel.shape[:-1])
    return total
