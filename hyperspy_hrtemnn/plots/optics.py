# SPDX-License-Identifier: GPL-3.0-or-later
"""Optics plot: defocus and astigmatism of the frames of a movie against time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .new_axes import new_axes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

# Probability of a sign below which a defocus is drawn hollow.
_SURE = 0.9


def plot_optics(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Plot defocus and twofold astigmatism against time, with their errors.

    The bands are one error to each side. A defocus whose sign is less than 90 %
    probable is a hollow circle.

    Parameters
    ----------
    table
        Table from `HRTEM.estimate_optics`.
    ax
        Axes for the plot; by default those of a new figure.

    Raises
    ------
    ValueError
        If it is another table.
    """
    needed = ("frame", "defocus", "defocus_error", "astigmatism", "sign_probability")
    missing = [name for name in needed if name not in table]
    if missing:
        raise ValueError(
            f"The table of optics has no column {missing[0]!r}; it has to be that of "
            "HRTEM.estimate_optics."
        )
    ax = new_axes() if ax is None else ax
    units = table.attrs.get("units", {})
    axis = "time" if "time" in table else "frame"
    for name, color in (("defocus", "C0"), ("astigmatism", "C1")):
        x, y, error = (
            table[key].to_numpy(float) for key in (axis, name, f"{name}_error")
        )
        ax.plot(x, y, color=color, label=name)
        ax.fill_between(x, y - error, y + error, color=color, alpha=0.25, lw=0)
        sure = np.ones(len(table), bool)
        if name == "defocus":
            sure = table["sign_probability"].to_numpy(float) >= _SURE
        ax.plot(x[sure], y[sure], "o", ms=4, color=color)
        ax.plot(x[~sure], y[~sure], "o", ms=4, color=color, mfc="white")
    ax.axhline(0, color="0.6", lw=0.8)
    ax.set_xlabel(f"time ({units.get('time', 's')})" if axis == "time" else "frame")
    ax.set_ylabel(f"length ({units.get('defocus', 'nm')}), positive = underfocus")
    ax.legend(fontsize="small")
    return ax
