# SPDX-License-Identifier: GPL-3.0-or-later
"""Plot of a spectrum with the names of its reflections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.plots.reflections import reflection_colors, reflection_label
from hyperspy_hrtemnn.signals._shared.image_plots import draw_image

from .spectrum_display import (
    GAMMA,
    MIN_SPACING,
    farthest,
    limits,
    missing,
    set_range,
    shown_share,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

_BEYOND = 1.15  # frequencies shown, of the farthest reflection's

_LABELLED = 12  # the brightest reflections have their names beside them


def draw_spectrum(
    spectrum: NDArray[np.floating],
    signal_axes: Sequence[Any],
    number: int,
    peaks: pd.DataFrame,
    ax: Axes,
    *,
    title: str,
) -> Axes:
    """Plot a spectrum, its contrast stretched, with a circle around each reflection.

    A square where it was not found; gray where it is of no family. If there is nothing
    in the spectrum, the title says so.

    Parameters
    ----------
    spectrum
        Amplitudes, shape (ky, kx).
    signal_axes
        Its axes (x, y) in 1/nm.
    number
        The particle; 0 where there are none.
    peaks
        Its rows of `LocalFFT.peak_table`.
    ax
        Axes to plot on.
    title
        Which particle and frame it is of.
    """
    turn = np.radians(peaks["angle"])
    places = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    places /= peaks["spacing"].to_numpy(float)[:, np.newaxis]
    inner = peaks["reflection"].to_numpy() <= _LABELLED
    shown = farthest(MIN_SPACING, signal_axes)
    if inner.any():
        shown = _BEYOND * np.hypot(*places[inner].T).max()
    black, white = limits(spectrum, shown_share(shown, signal_axes))
    stretched = np.clip(spectrum - black, 0, max(white - black, 0)) ** GAMMA
    full = (0.0, float(max(white - black, 0)) ** GAMMA)
    draw_image(stretched, signal_axes, ax, limits=full, ticks=True)
    set_range(ax, shown)
    ax.set_title("\n".join(filter(None, (title, missing(spectrum, number)))))
    colors = reflection_colors(peaks)
    for (_, row), (x, y) in zip(peaks.iterrows(), places, strict=True):
        color = colors[row["reflection"]]
        style = "o" if row["found"] else "s"
        ax.plot([x, -x], [y, -y], style, mfc="none", mec=color, ms=12, mew=1.2)
        if row["reflection"] <= _LABELLED:
            ax.annotate(
                reflection_label(row),
                (x, y),
                xytext=(8, 6),
                textcoords="offset points",
                color=color,
                fontsize="small",
            )
    return ax
