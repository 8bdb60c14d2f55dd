# SPDX-License-Identifier: GPL-3.0-or-later
"""U-net of the noise paper's appendix A.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import layers

from .blocks import block, convolve, output
from .folding import Fold

if TYPE_CHECKING:
    from .unet_settings import UNetSettings


def make_unet(
    settings: UNetSettings, channels: int, classes: int, activation: str
) -> keras.Model:
    """Build a U-net; parameters and result are those of `make_network`.

    Blocks of convolutions, five by default, each followed by a PReLU; max-pooling and
    twice the channels, by default, on the way down; bilinear upsampling, the channels
    of the level above, and its block concatenated on the way up; a pixel-wise
    convolution at the end. In the published form the channels are halved by a
    pixel-wise convolution before the concatenation, in the lean form by the block
    after it. With `fold` all of this runs on images whose squares of pixels are
    channels, and its answer is unfolded. With `residual` the images are added to it.
    """
    *widths, widest = settings.level_widths
    x = inputs = layers.Input((None, None, channels), name="image")
    if settings.fold > 1:
        x = Fold(settings.fold, name="fold")(x)
    skips = []
    for width in widths:
        x = block(x, width, settings)
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = block(x, widest, settings, settings.dilations)
    for width, skip in zip(reversed(widths), reversed(skips), strict=True):
        x = layers.UpSampling2D(interpolation="bilinear")(x)
        if settings.form == "published":
            x = convolve(x, width, 1, settings.form)
        x = layers.Concatenate()([skip, x])
        x = block(x, width, settings)
    outputs = output(
        x,
        classes,
        activation,
        settings.fold,
        added=inputs if settings.residual else None,
    )
    return keras.Model(inputs, outputs, name="unet")
