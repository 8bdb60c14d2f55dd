# SPDX-License-Identifier: GPL-3.0-or-later
"""Encoder: a small network that classifies an image, or gives values of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import layers

from .blocks import block

if TYPE_CHECKING:
    from .encoder_settings import EncoderSettings


def make_encoder(
    settings: EncoderSettings, channels: int, classes: int, activation: str
) -> keras.Model:
    """Build an encoder with a head; parameters and result are those of `make_network`.

    The U-net's way down, the mean of each feature over the image, one hidden layer.
    With `places` the hidden layer comes before the mean: it is a convolution over as
    many pixels, of which an image of the smallest side has one, so that a feature
    counts by where it is. The gate of a feature is a sum of the channels of the input,
    in pixels of the lowest resolution: so a mean can be weighted by a coordinate, as by
    the cosine of a direction.
    """
    x = place = inputs = layers.Input((None, None, channels), name="image")
    for level, width in enumerate(settings.level_widths):
        x = layers.MaxPooling2D()(x) if level else x
        place = layers.MaxPooling2D()(place) if level and settings.gated else place
        x = block(x, width, settings)
    if settings.gated:
        gate = layers.Conv2D(x.shape[-1], 1, name="gate")(place)
        x = layers.Concatenate()([x, layers.Multiply()([x, gate])])
    if settings.places > 1:
        x = layers.Conv2D(
            settings.hidden, settings.places, kernel_initializer="he_normal"
        )(x)
        x = layers.GlobalAveragePooling2D(dtype="float32")(x)
    else:
        x = layers.GlobalAveragePooling2D(dtype="float32")(x)
        x = layers.Dense(settings.hidden, kernel_initializer="he_normal")(x)
    x = layers.PReLU(shared_axes=[1])(x)
    x = layers.Dense(classes, dtype="float32", name="head")(x)
    outputs = layers.Activation(activation, dtype="float32", name="answer")(x)
    return keras.Model(inputs, outputs, name="encoder")
