# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes of the U-net and the U-net++."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .kernel import Kernel
from .weights import check_weights


class BlockSettings(BaseModel):
    """Blocks of five convolutions at several resolutions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: int = Field(16, ge=1, le=1024, description="channels of the first block")
    levels: int = Field(
        4, ge=1, le=10, description="resolutions, each half of the one before"
    )
    kernel: Kernel = Field(3, description="side of the convolutions [pixels]")
    form: Literal["lean", "published"] = Field(
        "lean",
        description="published has the parameters of publication III: after each "
        "convolution a batch normalization and a slope for each channel, short skips "
        "concatenated; lean has one slope a layer, short skips added, and is faster",
    )

    @model_validator(mode="after")
    def _is_not_too_large(self) -> BlockSettings:
        # Five convolutions on the way down and up, most of them at the last level.
        widest = self.width * 2 ** (self.levels - 1)
        check_weights("width, levels and kernel", 10 * (self.kernel * widest) ** 2)
        return self


class _UShape(BlockSettings):
    """What U-net and U-net++ share: the longest way through both is the same."""

    per_image: ClassVar[bool] = False
    smallest_side: ClassVar[int] = 1

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


class UNetSettings(_UShape):
    """Sizes of a U-net."""

    architecture: Literal["unet"] = "unet"


class UNetPlusPlusSettings(_UShape):
    """Sizes of a U-net++."""

    architecture: Literal["unet++"] = "unet++"
