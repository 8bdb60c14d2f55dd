# SPDX-License-Identifier: GPL-3.0-or-later
"""Nanotubes plot: the regions of nanotubes over their image, with their indices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .palette import palette

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def draw_nanotubes(axes: Axes, tubes: pd.DataFrame, regions: pd.DataFrame) -> None:
    """Draw the regions of nanotubes over an image, and write what they are.

    Parameters
    ----------
    axes
        Axes with the image, in the unit of the tables.
    tubes, regions
        Rows of one frame of the tables of `HRTEM.chirality`.
    """
    told, refused = palette(2)
    for row in regions.to_dict("records"):
        angle = np.radians(row["direction"])
        reach = row["length"] / 2 * np.array([-1, 1])
        axes.plot(
            row["x"] + reach * np.cos(angle),
            row["y"] + reach * np.sin(angle),
            "-|",
            color=told,
            linewidth=1.5,
        )
        axes.annotate(
            f"{row['chirality_1']} {row['probability_1']:.0%}",
            (row["x"], row["y"]),
            (0, 14),
            textcoords="offset points",
            ha="center",
            color=told,
            fontsize="small",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 1},
        )
    for row in tubes[tubes["reason"] != ""].to_dict("records"):
        axes.plot(row["x"], row["y"], "x", color=refused)
        axes.annotate(
            row["reason"],
            (row["x"], row["y"]),
            (0, 8),
            textcoords="offset points",
            ha="center",
            color=refused,
            fontsize="small",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 1},
        )
