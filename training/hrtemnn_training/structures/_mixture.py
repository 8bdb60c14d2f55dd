# SPDX-License-Identifier: GPL-3.0-or-later
"""Mixture: structures of several generators in one data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from hrtemnn_training.ranges import Range, Share, within

from ._contamination import contaminate
from ._generator import FIELD, Generator, Purpose, Seed
from ._parts import PartGenerator

if TYPE_CHECKING:
    from ._structure import Structure


class Part(BaseModel):
    """One generator of a mixture, and how often it is drawn."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: float = Field(
        1.0, gt=0, description="how often it is drawn, relative to the other parts"
    )
    structures: PartGenerator = Field(description="any generator but a mixture")


class Mixture(Generator):
    """Structures of several generators, each as often as its share."""

    generator: Literal["mixture"] = "mixture"
    field: float = Field(
        112.0,
        gt=8,
        le=FIELD,
        description="side of the field of view of the parts that do not give theirs "
        "[Å]",
    )
    parts: Annotated[tuple[Part, ...], Field(min_length=1)] = Field(
        description="generators with their shares, each as share and structures"
    )
    contamination: Share = Field(
        0.0, description="share of the fields with amorphous carbon over and under all"
    )
    contamination_thickness: Annotated[Range, within(1, 100)] = Field(
        (5.0, 30.0), description="thickness of each of the two layers [Å]"
    )

    @model_validator(mode="before")
    @classmethod
    def _field_of_the_parts(cls, values: Any) -> Any:
        """Hand the field on to parts that do not have one; faults are left as is."""
        match values:
            case {"field": field, "parts": [*parts]}:
                return {**values, "parts": [_with_field(part, field) for part in parts]}
        return values

    @property
    def largest_field(self) -> float:
        return max(part.structures.largest_field for part in self.parts)

    def of(self, purpose: Purpose) -> Mixture:
        parts = tuple(
            part.model_copy(update={"structures": part.structures.of(purpose)})
            for part in self.parts
        )
        return self.model_copy(update={"parts": parts})

    @property
    def column_names(self) -> tuple[str, ...]:
        return ()  # depends on the part

    def check_columns(self) -> None:
        """Refuse parts whose columns are of other classes than those of the first.

        Raises
        ------
        ValueError
            If there are such; the message names them and their classes.
        """
        classes = {
            number: part.structures.column_names
            for number, part in enumerate(self.parts)
            if part.structures.column_names
        }
        first = next(iter(classes.values()), ())
        for number, names in classes.items():
            if names != first:
                raise ValueError(
                    f"structures.parts.{number}: its columns are of the classes "
                    f"{', '.join(names)}, those of the parts before it "
                    f"{', '.join(first)}; a label of columns needs the same in all"
                )

    def make(self, seed: Seed) -> Structure:
        """Draw one structure: what its generator makes of the same seed.

        Contamination is in patches, which cover any part of the field.
        """
        own = _own_random(seed)
        shares = np.array([part.share for part in self.parts])
        number = own.choice(len(shares), p=shares / shares.sum())
        structure = self.parts[number].structures.make(seed)
        if self.contamination and own.random() < self.contamination:
            return contaminate(structure, self.contamination_thickness, own)
        return structure


def _with_field(part: Any, field: Any) -> Any:
    match part:
        case {"structures": {"field": _}}:
            return part
        case {"structures": {**structures}}:
            return {**part, "structures": {**structures, "field": field}}
    return part


def _own_random(seed: Seed) -> np.random.Generator:
    """Return random numbers that none of the generators draws from the same seed."""
    if not isinstance(seed, np.random.SeedSequence):
        seed = np.random.SeedSequence(seed)
    own = np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, 0))
    return np.random.default_rng(own)
