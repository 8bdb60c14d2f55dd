# SPDX-License-Identifier: GPL-3.0-or-later
"""U-net++ of publication III."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import layers

from .blocks import block, convolve, output

if TYPE_CHECKING:
    from .unet_settings import UNetPlusPlusSettings


def make_unet_plus_plus(
    settings: UNetPlusPlusSettings, channels: int, classes: int, activation: str
) -> keras.Model:
    """Build a U-net++; parameters and result are those of `make_network`.

    The blocks of the U-net, and between the way down and the way up, at each
    resolution, nodes of one pixel-wise convolution. Each node and each block of the way
    up takes all earlier ones of its resolution and the upsampled one below.
    """
    widths = settings.level_widths
    depth = len(widths) - 1
    x = inputs = layers.Input((None, None, channels), name="image")
    column = []  # one output a level, the finest first
    for level, width in enumerate(widths):
        x = layers.MaxPooling2D()(x) if level else x
        x = block(x, width, settings)
        column.append(x)
    rows = [[x] for x in column]
    for step in range(1, len(widths)):
        for level in range(len(widths) - step):
            below = rows[level + 1][step - 1]
            below = layers.UpSampling2D(interpolation="bilinear")(below)
            x = layers.Concatenate()([*rows[level], below])
            width = widths[level]
            if level + step == depth:
                x = block(x, width, settings)
            else:
                x = convolve(x, width, 1, settings.form)
            rows[level].append(x)
    outputs = output(rows[0][-1], classes, activation)
    return keras.Model(inputs, outputs, name="unet_plus_plus")
