# SPDX-License-Identifier: GPL-3.0-or-later
"""Generator: documented ranges, from which each seed draws one structure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from ._structure import Structure

Purpose = Literal["train", "validation", "test"]
"""What a data set is for."""

Seed = int | np.random.SeedSequence
"""The same seed gives the same structure."""


class Generator(BaseModel, ABC):
    """Ranges from which structures are drawn; uniform, both ends included.

    A subclass names itself by a literal `generator`, its key in a recipe.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    generator: str
    field: float = Field(112.0, gt=8, description="side of the field of view [Å]")

    def of(self, purpose: Purpose) -> Generator:  # noqa: ARG002
        """Return the generator of one data set; the same for all, but for databases."""
        return self

    @abstractmethod
    def make(self, seed: Seed) -> Structure:
        """Draw one structure."""
