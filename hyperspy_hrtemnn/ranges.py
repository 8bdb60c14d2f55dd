# SPDX-License-Identifier: GPL-3.0-or-later
"""Range: lower and upper bound of a quantity, checked as it is read by pydantic.

Cards of networks and recipes of trainings say their ranges in these types.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Field, Tag


def _ordered(bounds: tuple[float, float]) -> tuple[float, float]:
    if not all(map(math.isfinite, bounds)):
        raise ValueError(f"the range {bounds} is not of finite numbers")
    if bounds[0] > bounds[1]:
        raise ValueError(f"the range {bounds} is reversed")
    return bounds


Range = Annotated[tuple[float, float], AfterValidator(_ordered)]
"""Lower and upper bound, both included."""

_ENERGIES = (1.0, 10_000.0)  # [keV]


def _of_electrons(bounds: tuple[float, float]) -> tuple[float, float]:
    low, high = _ENERGIES
    if not low <= bounds[0] <= bounds[1] <= high:
        raise ValueError(f"the range {bounds} is not in {low:g} to {high:g} keV")
    return bounds


def _one_or_two(value: Any) -> str:
    return "range" if isinstance(value, list | tuple) else "number"


Energy = Annotated[
    Annotated[float, Field(ge=_ENERGIES[0], le=_ENERGIES[1]), Tag("number")]
    | Annotated[Range, AfterValidator(_of_electrons), Tag("range")],
    Discriminator(_one_or_two),
]
"""Beam energy, the same for all images, or the range of their energies [keV]."""


def energy_range(energy: float | tuple[float, float]) -> tuple[float, float]:
    """Return the lowest and the highest of an `Energy` [keV]."""
    return energy if isinstance(energy, tuple) else (energy, energy)


def energy_text(energy: float | tuple[float, float]) -> str:
    """Return an `Energy` as a text.

    Examples
    --------
    >>> energy_text(300.0), energy_text((60.0, 80.0))
    ('300 keV', '60 to 80 keV')
    """
    low, high = energy_range(energy)
    return f"{low:g} keV" if low == high else f"{low:g} to {high:g} keV"
