# SPDX-License-Identifier: GPL-3.0-or-later
"""Ranges that have limits, and which of many things a percentage takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator

from hyperspy_hrtemnn.networks import Range

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def within(low: float, high: float) -> AfterValidator:
    """Return what refuses a range that is not ordered and within two limits.

    Parameters
    ----------
    low, high
        The limits, which are allowed; in the unit of the range.
    """

    def check(bounds: tuple[float, float]) -> tuple[float, float]:
        if not low <= bounds[0] <= bounds[1] <= high:
            raise ValueError(
                f"the range {bounds} is reversed or not in {low} to {high}"
            )
        return bounds

    return AfterValidator(check)


Percent = Annotated[Range, within(0, 100)]
"""Least and greatest part of a whole [%]."""


def pick(
    n: int, bounds: tuple[float, float], rng: np.random.Generator
) -> NDArray[np.intp]:
    """Return which of `n` things a percentage drawn from `bounds` takes, none twice.

    Parameters
    ----------
    n
        Number of things.
    bounds
        Least and greatest part taken [%].
    rng
        Source of the percentage and of the choice.
    """
    return rng.choice(n, round(n * rng.uniform(*bounds) / 100), replace=False)
