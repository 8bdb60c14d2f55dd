# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes of a U-net, apart from its layers: a recipe is read without Keras."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class UNetSettings(BaseModel):
    """Sizes of a U-net."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    architecture: Literal["unet"] = "unet"
    width: int = Field(16, ge=1, description="channels of the first block")
    levels: int = Field(4, ge=1, description="resolutions, each half of the one before")
    kernel: int = Field(3, ge=1, description="side of the convolutions [pixels]")

    @property
    def stride(self) -> int:
        """Height and width of an image must be multiples of it."""
        return int(2 ** (self.levels - 1))

    @property
    def receptive_field(self) -> int:
        """Side of the square of pixels on which one pixel of the output depends."""
        reach = 0
        block = 5 * (self.kernel // 2)
        for level in range(self.levels):
            blocks = 1 if level == self.levels - 1 else 2
            reach += blocks * block * 2**level
            if level:
                # The pooling reaches over one pixel of its input, the bilinear
                # interpolation over one of its own.
                reach += 2 ** (level - 1) + 2**level
        return 2 * reach + 1
