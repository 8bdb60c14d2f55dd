# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks in Keras from the settings of any architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .encoder import make_encoder
from .msdnet import make_msdnet
from .unet import make_unet
from .unet_plus_plus import make_unet_plus_plus

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras

    from . import AnyArchitecture

_MAKERS: dict[str, Callable[..., keras.Model]] = {
    "unet": make_unet,
    "unet++": make_unet_plus_plus,
    "msd-net": make_msdnet,
    "encoder": make_encoder,
}


def make_network(
    settings: AnyArchitecture,
    channels: int = 1,
    classes: int = 1,
    activation: str = "sigmoid",
) -> keras.Model:
    """Build a network that takes images of any size, with new weights.

    Parameters
    ----------
    settings
        Architecture and sizes.
    channels
        Images of one input.
    classes
        Channels of the output.
    activation
        Activation of the output: sigmoid for classes that do not exclude each other,
        softmax for those that do, linear for regressions.

    Returns
    -------
    Keras model from (batch, y, x, channel) to (batch, y, x, class), or to
    (batch, class) where the architecture predicts for the whole image. Height and width
    must be multiples of the stride of the settings.
    """
    make = _MAKERS[settings.architecture]
    return make(settings, channels, classes, activation)
