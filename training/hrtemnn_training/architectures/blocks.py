# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks that architectures are built of: convolutions with a PReLU, five a block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import layers

if TYPE_CHECKING:
    from keras import KerasTensor

    from .unet_settings import BlockSettings


def block(x: KerasTensor, width: int, settings: BlockSettings) -> KerasTensor:
    """Add five convolutions, with a short skip from the first to the fifth's input."""
    first = x = convolve(x, width, settings.kernel, settings.form)
    for _ in range(3):
        x = convolve(x, width, settings.kernel, settings.form)
    skip = layers.Add() if settings.form == "lean" else layers.Concatenate()
    return convolve(skip([first, x]), width, settings.kernel, settings.form)


def convolve(x: KerasTensor, width: int, kernel: int, form: str) -> KerasTensor:
    """Add a convolution with a PReLU; see `BlockSettings.form`."""
    x = layers.Conv2D(width, kernel, padding="same", kernel_initializer="he_normal")(x)
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


def output(x: KerasTensor, classes: int, activation: str) -> KerasTensor:
    """Add the pixel-wise convolution at the end and its activation."""
    x = layers.Conv2D(classes, 1, dtype="float32", name="head")(x)
    return layers.Activation(activation, dtype="float32", name="probability")(x)


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
