# SPDX-License-Identifier: GPL-3.0-or-later
"""The architectures of networks, chosen in a recipe by the key `architecture`.

Their settings import no Keras, so that a recipe is read quickly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Discriminator, Tag

from .encoder_settings import EncoderSettings
from .msdnet_settings import MSDNetSettings
from .unet_settings import UNetPlusPlusSettings, UNetSettings

if TYPE_CHECKING:
    import keras

__all__ = [
    "AnyArchitecture",
    "EncoderSettings",
    "MSDNetSettings",
    "UNetPlusPlusSettings",
    "UNetSettings",
    "make_network",
]


def _name(values: Any) -> Any:
    """Return which architecture is meant; without a word it is the U-net."""
    if isinstance(values, dict):
        return values.get("architecture", "unet")
    return getattr(values, "architecture", None)


AnyArchitecture = Annotated[
    Annotated[UNetSettings, Tag("unet")]
    | Annotated[UNetPlusPlusSettings, Tag("unet++")]
    | Annotated[MSDNetSettings, Tag("msd-net")]
    | Annotated[EncoderSettings, Tag("encoder")],
    Discriminator(_name),
]


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
        Of the output: sigmoid for classes that do not exclude each other, softmax for
        those that do, linear for regressions.

    Returns
    -------
    Keras model from (batch, y, x, channel) to (batch, y, x, class), or to
    (batch, class) where the architecture answers for the whole image. Height and width
    must be multiples of the stride of the settings.
    """
    from .encoder import make_encoder
    from .msdnet import make_msdnet
    from .unet import make_unet
    from .unet_plus_plus import make_unet_plus_plus

    make = {
        "unet": make_unet,
        "unet++": make_unet_plus_plus,
        "msd-net": make_msdnet,
        "encoder": make_encoder,
    }[settings.architecture]
    return make(settings, channels, classes, activation)
