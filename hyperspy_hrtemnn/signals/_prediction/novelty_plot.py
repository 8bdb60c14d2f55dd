# SPDX-License-Identifier: GPL-3.0-or-later
"""Picture of novelty: what of an image is foreign to a network, in color on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.signals._shared.calibration import edges_of
from hyperspy_hrtemnn.signals._shared.image_plots import draw_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

# Novelty with the ends of the colors, equally far from the threshold, 1, as ratios.
_LOWEST, _HIGHEST = 1 / 3, 3.0


def draw_novelty(
    image: NDArray[Any],
    signal_axes: Sequence[Any],
    novelty: NDArray[np.floating],
    novelty_axes: Sequence[Any],
    ax: Axes | None,
) -> Axes:
    """Plot an image with its novelty in colors, blue below the threshold, red above.

    Parameters
    ----------
    image, signal_axes
        The image, shape (y, x), and its axes (x, y).
    novelty, novelty_axes
        Its novelty and the axes of that.
    ax
        Axes to plot on; by default those of a new figure.
    """
    from matplotlib.colors import LogNorm

    ax = draw_image(image, signal_axes, ax)
    (left, right), (top, bottom) = map(edges_of, novelty_axes)
    drawn = ax.imshow(
        np.ma.masked_invalid(novelty),
        cmap="RdBu_r",
        norm=LogNorm(_LOWEST, _HIGHEST),
        alpha=0.45,
        extent=(left, right, bottom, top),
        interpolation="nearest",
    )
    bar = ax.figure.colorbar(drawn, ax=ax, extend="both", label="novelty")
    bar.set_ticks([_LOWEST, 1, _HIGHEST], labels=["1/3", "1", "3"], minor=False)
    bar.minorticks_off()
    return ax
