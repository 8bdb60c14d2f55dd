# SPDX-License-Identifier: GPL-3.0-or-later
"""Titles that say which frame is shown, and when it was taken."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .choice import CLASSES, IDS, meaning
from .tables import column_names
from .units import unit_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from hyperspy.signals import Signal2D

# Along these one frame has several images.
_WITHIN_A_FRAME = ("id", "class", "defocus")

_MEANINGS = {"id": IDS, "class": CLASSES}
_WORDS = {"id": "particle", "class": "class"}


def frame_title(signal: Signal2D, index: tuple[int, ...]) -> str:
    """Return which frame is shown: its number, as in tables, and its time.

    Parameters
    ----------
    signal
        The signal.
    index
        Index of the frame, in the order of the data.

    Returns
    -------
    For example "frame 3, 1.5 s", or "frame 3, 1.5 s, particle 8" of spectra of many
    particles; nothing for a single image. Other axes than time have their names before
    the value, those without a unit the position along them.
    """
    axes = signal.axes_manager.navigation_axes
    names = [str(axis.name) for axis in axes]
    of_frames = [name not in _WITHIN_A_FRAME for name in names]
    parts = []
    if any(of_frames):
        number = 0
        # The data has the slowest axis first, as the numbers count.
        slowest_first = zip(axes[::-1], of_frames[::-1], index, strict=True)
        for axis, counts, place in slowest_first:
            number = number * axis.size + place if counts else number
        parts.append(f"frame {number}")
    for axis, name, column, place in zip(
        axes, names, column_names(axes), index[::-1], strict=True
    ):
        if name in _MEANINGS:
            parts.append(f"{_WORDS[name]} {_chosen(signal, axis, place)}")
        elif unit := unit_of(axis):
            value = f"{_value(axis, place)} {unit}"
            parts.append(value if column == "time" else f"{column} {value}")
        elif name in _WITHIN_A_FRAME or sum(of_frames) > 1:
            parts.append(f"{column} {place}")
    ids = meaning(signal, IDS)
    if "id" not in names and ids is not None and len(ids) == 1:
        parts.append(f"particle {ids[0]}")
    return ", ".join(parts)


def _chosen(signal: Signal2D, axis: Any, place: int) -> Any:
    """Return the particle or the class at a position along their axis."""
    known = meaning(signal, _MEANINGS[str(axis.name)])
    # Of sliced axes the values say which positions they were.
    number = int(np.rint(axis.axis[place]))
    return known[number] if known is not None and number < len(known) else number


def _value(axis: Any, position: int) -> str:
    """Return a coordinate with as many decimals as tell it from its neighbors."""
    values = np.asarray(axis.axis, float)
    steps = np.abs(np.diff(values))
    step = steps.min() if steps.size and steps.min() > 0 else abs(values[0]) or 1.0
    places = max(0, 1 - math.floor(math.log10(step)))
    decimals = len(f"{step:.{places}f}".rstrip("0").partition(".")[2])
    return f"{values[position]:.{decimals}f}"


def follow_in_title(
    signal: Signal2D, say: Callable[[tuple[int, ...]], str] | None = None
) -> None:
    """Say below the title of a plot of HyperSpy's which frame is shown.

    Parameters
    ----------
    signal
        Plotted already, by HyperSpy; where it has shown the navigator only, there is no
        title.
    say
        Function that returns what else there is to say of a frame, given its index in
        the order of the data.
    """
    plot = signal._plot.signal_plot
    if plot is None:
        return
    ax, title = plot.ax, plot.ax.get_title()
    # Signals that are plotted side by side share the navigator of one of them.
    axes = signal._plot.axes_manager

    def update() -> None:
        index = axes.indices[::-1]
        lines = [title, frame_title(signal, index), say(index) if say else ""]
        ax.set_title("\n".join(filter(None, lines)))
        ax.figure.canvas.draw_idle()

    update()
    if axes.navigation_dimension:
        axes.events.indices_changed.connect(update, [])
        plot.events.closed.connect(
            lambda: axes.events.indices_changed.disconnect(update), []
        )
