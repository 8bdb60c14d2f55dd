# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes of the U-net and the U-net++."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .kernel import Kernel
from .weights import check_weights

Width = Annotated[int, Field(ge=1, le=1024)]
Dilation = Annotated[int, Field(ge=1, le=1000)]


class BlockSettings(BaseModel):
    """Blocks of convolutions at several resolutions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: Width = Field(16, description="channels of the first block")
    levels: int = Field(
        4, ge=1, le=10, description="resolutions, each half of the one before"
    )
    kernel: Kernel = Field(3, description="side of the convolutions [pixels]")
    convolutions: int = Field(5, ge=2, le=20, description="convolutions of a block")
    form: Literal["lean", "published"] = Field(
        "lean",
        description="published has the parameters of publication III: after each "
        "convolution a batch normalization and a slope for each channel, short skips "
        "concatenated; lean has one slope a layer, short skips added, and is faster",
    )

    @property
    def level_widths(self) -> tuple[int, ...]:
        """Channels of the blocks of each level, the finest first."""
        return tuple(self.width * 2**level for level in range(self.levels))

    @model_validator(mode="after")
    def _is_not_too_large(self) -> BlockSettings:
        # A block on the way down and one on the way up, most weights at the last level.
        of_one = (self.kernel * max(self.level_widths)) ** 2
        check_weights(
            "width, levels, kernel and convolutions", 2 * self.convolutions * of_one
        )
        return self


class _UShape(BlockSettings):
    """What U-net and U-net++ share: the longest way through both is the same."""

    per_image: ClassVar[bool] = False
    smallest_side: ClassVar[int] = 1

    @property
    def stride(self) -> int:
        """Height and width of an image must be multiples of it."""
        return int(2 ** (len(self.level_widths) - 1))

    @property
    def receptive_field(self) -> int:
        """Side of the square of pixels on which one pixel of the output depends."""
        return 2 * self._reach + 1

    @property
    def _reach(self) -> int:
        """Pixels that one pixel of the output sees to each side of it."""
        reach = 0
        block = self.convolutions * (self.kernel // 2)
        last = len(self.level_widths) - 1
        for level in range(last + 1):
            reach += block * 2**level * (1 if level == last else 2)
            if level:
                # The pooling reaches over one pixel of its input, the bilinear
                # interpolation over one of its own.
                reach += 2 ** (level - 1) + 2**level
        return reach


class UNetSettings(_UShape):
    """Sizes of a U-net."""

    architecture: Literal["unet"] = "unet"

    widths: tuple[Width, ...] | None = Field(
        None,
        min_length=1,
        max_length=10,
        description="channels of the blocks of each level, the finest first, instead "
        "of width and levels",
    )
    dilations: tuple[Dilation, ...] = Field(
        (),
        max_length=20,
        description="distance between the weights of each convolution of the coarsest "
        "block, which has as many convolutions; all 1 if empty [its pixels]",
    )
    fold: Literal[1, 2, 4] = Field(
        1,
        description="side of the squares of pixels that the network takes, and gives, "
        "as channels of one pixel",
    )
    residual: bool = Field(
        False,
        description="whether the answer is added to the images: the network learns "
        "what differs from them, such as their noise",
    )

    @model_validator(mode="after")
    def _widths_are_given_once(self) -> UNetSettings:
        given = self.model_fields_set & {"width", "levels"}
        if self.widths and given:
            raise ValueError(
                f"widths has the channels of all levels; leave out "
                f"{' and '.join(sorted(given))}"
            )
        if len(self.dilations) == 1:
            raise ValueError("dilations: a block has two convolutions or more, not one")
        return self

    @property
    def level_widths(self) -> tuple[int, ...]:
        """Channels of the blocks of each level, the finest first."""
        return self.widths or super().level_widths

    @property
    def stride(self) -> int:
        """Height and width of an image must be multiples of it."""
        return self.fold * super().stride

    @property
    def receptive_field(self) -> int:
        """Side of the square of pixels on which one pixel of the output depends."""
        reach = self._reach
        if self.dilations:
            more = sum(self.dilations) - self.convolutions
            reach += more * (self.kernel // 2) * 2 ** (len(self.level_widths) - 1)
        # The farthest pixel that is folded into one beyond the last, from the first of
        # its own square.
        return 2 * (self.fold * reach + self.fold - 1) + 1


class UNetPlusPlusSettings(_UShape):
    """Sizes of a U-net++."""

    architecture: Literal["unet++"] = "unet++"
