# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the loss of exit waves in a recipe, which is read without Keras."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class RegisteredWave(BaseModel):
    """Mean square error of a wave that is left after its registration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Literal["registered wave"]
    largest_shift: float = Field(
        0.1,
        gt=0,
        le=0.5,
        description="longest shift by which the label is registered [Å]; fits find 1 "
        "to 8 pm, and half a lattice spacing would be the next column",
    )
    twice_at: float | None = Field(
        None,
        gt=0,
        le=100,
        description="spatial frequency whose errors count twice [1/Å]: the weight of "
        "a frequency f is 1 + (f / twice_at)²; all count alike if null",
    )
