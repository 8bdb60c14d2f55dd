# SPDX-License-Identifier: GPL-3.0-or-later
"""Totals plot: the number and the area of all particles against time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .pauses import draw_pauses, find_pauses, with_gaps

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_particle_totals(
    properties: pd.DataFrame, frames: pd.DataFrame, axes: Sequence[Axes] | None = None
) -> Figure:
    """Plot the number of particles, and their area together, against time.

    A frame without a particle counts as 0; the lines have a gap where a frame could not
    be used, and in pauses of the movie.

    Parameters
    ----------
    properties
        Table of `Instances.properties` or `HRTEM.follow_particles`.
    frames
        A row for each frame, with ``frame``, ``valid`` and, if the table of properties
        has it, ``time``: ``frames.csv`` of `hrtemnn follow`, for example.
    axes
        Two axes for the plots; by default those of a new figure.

    Returns
    -------
    The figure, with the number above and the area below.
    """
    from matplotlib.ticker import MaxNLocator

    if axes is None:
        import matplotlib.pyplot as plt

        axes = plt.subplots(2, 1, sharex=True, layout="constrained")[1]
    above, below = axes
    # Of several navigation axes there is no single time to draw against.
    in_time = "time" in frames and frames["time"].is_monotonic_increasing
    against = "time" if in_time else "frame"
    of_each = properties.groupby("frame")["area"]
    rows = frames.set_index("frame", drop=False)
    totals = {
        "number": of_each.size().reindex(rows.index, fill_value=0),
        "area": of_each.sum().reindex(rows.index, fill_value=0.0),
    }
    rows = rows.assign(**{k: v.where(rows["valid"]) for k, v in totals.items()})
    pauses = find_pauses(frames) if against == "time" else []
    lined = rows.reindex(with_gaps(rows.index, pauses))
    for ax, name in ((above, "number"), (below, "area")):
        draw_pauses(pauses, ax)
        style = "steps-mid" if name == "number" else "default"
        ax.plot(lined[against], lined[name], marker=".", drawstyle=style)
        top = np.nanmax(rows[name].to_numpy(float), initial=0)
        # A line at the upper edge would look like a frame.
        ax.set_ylim(0, 1.1 * top if top else 1)
    above.yaxis.set_major_locator(MaxNLocator(integer=True))
    if against == "frame":
        below.xaxis.set_major_locator(MaxNLocator(integer=True))
    units = properties.attrs.get("units", {})
    above.set_ylabel("particles")
    below.set_ylabel(f"total area ({units['area']})" if "area" in units else "area")
    unit = units.get(against)
    below.set_xlabel(f"{against} ({unit})" if unit else against)
    return above.figure  # type: ignore[return-value]
