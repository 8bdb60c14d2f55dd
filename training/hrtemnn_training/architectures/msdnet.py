# SPDX-License-Identifier: GPL-3.0-or-later
"""MSD-net, the mixed-scale dense network of the noise paper's appendix A.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import layers

from .blocks import ReflectionPadding, normalize_and_activate, output

if TYPE_CHECKING:
    from .msdnet_settings import MSDNetSettings


def make_msdnet(
    settings: MSDNetSettings, channels: int, classes: int, activation: str
) -> keras.Model:
    """Build an MSD-net; parameters and result are those of `make_network`.

    Each layer is a dilated convolution of all earlier layers' outputs, which are
    concatenated, with reflection padding; the first takes the image, which no other
    does. A pixel-wise convolution of all outputs is the end.
    """
    x = inputs = layers.Input((None, None, channels), name="image")
    features: list[keras.KerasTensor] = []
    for dilation in settings.dilations:
        y = ReflectionPadding(dilation * (settings.kernel // 2))(x)
        y = layers.Conv2D(
            settings.channels,
            settings.kernel,
            dilation_rate=dilation,
            kernel_initializer="he_normal",
        )(y)
        features.append(normalize_and_activate(y))
        x = layers.Concatenate()([x, features[-1]]) if features[1:] else features[0]
    return keras.Model(inputs, output(x, classes, activation), name="msd_net")
