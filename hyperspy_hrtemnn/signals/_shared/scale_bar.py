# SPDX-License-Identifier: GPL-3.0-or-later
"""Scale bar in place of ticks, where HyperSpy has one, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hyperspy.misc.math_tools import closest_nice_number

from .units import unit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

# Share of the width of the image, as HyperSpy's.
_LENGTH = 0.25

# Of an image that is longer than this HyperSpy stretches the pixels.
_LONGEST = 10

_THICKNESS = 0.05  # of its length


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

    The bar is a new one whenever another part of the image is shown.

    Parameters
    ----------
    ax
        Axes of the image.
    signal_axes
        Axes (x, y) of the signal, with one unit.
    """
    unit = unit_of(signal_axes[0])
    bars = [_bar(ax, unit)]

    def renew(_: Axes) -> None:
        bars.pop().remove()
        bars.append(_bar(ax, unit))

    ax.set(xticks=[], yticks=[])
    ax.callbacks.connect("xlim_changed", renew)


def _bar(ax: Axes, unit: str) -> Artist:
    from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar

    left, right = ax.get_xlim()
    length = float(closest_nice_number(_LENGTH * abs(right - left)))
    bar = AnchoredSizeBar(
        ax.transData,
        length,
        f"{length:g} {unit}",
        loc="lower left",
        pad=0.4,
        borderpad=0.6,
        sep=4,
        color="white",
        size_vertical=_THICKNESS * length,
        fill_bar=True,
    )
    # White alone is not seen on what is bright.
    bar.patch.set(facecolor="black", alpha=0.6, linewidth=0)
    added: Artist = ax.add_artist(bar)
    return added
