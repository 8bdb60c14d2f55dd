# SPDX-License-Identifier: GPL-3.0-or-later
"""Encoder: a small network that classifies an image, or gives values of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import layers

from .blocks import Channel, block

if TYPE_CHECKING:
    from .encoder_settings import EncoderSettings


def make_encoder(
    settings: EncoderSettings, channels: int, classes: int, activation: str
) -> keras.Model:
    """Build an encoder with a head; parameters and result are those of `make_network`.

    The U-net's way down, the mean of each feature over the image, one hidden layer.
    With `places` the hidden layer comes before the mean: it is a convolution over as
    many pixels, of which an image of the smallest side has one, so that a feature
    counts by where it is.

    A directional one does not merge its rows, and has the second harmonic of each
    feature over them beside the mean: without either, rings with astigmatism were not
    learned from as many images as were enough with both.
    """
    inputs = layers.Input((None, None, channels), name="image")
    pool = (1, 2) if settings.directional else (2, 2)
    x = inputs
    harmonics = [
        Channel(channels - 2 + i, name=f"harmonic_{i}")(inputs)
        for i in range(2 if settings.directional else 0)
    ]
    for level, width in enumerate(settings.level_widths):
        if level:
            x = layers.MaxPooling2D(pool)(x)
            # They are the same along a row.
            harmonics = [layers.MaxPooling2D(pool)(each) for each in harmonics]
        x = block(x, width, settings)
    if harmonics:
        x = layers.Concatenate()(
            [x, *(layers.Multiply()([x, each]) for each in harmonics)]
        )
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
