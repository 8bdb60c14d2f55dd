# SPDX-License-Identifier: GPL-3.0-or-later
"""Events plot: how many columns appeared, vanished and jumped, how often, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.analysis import count_once, rates_in_time

from .palette import GRAY, id_color

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PARTS = 8  # of the movie, in each of which there is a rate

# Share of the frames in which there is a column on the sites that are drawn.
_SEEN = 0.5


def plot_events(
    events: pd.DataFrame, columns: pd.DataFrame, axes: Sequence[Axes] | None = None
) -> Figure:
    """Plot events of columns against time, their rate, and where they were.

    Parameters
    ----------
    events
        Table of `hyperspy_hrtemnn.analysis.column_events`, of which each jump is
        counted once.
    columns
        The table of columns that it was made from: ``columns`` of
        `HRTEM.count_events`.
    axes
        Three axes for the plots; by default those of a new figure.

    Returns
    -------
    The figure. The first plot has the number of events until then, a line for each
    particle; where a particle was not on a zone axis, or frames are missing, the line
    is dotted. The second has the rate of a particle, the mean of all, with its band of
    95 %. The third has the sites of columns as they lay when their particle was first
    seen, gray, and circles at those of events, the larger the more there were, and
    larger for columns that vanished; arrows are jumps.
    """
    if axes is None:
        import matplotlib.pyplot as plt

        figure = plt.figure(figsize=(10, 5), layout="constrained")
        mosaic = figure.subplot_mosaic([["number", "map"], ["rate", "map"]])
        axes = [mosaic[name] for name in ("number", "rate", "map")]
    number, rate, where = axes
    _draw_numbers(events, columns, number)
    _draw_rates(events, columns, rate)
    _draw_map(events, columns, where)
    return number.figure  # type: ignore[return-value]


def _against(columns: pd.DataFrame) -> tuple[str, str]:
    """Return what the plots are against, and its label."""
    name = "time" if "time" in columns else "frame"
    unit = columns.attrs.get("units", {}).get(name)
    return name, f"{name} ({unit})" if unit else name


def _draw_numbers(events: pd.DataFrame, columns: pd.DataFrame, ax: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    counted = count_once(events)
    against, label = _against(columns)
    ids = columns["id"] if "id" in columns else columns["frame"] * 0 + 1
    of_events = counted["id"] if "id" in counted else counted["frame"] * 0 + 1
    for number, rows in columns.groupby(ids):
        frames = rows.drop_duplicates("frame").sort_values("frame")
        own = np.sort(counted.loc[of_events == number, "frame"])
        total = np.searchsorted(own, frames["frame"], side="right")
        x = frames[against].to_numpy(float)
        color = id_color(int(number))
        ax.step(x, total, where="post", color=color, ls=":", lw=1)
        known = np.diff(frames["frame"], prepend=-2) == 1
        gaps = np.flatnonzero(~known)
        for first, end in zip(gaps, [*gaps[1:], len(x)], strict=True):
            part = slice(first, end)
            name = f"particle {number}" if first == 0 and "id" in columns else None
            ax.step(x[part], total[part], where="post", color=color, label=name)
    if "id" in columns:
        ax.legend(fontsize="small", loc="upper left")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_ylim(bottom=0)
    ax.set_ylabel("events until then")
    ax.set_xlabel(label)


def _draw_rates(events: pd.DataFrame, columns: pd.DataFrame, ax: Axes) -> None:
    name, label = _against(columns)
    unit = columns.attrs.get("units", {}).get(name, "") if name == "time" else "frame"
    for part in rates_in_time(events, columns, parts=_PARTS):
        x = [part.start, part.end]
        ax.fill_between(x, part.low, part.high, color=GRAY, alpha=0.6, lw=0)
        ax.plot(x, [part.rate] * 2, color="black")
    ax.set_ylim(bottom=0)
    ax.set_ylabel(f"events of a particle (1/{unit})" if unit else "rate of events")
    ax.set_xlabel(label)


def _draw_map(events: pd.DataFrame, columns: pd.DataFrame, ax: Axes) -> None:
    places = ["x_corrected", "y_corrected"]
    ids = columns["id"] if "id" in columns else columns["frame"] * 0
    frames = columns.groupby(ids)["frame"].nunique()
    sites = columns.groupby([ids, columns["track"]])
    total = frames.reindex(sites["frame"].first().index.get_level_values(0))
    shown = sites[places].mean()[sites["frame"].nunique() >= _SEEN * total.to_numpy()]
    ax.scatter(shown["x_corrected"], shown["y_corrected"], 12, GRAY, label="column")
    for kind, color, area in (
        ("appears", "#0072b2", 50),
        ("vanishes", "#d55e00", 130),
    ):
        rows = events[events["kind"] == kind]
        many = rows.groupby(places).size().reset_index(name="number")
        if len(many):
            x, y = (many[name] for name in places)
            size = area * many["number"].to_numpy()
            ax.scatter(x, y, size, facecolors="none", edgecolors=color, label=kind)
    jumps = events[events["jump"] > 0]
    arrived = count_once(jumps).set_index("jump")["track"]
    is_end = jumps["track"].to_numpy() == jumps["jump"].map(arrived).to_numpy()
    ends = jumps[is_end].set_index("jump")[places]
    starts = jumps[~is_end].set_index("jump")[places].reindex(ends.index)
    for end, start in zip(ends.to_numpy(), starts.to_numpy(), strict=True):
        ax.annotate(
            "",
            end,
            start,
            arrowprops={"arrowstyle": "-|>", "color": "#009e73", "shrinkA": 0},
        )
    if len(jumps):
        ax.plot([], [], color="#009e73", marker=">", label="jumps")
    ax.set_aspect("equal")
    ax.invert_yaxis()
    unit = columns.attrs.get("units", {}).get("x")
    for name, put in (("x", ax.set_xlabel), ("y", ax.set_ylabel)):
        put(f"{name} ({unit})" if unit else name)
    ax.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
