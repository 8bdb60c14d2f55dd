# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts and alternatives that a recipe leaves to chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeVar

from pydantic import AfterValidator, Field

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

T = TypeVar("T", bound=str)


def _ordered(bounds: tuple[int, int]) -> tuple[int, int]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"the range {bounds} is reversed")
    return bounds


def _some(shares: dict[T, float]) -> dict[T, float]:
    if not sum(shares.values()) > 0:
        raise ValueError("one share at least must be above 0")
    return shares


CountRange = Annotated[tuple[int, int], AfterValidator(_ordered)]
"""Fewest and most, both included."""

Shares = Annotated[dict[T, Annotated[float, Field(ge=0)]], AfterValidator(_some)]
"""Alternatives and how often each is drawn, relative to their sum."""


def draw(shares: Mapping[T, float], rng: np.random.Generator) -> T:
    """Return one of the alternatives; a lone one takes nothing from `rng`."""
    names = list(shares)
    if len(names) == 1:
        return names[0]
    total = sum(shares.values())
    return names[rng.choice(len(names), p=[share / total for share in shares.values()])]
