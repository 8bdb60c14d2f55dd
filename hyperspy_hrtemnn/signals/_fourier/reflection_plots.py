# SPDX-License-Identifier: GPL-3.0-or-later
"""One spectrum with what its reflections are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.plots.reflections import reflection_colors, reflection_label
from hyperspy_hrtemnn.signals._image_plots import draw_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

_DARKEST = 0.02  # of the brightest amplitude

_BEYOND = 1.15  # frequencies shown, of the farthest reflection's

_LABELLED = 12  # the brightest reflections have their names beside them


def draw_spectrum(
    spectrum: NDArray[np.floating],
    signal_axes: Sequence[Any],
    peaks: pd.DataFrame,
    ax: Axes,
) -> Axes:
    """Plot a spectrum, logarithmic, with a circle around each reflection.

    A square where it was not found; grey where it is of no family.
    """
    darkest = np.log(_DARKEST * max(float(spectrum.max()), np.finfo(float).tiny))
    image = np.log(np.maximum(spectrum, np.exp(darkest)))
    draw_image(image, signal_axes, ax)
    colors = reflection_colors(peaks)
    turn = np.radians(peaks["angle"])
    places = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    places /= peaks["spacing"].to_numpy(float)[:, np.newaxis]
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
    if len(places):
        inner = peaks["reflection"].to_numpy() <= _LABELLED
        farthest = _BEYOND * np.hypot(*places[inner].T).max()
        ax.set_xlim(-farthest, farthest)
        ax.set_ylim(farthest, -farthest)
    return ax
