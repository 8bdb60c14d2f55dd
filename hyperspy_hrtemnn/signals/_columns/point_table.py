# SPDX-License-Identifier: GPL-3.0-or-later
"""Table of points in the frames of a signal, in the unit of its axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hyperspy_hrtemnn.signals._shared.calibration import field_of
from hyperspy_hrtemnn.signals._shared.runner import each_frame
from hyperspy_hrtemnn.signals._shared.skipping import FrameRule
from hyperspy_hrtemnn.signals._shared.tables import join_frames
from hyperspy_hrtemnn.signals._shared.units import unit_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray


def point_table(
    signal: Signal2D,
    find: Callable[[NDArray[Any]], pd.DataFrame],
    channel_axis: Any = None,
    *,
    instances: Signal2D | None = None,
    show_progressbar: bool | None,
    num_workers: int | None,
) -> pd.DataFrame:
    """Return what a function finds in each frame, all in one table.

    Parameters
    ----------
    signal
        The signal; of a lazy one only the frames in flight are in memory.
    find
        Function from a frame, shape (channel, y, x), to a table with ``x`` and ``y``,
        and ``outside`` if there is one [pixels].
        A ValueError it raises is raised again with the number of the frame. Frames
        without data, or that cannot be read, are skipped where there are several.
    channel_axis
        The navigation axis, if any, whose images belong together.
    instances
        Particles of the same frames, which the function is then given, too, shape
        (y, x); None if they cannot be read.
    show_progressbar, num_workers
        See the methods of the signals.

    Returns
    -------
    The tables below each other with the columns that `join_frames` adds, lengths in the
    unit of the axes. ``attrs`` has the ``units`` of columns, the number of
    ``frames`` and the ``field``, the edges of what was looked at along x and y; where
    frames were skipped, ``unknown_frames`` has their numbers.
    """
    axes = signal.axes_manager
    # What was looked at, also where nothing was found.
    field = field_of(signal)
    tables = each_frame(
        signal,
        find,
        channel_axis,
        beside=None if instances is None else (instances, FrameRule(known=True)),
        rule=FrameRule(known=True),
        label="find columns",
        show_progressbar=show_progressbar,
        num_workers=num_workers,
    )
    navigation = [axis for axis in axes.navigation_axes if axis is not channel_axis]
    table, units = join_frames(tables, navigation, 0, 1)
    for name, axis in zip("xy", axes.signal_axes, strict=True):
        table[name] = axis.offset + axis.scale * table[name]
        if unit := unit_of(axis):
            units[name] = unit
    if "outside" in table:
        table["outside"] *= abs(axes.signal_axes[0].scale)
        units |= {"outside": units["x"]} if "x" in units else {}
    table.attrs |= {"units": units, "frames": len(tables), "field": field}
    return table
