# SPDX-License-Identifier: GPL-3.0-or-later
"""Generator: documented ranges, from which each seed draws one structure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from ._structure import Structure

# Limits that no structure reaches which a machine of today can make a wave of.
FIELD = 2000.0  # longest length, and largest angle [Å, degrees]
_COUNT = (
    200  # layers of a particle, particles, sheets; 200 layers are millions of atoms
)
_VOLUME = 1e8  # of a support or a film, some ten million atoms [Å³]

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
    field: float = Field(
        112.0, gt=8, le=FIELD, description="side of the field of view [Å]"
    )

    @model_validator(mode="after")
    def _is_not_too_large(self) -> Generator:
        for key in type(self).model_fields:
            value = getattr(self, key)
            if not isinstance(value, tuple):
                continue
            for number in value:
                if isinstance(number, int) and abs(number) > _COUNT:
                    raise ValueError(f"{key}: counts go to {_COUNT}, not {number}")
                if isinstance(number, float) and abs(number) > FIELD:
                    raise ValueError(f"{key}: ranges go to {FIELD:g}, not {number:g}")
        thickness = getattr(self, "thickness", (0.0, 0.0))[1]
        if self.field**2 * thickness > _VOLUME:
            raise ValueError(
                f"thickness: {thickness:g} Å over a field of {self.field:g} Å are "
                f"millions of atoms; {_VOLUME / self.field**2:.0f} Å are the most"
            )
        return self

    def of(self, purpose: Purpose) -> Generator:  # noqa: ARG002
        """Return the generator of one data set; the same for all, but for databases."""
        return self

    @property
    def largest_field(self) -> float:
        """Side of the largest field of view among its structures [Å]."""
        return self.field

    @property
    def column_names(self) -> tuple[str, ...]:
        """Classes of the columns; none where there are no columns, or it depends."""
        return ("column",)

    def check_columns(self) -> None:
        """Raise a ValueError if structures differ in the classes of their columns."""

    @abstractmethod
    def make(self, seed: Seed) -> Structure:
        """Draw one structure."""
