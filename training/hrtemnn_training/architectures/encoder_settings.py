# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes of the encoder, which predicts for the whole image."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from .unet_settings import BlockSettings
from .weights import check_weights


class EncoderSettings(BlockSettings):
    """Sizes of an encoder with a head for values of the image or its class."""

    architecture: Literal["encoder"] = "encoder"
    per_image: ClassVar[bool] = True
    stride: ClassVar[int] = 1

    hidden: int = Field(
        64, ge=1, le=10_000, description="channels between the mean and the head"
    )
    places: int = Field(
        1,
        ge=1,
        le=64,
        description="side of the square of pixels, at the lowest resolution, of which "
        "the head tells the places apart; with 1 only the mean of each feature counts",
    )

    directional: bool = Field(
        False,
        description="whether the rows are directions, all of which are kept, and the "
        "last two channels of the input the cosine and sine of twice the direction, "
        "with which each feature is averaged, too",
    )

    @property
    def smallest_side(self) -> int:
        """Least height and width of an image: the places at the lowest resolution."""
        return int(self.places * 2 ** (self.levels - 1))

    @model_validator(mode="after")
    def _head_is_not_too_large(self) -> EncoderSettings:
        check_weights(
            "places, hidden and width",
            self.places**2 * self.hidden * max(self.level_widths),
        )
        return self

    @property
    def receptive_field(self) -> int:
        """Side of the square of pixels that one feature sees, before their mean."""
        reach = 0
        block = self.convolutions * (self.kernel // 2)
        for level in range(self.levels):
            reach += block * 2**level
        # Pooling in pairs widens the square to one side.
        return 2 * reach + self.smallest_side
