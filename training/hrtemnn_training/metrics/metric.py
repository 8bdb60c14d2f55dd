# SPDX-License-Identifier: GPL-3.0-or-later
"""Metric: a number that says how good a prediction is, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """A metric that reports and pictures show.

    Parameters
    ----------
    name
        Column of the table of an evaluation.
    unit
        Unit of the values; empty for a number without one.
    is_share
        Whether each sample has 0 or 1, so that the mean is the share of samples.
    less_is_better
        Whether the worst samples have the largest values.
    top
        Upper end of the axis of a picture, which begins at 0; free if None.
    ideal
        Value at which a line is drawn, if any.
    """

    name: str
    unit: str = ""
    is_share: bool = False
    less_is_better: bool = False
    top: float | None = None
    ideal: float | None = None
