# SPDX-License-Identifier: GPL-3.0-or-later
"""Gray image in the unit of its axes, as a background for other plots."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.image_data.scaling import one_number_a_pixel
from hyperspy_hrtemnn.plots.new_axes import new_axes

from .calibration import edges_of
from .scale_bar import draw_scale_bar, has_scale_bar
from .units import name_of, unit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

BLACK, WHITE = 0.5, 99.5
"""Percentiles of the pixels that are black and white: hot ones do not matter."""

# Percentiles of more pixels than this are those of a part of them.
_ENOUGH = 2**20


def draw_image(
    image: NDArray[Any],
    signal_axes: Sequence[Any],
    ax: Axes | None,
    *,
    limits: tuple[float, float] | None = None,
    ticks: bool = False,
) -> Axes:
    """Plot an image; the limits stay, whatever is drawn on it.

    With a scale bar where HyperSpy has one, otherwise with ticks and the names and
    units of the axes.

    Parameters
    ----------
    image
        The image, shape (y, x).
    signal_axes
        Its axes (x, y).
    ax
        Axes to plot on; by default those of a new figure.
    limits
        What is black and white; by default `contrast_limits`.
    ticks
        Whether to have ticks in any case, because positions are read from them.

    Raises
    ------
    ValueError
        If the image is complex or colored.
    """
    image = one_number_a_pixel(image)
    ax = new_axes() if ax is None else ax
    x_axis, y_axis = signal_axes
    left, right = edges_of(x_axis)
    top, bottom = edges_of(y_axis)
    low, high = contrast_limits(image) if limits is None else limits
    extent = (left, right, bottom, top)
    ax.imshow(image, cmap="gray", vmin=low, vmax=high, extent=extent)
    ax.set_autoscale_on(False)
    if has_scale_bar(signal_axes) and not ticks:
        draw_scale_bar(ax, signal_axes)
        return ax
    for label, axis, default in (
        (ax.set_xlabel, x_axis, "x"),
        (ax.set_ylabel, y_axis, "y"),
    ):
        name, unit = name_of(axis, default), unit_of(axis)
        label(f"{name} ({unit})" if unit else name)
    return ax


def contrast_limits(image: NDArray[Any]) -> tuple[float, float]:
    """Return what is black and white of an image: 0.5 % of its pixels are beyond each.

    0 and 1 where nothing is known.
    """
    step = max(1, math.isqrt(image.size // _ENOUGH))
    some = np.asarray(image[::step, ::step], float)
    known = some[np.isfinite(some)]
    if not known.size:
        return 0.0, 1.0
    low, high = np.percentile(known, (BLACK, WHITE))
    return float(low), float(high)
