# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures: errors of waves against dose, and reliability of probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from .report import reliability_table

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes

_GROUPS = np.arange(2.5, 5.1, 0.5)
"""Limits of the doses whose median is drawn, log10 [e-/Å²]."""


def draw_waves(ax: Axes, methods: dict[str, pd.DataFrame]) -> None:
    """Draw the registered error of each wave against dose, and medians."""
    for method, rows in methods.items():
        if "registered" not in rows:
            continue
        (line,) = ax.loglog(rows["dose"], rows["registered"], ".", ms=3, alpha=0.4)
        group = np.digitize(np.log10(rows["dose"]), _GROUPS)
        medians = rows[["dose", "registered"]].groupby(group).median()
        ax.loglog(
            medians["dose"],
            medians["registered"],
            "o-",
            color=line.get_color(),
            label=method,
        )
    ax.set(xlabel="dose (e⁻/Å²)", ylabel="RMSE of the wave, registered")
    ax.legend(fontsize="small")


def draw_reliability(ax: Axes, sites: pd.DataFrame) -> None:
    """Draw how often classes stand where they were said to, with binomial errors."""
    table = reliability_table(sites).dropna()
    share, count = table["true"], table["statements"]
    # With one more of each, so that a share of 0 or 1 has an error, too.
    likely = (share * count + 1) / (count + 2)
    error = np.sqrt(likely * (1 - likely) / (count + 2))
    ax.plot([0, 1], [0, 1], color="0.7")
    ax.errorbar(table["stated"], share, error, fmt="o", ms=4, capsize=2)
    ax.set(xlabel="probability of a class", ylabel="share that is right")


def write_picture(
    path: Path, methods: dict[str, pd.DataFrame], sites: pd.DataFrame | None
) -> None:
    """Write both pictures side by side, or the first alone."""
    panels = 1 if sites is None else 2
    figure, axes = plt.subplots(
        1, panels, figsize=(5.2 * panels, 4.2), layout="constrained", squeeze=False
    )
    draw_waves(axes[0, 0], methods)
    if sites is not None:
        draw_reliability(axes[0, 1], sites)
    figure.savefig(path, dpi=100)
    plt.close(figure)
