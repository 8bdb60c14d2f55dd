# SPDX-License-Identifier: GPL-3.0-or-later
"""The U-net of the noise paper's appendix A.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import layers

if TYPE_CHECKING:
    from keras import KerasTensor

    from .unet_settings import UNetSettings


def make_unet(
    settings: UNetSettings,
    channels: int = 1,
    classes: int = 1,
    activation: str = "sigmoid",
) -> keras.Model:
    """Build a U-net that takes images of any size that is a multiple of its stride.

    Blocks of five convolutions, each followed by a PReLU with one slope, with a short
    skip that adds the output of the first to the input of the fifth;
    max-pooling and twice the channels on the way down; bilinear upsampling, half the
    channels, and the block of the same resolution concatenated on the way up; a
    pixel-wise convolution at the end.

    Parameters
    ----------
    settings
        Sizes.
    channels
        Images of one input.
    classes
        Output channels.
    activation
        Of the output: sigmoid for classes that do not exclude each other, softmax for
        those that do, linear for regressions.

    Returns
    -------
    Keras model from (batch, y, x, channel) to (batch, y, x, class).
    """
    widths = [settings.width * 2**level for level in range(settings.levels)]
    x = inputs = layers.Input((None, None, channels), name="image")
    skips = []
    for width in widths[:-1]:
        x = _block(x, width, settings.kernel)
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = _block(x, widths[-1], settings.kernel)
    for width, skip in zip(reversed(widths[:-1]), reversed(skips), strict=True):
        x = layers.UpSampling2D(interpolation="bilinear")(x)
        x = layers.Concatenate()([skip, x])
        x = _block(x, width, settings.kernel)
    x = layers.Conv2D(classes, 1, dtype="float32")(x)
    outputs = layers.Activation(activation, dtype="float32", name="probability")(x)
    return keras.Model(inputs, outputs, name="unet")


def _block(x: KerasTensor, width: int, kernel: int) -> KerasTensor:
    first = x = _convolve(x, width, kernel)
    for _ in range(3):
        x = _convolve(x, width, kernel)
    return _convolve(layers.Add()([first, x]), width, kernel)


def _convolve(x: KerasTensor, width: int, kernel: int) -> KerasTensor:
    x = layers.Conv2D(width, kernel, padding="same", kernel_initializer="he_normal")(x)
    # One slope a layer trains 1.6 times as fast as one a channel, and is a LeakyRelu
    # in the exported graph, which onnxruntime fuses into the convolution.
    return layers.PReLU(shared_axes=[1, 2, 3])(x)
