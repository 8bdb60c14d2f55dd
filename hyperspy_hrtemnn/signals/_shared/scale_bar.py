# SPDX-License-Identifier: GPL-3.0-or-later
"""Scale bar in place of ticks, where HyperSpy has one, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hyperspy.misc.math_tools import closest_nice_number

from .units import unit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

# Share of the width of the image, as HyperSpy's.
_LENGTH = 0.25

# Of an image that is longer than this HyperSpy stretches the pixels.
_LONGEST = 10

_THICKNESS = 0.01  # of the height of the image


def has_scale_bar(signal_axes: Sequence[Any]) -> bool:
    """Return whether HyperSpy shows a scale bar: pixels are square and have a unit."""
    x, y = signal_axes
    return bool(
        x.is_uniform
        and y.is_uniform
        and unit_of(x)
        and unit_of(x) == unit_of(y)
        and abs(x.scale) == abs(y.scale)
        and 1 / _LONGEST <= y.size / x.size <= _LONGEST
    )


def draw_scale_bar(ax: Axes, signal_axes: Sequence[Any]) -> None:
    """Draw a bar of a round length on a dark ground, and take the ticks away.

    Parameters
    ----------
    ax
        Axes of the image.
    signal_axes
        Axes (x, y) of the signal, with one unit.
    """
    from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar

    x, y = signal_axes
    length = float(closest_nice_number(_LENGTH * x.size * abs(x.scale)))
    bar = AnchoredSizeBar(
        ax.transData,
        length,
        f"{length:g} {unit_of(x)}",
        loc="lower left",
        pad=0.4,
        borderpad=0.6,
        sep=4,
        color="white",
        size_vertical=_THICKNESS * y.size * abs(y.scale),
        fill_bar=True,
    )
    # White alone is not seen on what is bright.
    bar.patch.set(facecolor="black", alpha=0.6, linewidth=0)
    ax.add_artist(bar)
    ax.set(xticks=[], yticks=[])
