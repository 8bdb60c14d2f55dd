# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes of the encoder, which predicts for the whole image."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from .unet_settings import BlockSettings


class EncoderSettings(BlockSettings):
    """Sizes of an encoder with a head for values of the image or its class."""

    architecture: Literal["encoder"] = "encoder"
    per_image: ClassVar[bool] = True
    stride: ClassVar[int] = 1

    hidden: int = Field(
        64, ge=1, le=10_000, description="channels between the mean and the head"
    )

    directional: bool = Field(
        False,
        description="whether the rows are directions, all of which are kept, and the "
        "last two channels of the input the cosine and sine of twice the direction, "
        "with which each feature is averaged, too",
    )

    @property
    def smallest_side(self) -> int:
        """Least height and width of an image: one pixel at the lowest resolution."""
        return int(2 ** (self.levels - 1))

    @property
    def receptive_field(self) -> int:
        """Side of the square of pixels that one feature sees, before their mean."""
        reach = 0
        block = self.convolutions * (self.kernel // 2)
        for level in range(self.levels):
            reach += block * 2**level
        # Pooling in pairs widens the square to one side.
        return 2 * reach + self.smallest_side
