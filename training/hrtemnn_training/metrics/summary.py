# SPDX-License-Identifier: GPL-3.0-or-later
"""Summary of the metrics of all samples, also against a condition in bins."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

_BINS = 6
_COUNT = " as "  # in the names of numbers that are added up


def summarize(
    rows: pd.DataFrame,
    metrics: Sequence[str],
    bins: dict[str, NDArray[np.floating]],
) -> dict[str, Any]:
    """Return mean and percentiles of the metrics of one contender.

    Parameters
    ----------
    rows
        Rows of the contender in the table of `evaluate`.
    metrics
        Names of its metrics.
    bins
        Edges of the bins of each condition.

    Returns
    -------
    ``images``; ``scores``, of each metric the number of images that have it, mean, 10th
    percentile, median and 90th percentile; ``against``, of each condition the same by
    bins; and, for several classes, ``confusion``, what was taken for what. All that
    JSON can hold, null where no image has a metric.
    """
    counts = [name for name in metrics if _COUNT in name]
    means = [
        name for name in metrics if name not in counts and rows[name].notna().any()
    ]
    summary: dict[str, Any] = {
        "images": len(rows),
        "scores": {name: _statistics(rows[name]) for name in means},
        "against": {
            condition: {
                text: {name: _statistics(part[name]) for name in means}
                for text, part in in_bins(rows, condition, edges)
            }
            for condition, edges in bins.items()
        },
    }
    if counts:
        confusion: dict[str, dict[str, int]] = {}
        for name in counts:
            true, found = name.split(_COUNT)
            confusion.setdefault(true, {})[found] = int(rows[name].sum())
        summary["confusion"] = confusion
    return summary


def in_bins(
    rows: pd.DataFrame, condition: str, edges: NDArray[np.floating]
) -> list[tuple[str, pd.DataFrame]]:
    """Return the text of each bin of a condition and the rows in it."""
    index = np.searchsorted(edges[1:-1], rows[condition], side="right")
    return [
        (f"{low:.4g} to {high:.4g}", rows[index == i])
        for i, (low, high) in enumerate(pairwise(edges))
    ]


def edges_of(condition: str, values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the edges of six bins over the values, the dose's in its logarithm."""
    low, high = float(np.min(values)), float(np.max(values))
    between = np.geomspace if condition == "dose" else np.linspace
    return np.asarray(between(low, high, _BINS + 1))


def _statistics(values: pd.Series[float]) -> dict[str, float | None]:
    known = values.dropna()
    return {
        "images": len(known),
        "mean": rounded(known.mean()),
        "10th percentile": rounded(known.quantile(0.1)),
        "median": rounded(known.median()),
        "90th percentile": rounded(known.quantile(0.9)),
    }


def rounded(value: float | np.floating) -> float | None:
    """Return a number to four decimals, None for nan and infinity, as JSON has it."""
    return round(float(value), 4) if np.isfinite(value) else None
