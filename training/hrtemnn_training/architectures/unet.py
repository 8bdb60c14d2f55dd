# SPDX-License-Identifier: GPL-3.0-or-later
"""U-net of the noise paper's appendix A.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import layers

from .blocks import block, convolve, output

if TYPE_CHECKING:
    from .unet_settings import UNetSettings


def make_unet(
    settings: UNetSettings, channels: int, classes: int, activation: str
) -> keras.Model:
    """Build a U-net; parameters and result are those of `make_network`.

    Blocks of five convolutions, each followed by a PReLU; max-pooling and twice the
    channels on the way down; bilinear upsampling, half the channels, and the block of
    the same resolution concatenated on the way up; a pixel-wise convolution at the end.
    In the published form the channels are halved by a pixel-wise convolution before the
    concatenation, in the lean form by the block after it.
    """
    widths = [settings.width * 2**level for level in range(settings.levels)]
    x = inputs = layers.Input((None, None, channels), name="image")
    skips = []
    for width in widths[:-1]:
        x = block(x, width, settings)
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = block(x, widths[-1], settings)
    for width, skip in zip(reversed(widths[:-1]), reversed(skips), strict=True):
        x = layers.UpSampling2D(interpolation="bilinear")(x)
        if settings.form == "published":
            x = convolve(x, width, 1, settings.form)
        x = layers.Concatenate()([skip, x])
        x = block(x, width, settings)
    return keras.Model(inputs, output(x, classes, activation), name="unet")
