# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts plot: the number of columns of each class against time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .class_colors import class_colors
from .new_axes import new_axes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_MISSING = "missing "


def plot_counts(
    counts: pd.DataFrame,
    classes: list[str] | None = None,
    ax: Axes | None = None,
    *,
    frame_time: float | None = None,
    time_unit: str = "s",
) -> Axes:
    """Plot how many columns of each class there are against time.

    Parameters
    ----------
    counts
        Table from `hyperspy_hrtemnn.analysis.count_columns`.
    classes
        Names of the columns of the table that are drawn, such as ``["1S", "missing
        2S"]`` for the sulfur vacancies of MoS2; by default all. Missing columns have
        dashed lines.
    ax
        Axes for the plot; by default those of a new figure.
    frame_time
        Time from one frame to the next; by default the axis shows numbers of frames.
    time_unit
        Unit of the time.

    Raises
    ------
    ValueError
        If a class is not in the table.
    """
    names = list(counts.columns) if classes is None else classes
    unknown = [name for name in names if name not in counts]
    if unknown:
        raise ValueError(
            f"There is no class {', '.join(map(str, unknown))}; there are "
            f"{', '.join(map(str, counts.columns))}."
        )
    ax = new_axes() if ax is None else ax
    colors = class_colors(str(name).removeprefix(_MISSING) for name in counts)
    for name in names:
        kind = str(name).removeprefix(_MISSING)
        ax.plot(
            counts.index * (frame_time or 1),
            counts[name],
            color=colors[kind],
            linestyle="-" if kind == str(name) else "--",
            drawstyle="steps-mid",
            label=str(name),
        )
    ax.set_xlabel("frame" if frame_time is None else f"time ({time_unit})")
    ax.set_ylabel("columns")
    ax.set_ylim(bottom=0)
    if names:
        ax.legend(fontsize="small")
    return ax
