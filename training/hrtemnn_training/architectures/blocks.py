# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks that architectures are built of: convolutions, each with a PReLU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import layers

from .folding import Unfold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keras import KerasTensor

    from .unet_settings import BlockSettings


def block(
    x: KerasTensor,
    width: int,
    settings: BlockSettings,
    dilations: Sequence[int] = (),
) -> KerasTensor:
    """Add convolutions, with a short skip from the first to the input of the last.

    Parameters
    ----------
    x
        What the first one takes.
    width
        Channels of each.
    settings
        Number, kernel and form.
    dilations
        Distance between the weights of each; without them there are as many
        convolutions as the settings say, with 1.
    """
    first, *middle, last = dilations or (1,) * settings.convolutions

    def add(x: KerasTensor, dilation: int) -> KerasTensor:
        return convolve(x, width, settings.kernel, settings.form, dilation)

    start = x = add(x, first)
    for dilation in middle:
        x = add(x, dilation)
    if middle:
        skip = layers.Add() if settings.form == "lean" else layers.Concatenate()
        x = skip([start, x])
    return add(x, last)


def convolve(
    x: KerasTensor, width: int, kernel: int, form: str, dilation: int = 1
) -> KerasTensor:
    """Add a convolution with a PReLU; see `BlockSettings.form`."""
    x = layers.Conv2D(
        width,
        kernel,
        padding="same",
        dilation_rate=dilation,
        kernel_initializer="he_normal",
    )(x)
    if form == "lean":
        # One slope a layer trains 1.6 times as fast as one a channel, and is a
        # LeakyRelu in the exported graph, which onnxruntime fuses into the convolution.
        return layers.PReLU(shared_axes=[1, 2, 3])(x)
    return normalize_and_activate(x)


def normalize_and_activate(x: KerasTensor) -> KerasTensor:
    """Add a batch normalization and a PReLU with a slope for each channel.

    The publications do not say which is first. In this order the normalization becomes
    part of the convolution before it when the network is exported.
    """
    return layers.PReLU(shared_axes=[1, 2])(layers.BatchNormalization()(x))


def output(
    x: KerasTensor,
    classes: int,
    activation: str,
    fold: int = 1,
    *,
    added: KerasTensor | None = None,
) -> KerasTensor:
    """Add the pixel-wise convolution at the end and its activation.

    Parameters
    ----------
    x
        Features.
    classes
        Channels of the output.
    activation
        Name of the activation.
    fold
        Side of the square of pixels of the output that one pixel of `x` is.
    added
        Images with as many channels as the output that are added before the activation.
    """
    x = layers.Conv2D(classes * fold**2, 1, dtype="float32", name="head")(x)
    if fold > 1:
        x = Unfold(fold, dtype="float32", name="unfold")(x)
    if added is not None:
        x = layers.Add(dtype="float32", name="residual")([added, x])
    return layers.Activation(activation, dtype="float32", name="probability")(x)


@keras.saving.register_keras_serializable("hrtemnn")
class Channel(layers.Layer):
    """Take one channel of images.

    Parameters
    ----------
    number
        Number of the channel.
    """

    def __init__(self, number: int, **settings: object) -> None:
        super().__init__(**settings)
        self.number = number

    def call(self, x: KerasTensor) -> KerasTensor:
        """Return the channel, shape (batch, y, x, 1)."""
        return x[..., self.number : self.number + 1]

    def compute_output_shape(
        self, shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return the shape with one channel."""
        return (*shape[:-1], 1)

    def get_config(self) -> dict[str, object]:
        """Return what the layer is saved with."""
        return {**super().get_config(), "number": self.number}


@keras.saving.register_keras_serializable("hrtemnn")
class ReflectionPadding(layers.Layer):
    """Continue images beyond their borders as a mirror does.

    Parameters
    ----------
    pad
        Pixels on each of the four sides; the image must be larger.
    """

    def __init__(self, pad: int, **settings: object) -> None:
        super().__init__(**settings)
        self.pad = pad

    def call(self, x: KerasTensor) -> KerasTensor:
        """Return the images with their margins."""
        margin = (self.pad, self.pad)
        return keras.ops.pad(x, ((0, 0), margin, margin, (0, 0)), mode="reflect")

    def compute_output_shape(
        self, shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return the shape with the margins."""
        batch, *sides, channels = shape
        return (
            batch,
            *(None if side is None else side + 2 * self.pad for side in sides),
            channels,
        )

    def get_config(self) -> dict[str, object]:
        """Return what the layer is saved with."""
        return {**super().get_config(), "pad": self.pad}
