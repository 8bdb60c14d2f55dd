# SPDX-License-Identifier: GPL-3.0-or-later
"""The architectures of networks, chosen in a recipe by the key `architecture`.

Their settings import no Keras, so that a recipe is read quickly.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from .encoder_settings import EncoderSettings
from .msdnet_settings import MSDNetSettings
from .unet_settings import UNetPlusPlusSettings, UNetSettings

__all__ = [
    "AnyArchitecture",
    "EncoderSettings",
    "MSDNetSettings",
    "UNetPlusPlusSettings",
    "UNetSettings",
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
