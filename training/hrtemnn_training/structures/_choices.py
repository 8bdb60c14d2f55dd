# SPDX-License-Identifier: GPL-3.0-or-later
"""Choices that a recipe leaves to chance: alternatives, and parts of a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeVar

from pydantic import AfterValidator, Field

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T", bound=str)


def _some(shares: dict[T, float]) -> dict[T, float]:
    if not sum(shares.values()) > 0:
        raise ValueError("one share at least must be above 0")
    return shares


Shares = Annotated[dict[T, Annotated[float, Field(ge=0)]], AfterValidator(_some)]
"""Alternatives and how often each is drawn, relative to their sum."""


def draw(shares: Mapping[T, float], rng: np.random.Generator) -> T:
    """Return one of the alternatives; a lone one takes nothing from `rng`."""
    names = list(shares)
    if len(names) == 1:
        return names[0]
    total = sum(shares.values())
    return names[rng.choice(len(names), p=[share / total for share in shares.values()])]


def pick(
    n: int, bounds: tuple[float, float], rng: np.random.Generator
) -> NDArray[np.intp]:
    """Return which of `n` things a percentage drawn from `bounds` takes, none twice.

    Parameters
    ----------
    n
        Number of things.
    bounds
        Least and greatest part that is taken [%].
    rng
        Source of the percentage and of the choice.
    """
    return rng.choice(n, round(n * rng.uniform(*bounds) / 100), replace=False)
