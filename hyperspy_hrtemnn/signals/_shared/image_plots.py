# SPDX-License-Identifier: GPL-3.0-or-later
"""Gray image in the unit of its axes, as a background for other plots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hyperspy_hrtemnn.plots.new_axes import new_axes

from .calibration import edges_of
from .units import name_of, unit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray


def draw_image(
    image: NDArray[Any], signal_axes: Sequence[Any], ax: Axes | None
) -> Axes:
    """Plot an image; the limits stay, whatever is drawn on it."""
    ax = new_axes() if ax is None else ax
    x_axis, y_axis = signal_axes
    left, right = edges_of(x_axis)
    top, bottom = edges_of(y_axis)
    ax.imshow(image, cmap="gray", extent=(left, right, bottom, top))
    ax.set_autoscale_on(False)
    for label, axis, default in (
        (ax.set_xlabel, x_axis, "x"),
        (ax.set_ylabel, y_axis, "y"),
    ):
        name, unit = name_of(axis, default), unit_of(axis)
        label(f"{name} ({unit})" if unit else name)
    return ax
