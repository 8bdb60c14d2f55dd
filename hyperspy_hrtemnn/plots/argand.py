# SPDX-License-Identifier: GPL-3.0-or-later
"""Argand plot: the wave at atomic columns in the complex plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.analysis import defocus_circle, mass_circle

from .class_colors import class_colors
from .new_axes import new_axes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def plot_argand(columns: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Plot the wave at atomic columns in the complex plane, in a color for each class.

    Columns that end in the plane of the wave lie on the mass circle (gray line);
    heavier ones are farther from vacuum. Columns that end higher or lower lie beside
    it, on the defocus circle of their class (dashed line; thesis, figure 1.5). See
    `hyperspy_hrtemnn.analysis.mass_angle`.

    Parameters
    ----------
    columns
        Table from `ExitWave.find_columns`.
    ax
        Axes for the plot; by default those of a new figure.
    """
    from matplotlib.lines import Line2D

    ax = new_axes() if ax is None else ax
    turn = np.exp(1j * np.linspace(0, 2 * np.pi, 200))
    # Tables of other sources get the excitation of phase objects.
    excitation = complex(*columns.attrs.get("excitation", (1, 0)))
    center, radius = mass_circle(excitation)
    circles = [(center + radius * turn, "-", "grey")]
    ax.plot(1, 0, "k+", ms=10, label="vacuum")
    for name, color in class_colors(columns["class"]).items():
        rows = columns[columns["class"] == name]
        label = f"{name} ({len(rows)})"
        ax.plot(rows["real"], rows["imaginary"], ".", c=color, alpha=0.6, label=label)
        center, radius = defocus_circle(rows["theta"].mean(), excitation)
        circles.append((center + radius * turn, "--", color))
    ax.set_aspect("equal", adjustable="datalim")
    for circle, style, color in circles:
        # Circles that are added as artists do not change the limits of the axes.
        line = Line2D(circle.real, circle.imag, ls=style, c=color, lw=0.8, zorder=0)
        ax.add_artist(line)
    ax.set_xlabel("real part")
    ax.set_ylabel("imaginary part")
    ax.legend(fontsize="small")
    return ax
