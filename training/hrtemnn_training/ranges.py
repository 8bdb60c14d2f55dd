# SPDX-License-Identifier: GPL-3.0-or-later
"""Range types: the ranges of a recipe with their limits, checked as they are read."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from hyperspy_hrtemnn.ranges import Range

__all__ = [
    "CountRange",
    "Magnitude",
    "Percent",
    "PositiveRange",
    "Range",
    "Share",
    "within",
]


def _positive(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] <= 0:
        raise ValueError(f"the range {bounds} does not begin above 0")
    return bounds


def _not_negative(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] < 0:
        raise ValueError(f"the range {bounds} begins below 0")
    return bounds


def _ordered(bounds: tuple[int, int]) -> tuple[int, int]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"the range {bounds} is reversed")
    return bounds


def within(low: float, high: float) -> AfterValidator:
    """Return the check that a range is ordered and within two limits.

    Parameters
    ----------
    low, high
        Limits, which are allowed; in the unit of the range.
    """

    def check(bounds: tuple[float, float]) -> tuple[float, float]:
        if not low <= bounds[0] <= bounds[1] <= high:
            raise ValueError(
                f"the range {bounds} is reversed or not in {low} to {high}"
            )
        return bounds

    return AfterValidator(check)


PositiveRange = Annotated[Range, AfterValidator(_positive)]
"""Range of values above 0."""

Magnitude = Annotated[Range, AfterValidator(_not_negative)]
"""Range of values from 0; the angle of an aberration takes the place of its sign."""

Percent = Annotated[Range, within(0, 100)]
"""Least and greatest part of a whole [%]."""

CountRange = Annotated[tuple[int, int], AfterValidator(_ordered)]
"""Fewest and most, both included."""

Share = Annotated[float, Field(ge=0, le=1)]
"""Probability, or part of a whole."""
