# SPDX-License-Identifier: GPL-3.0-or-later
"""Architectures of networks, chosen in a recipe by the key `architecture`.

Their settings import no Keras, so that a recipe is read quickly.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Tag

from hrtemnn_training.alternatives import chosen_by

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


AnyArchitecture = Annotated[
    Annotated[UNetSettings, Tag("unet")]
    | Annotated[UNetPlusPlusSettings, Tag("unet++")]
    | Annotated[MSDNetSettings, Tag("msd-net")]
    | Annotated[EncoderSettings, Tag("encoder")],
    chosen_by("architecture", "unet"),
]
