# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes of the MSD-net."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from .kernel import Kernel
from .weights import check_weights


class MSDNetSettings(BaseModel):
    """Sizes of an MSD-net."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    architecture: Literal["msd-net"] = "msd-net"
    per_image: ClassVar[bool] = False
    stride: ClassVar[int] = 1

    kernel: Kernel = Field(5, description="side of the convolutions [pixels]")
    channels: int = Field(3, ge=1, le=1000, description="channels of each layer")
    layers: int = Field(50, ge=1, le=1000, description="convolutions before the last")
    largest_dilation: int = Field(
        10, ge=1, le=1000, description="the smallest is 1 [pixels]"
    )
    seed: int | None = Field(
        None,
        ge=0,
        description="draws the dilations at random; without it they go from 1 to the "
        "largest and begin again",
    )

    @model_validator(mode="after")
    def _is_not_too_large(self) -> MSDNetSettings:
        # Each layer sees all those before it.
        check_weights(
            "channels, layers and kernel",
            (self.kernel * self.channels * self.layers) ** 2 // 2,
        )
        return self

    @property
    def dilations(self) -> tuple[int, ...]:
        """Distance between the weights of the kernel of each layer [pixels]."""
        if self.seed is None:
            return tuple(1 + i % self.largest_dilation for i in range(self.layers))
        rng = np.random.default_rng(self.seed)
        drawn = rng.integers(1, self.largest_dilation + 1, self.layers)
        return tuple(map(int, drawn))

    @property
    def smallest_side(self) -> int:
        """Least height and width of an image: reflection needs what it reflects."""
        return max(self.dilations) * (self.kernel // 2) + 1

    @property
    def receptive_field(self) -> int:
        """Side of the square of pixels on which one pixel of the output depends."""
        return 2 * (self.kernel // 2) * sum(self.dilations) + 1
