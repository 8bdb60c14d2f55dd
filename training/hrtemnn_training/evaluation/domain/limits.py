# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of a domain: where the curve of a sweep has fallen by 5 and by 20 percent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.networks import Limits

from .sweep import INSIDE

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from hrtemnn_training.metrics.metric import Metric

    from .conditions import Condition


def curves(table: pd.DataFrame, metric: Metric) -> dict[str, pd.DataFrame]:
    """Return the curve of each condition: its score over that inside the training.

    Parameters
    ----------
    table
        Table from `sweep`.
    metric
        What the score is. Of an error, where less is better, the ratio is inverted, so
        that 0.8 is an error 1.25 times as large.

    Returns
    -------
    By condition: ``value``, ``score``, the mean over the structures, ``error``, its
    standard error, and ``relative``, in the order of the sweep.
    """
    inside = float(table.loc[table["condition"] == INSIDE, "score"].mean())
    found = {}
    for name, rows in table[table["condition"] != INSIDE].groupby(
        "condition", sort=False
    ):
        by_value = rows.groupby("value", sort=False)["score"]
        curve = by_value.agg(score="mean", error="sem").reset_index()
        ratio = curve["score"] / inside
        curve["relative"] = 1 / ratio if metric.less_is_better else ratio
        found[str(name)] = curve
    return found


def find_limits(
    curves_of: Mapping[str, pd.DataFrame], conditions: Mapping[str, Condition]
) -> dict[str, Limits]:
    """Return the limits of all conditions that are numbers.

    Parameters
    ----------
    curves_of
        Curves by condition, see `curves`.
    conditions
        The conditions by name.
    """
    found = {}
    for name, curve in curves_of.items():
        condition = conditions[name]
        if condition.trained is None:
            continue
        values = curve["value"].to_numpy(float)
        relative = curve["relative"].to_numpy(float)
        best = _best_inside(values, relative, condition.trained)
        ends = [
            _ends(values, relative, best, level, is_log=condition.is_log)
            for level in (0.95, 0.8)
        ]
        found[name] = Limits(
            swept=(float(values.min()), float(values.max())),
            less_by_5=ends[0],
            less_by_20=ends[1],
        )
    return found


def _best_inside(
    values: NDArray[np.float64],
    relative: NDArray[np.float64],
    trained: tuple[float, float],
) -> int:
    """Return which value of the training has the best score."""
    low, high = trained
    rounding = 1e-6 * max(abs(low), abs(high))
    inside = (values >= low - rounding) & (values <= high + rounding)
    return int(np.nanargmax(np.where(inside, relative, -np.inf)))


def _ends(
    values: NDArray[np.float64],
    relative: NDArray[np.float64],
    best: int,
    level: float,
    *,
    is_log: bool,
) -> tuple[float | None, float | None]:
    """Return where the curve first falls to a level, below and above its best value."""
    low = _crossing(values[best::-1], relative[best::-1], level, is_log=is_log)
    high = _crossing(values[best:], relative[best:], level, is_log=is_log)
    return low, high


def _crossing(
    values: NDArray[np.float64],
    relative: NDArray[np.float64],
    level: float,
    *,
    is_log: bool,
) -> float | None:
    """Return where a curve first falls below a level, on a line between its points."""
    below = np.flatnonzero(relative < level)
    if not len(below):
        return None
    last = below[0]
    if last == 0:  # nowhere as good as the mean of the training
        return float(values[0])
    places = np.log(values) if is_log else values
    share = (relative[last - 1] - level) / (relative[last - 1] - relative[last])
    place = places[last - 1] + share * (places[last] - places[last - 1])
    # Four digits are more than a sweep knows.
    return float(f"{np.exp(place) if is_log else place:.4g}")
