# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the frames of a signal as one, with frame and time of each row."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hyperspy_hrtemnn.analysis import correct_drift

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

_UNITS_OF_TIME = {"ns", "us", "µs", "ms", "s", "min", "minutes", "h", "hours"}


def is_time(axis: Any) -> bool:
    """Return whether an axis is calibrated in a unit of time."""
    return axis.units in _UNITS_OF_TIME


def join_frames(
    tables: Sequence[pd.DataFrame], axes: Sequence[Any], column: int, calibrated: int
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the tables of all frames below each other, saying which is of which.

    Parameters
    ----------
    tables
        Of each frame, in the order of the data.
    axes
        The navigation axes, the fastest first, as HyperSpy has them.
    column
        Where the column ``frame`` is put, the number of the frame.
    calibrated
        Where, after that, the coordinate of each axis with a unit is put: ``time`` for
        a unit of time, else the name of the axis.

    Returns
    -------
    The table, and the units of those coordinates by column.
    """
    table: pd.DataFrame = pd.concat(tables, ignore_index=True)
    frame = np.repeat(np.arange(len(tables)), [len(rows) for rows in tables])
    table.insert(column, "frame", frame)
    slowest_first = axes[::-1]
    shape = tuple(axis.size for axis in slowest_first)
    positions = np.unravel_index(frame, shape or (1,))
    units = {}
    # Without navigation axes there is one position, and no axis for it.
    for axis, position in zip(slowest_first, positions, strict=False):
        if isinstance(axis.units, str) and axis.units:
            name = "time" if is_time(axis) else str(axis.name)
            table.insert(calibrated, name, np.asarray(axis.axis)[position])
            calibrated += 1
            units[name] = axis.units
    return table, units


def join_spectra(
    tables: Sequence[pd.DataFrame],
    nothing: pd.DataFrame,
    frame: NDArray[np.intp],
    axes: Sequence[Any],
) -> pd.DataFrame:
    """Return the tables of several spectra of each frame as one, as `join_frames` does.

    Parameters
    ----------
    tables
        Of each spectrum.
    nothing
        The table of no spectrum, for frames that have none.
    frame
        The frame of each spectrum. Those of one frame are in the order of the table.
    axes
        The navigation axes of the frames, the fastest first.

    Returns
    -------
    The table, beginning with frame and time; ``attrs["units"]`` has their units.
    """
    of_frame = [[nothing] for _ in range(math.prod(axis.size for axis in axes))]
    for number, table in zip(frame.tolist(), tables, strict=True):
        of_frame[number].append(table)
    together, units = join_frames([pd.concat(one) for one in of_frame], axes, 0, 1)
    together.attrs["units"] = units
    return together


def property_table(particles: Signal2D, tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the properties of the particles of all frames, in the signal's units.

    Parameters
    ----------
    particles
        The signal whose axes are those of the frames.
    tables
        Of each frame, from `hyperspy_hrtemnn.analysis.properties`, with lengths in the
        unit of the x axis.

    Returns
    -------
    The table of `Instances.properties`.
    """
    x_axis, y_axis = particles.axes_manager.signal_axes
    unit = str(x_axis.units)
    table, units = join_frames(tables, particles.axes_manager.navigation_axes, 1, 2)
    for name, axis in (("x", x_axis), ("y", y_axis)):
        table[name] = axis.offset + np.sign(axis.scale) * table[name]
    lengths = ["x", "y", "equivalent_diameter", "perimeter"]
    if particles.axes_manager.navigation_dimension == 1:
        table = correct_drift(table)
        lengths += ["x_corrected", "y_corrected"]
    units |= {
        **dict.fromkeys(lengths, unit),
        "area": f"{unit}²",
        "orientation": "°",
    }
    table.attrs["units"] = units
    return table
