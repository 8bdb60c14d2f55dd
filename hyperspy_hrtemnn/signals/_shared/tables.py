# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of all frames of a signal, with frame and time of each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hyperspy_hrtemnn.analysis import correct_drift, particle_properties
from hyperspy_hrtemnn.bad_frames import NO_DATA, BadFrameError

from .calibration import sampling
from .units import is_time, name_of, unit_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hyperspy.signals import Signal2D

# The columns of our tables, which mean the same in each of them. A navigation axis of
# such a name has another, the same in all tables of a signal, so that they can be
# joined.
# fmt: off
_COLUMNS = frozenset((
    "frame", "time", "valid", "id", "class", "x", "y", "area", "filling", "outside",
    "equivalent_diameter", "perimeter", "eccentricity", "orientation",
    "touches_border", "mean_intensity", "novelty", "x_corrected", "y_corrected",
    "confidence",
    "real", "imaginary", "amplitude", "phase", "theta", "rmse", "reflection",
    "spacing", "angle", "intensity", "noise", "found", "rotation", "family",
    "lattice", "zone_axis", "probability", "brightness_ratio", "directions", "counts",
    "electrons", "dose", "dose_rate", "c0", "c0_error", "c1", "c2", "c3",
    "c3_error", "C", "C_error", "R2", "counts_per_electron", "hot_pixels", "column",
    "rmse_registered", "shift_x", "shift_y",
    "atoms", "atoms_error",
    "order", "diameter", "reason",
    "track", "event", "before", "after", "x_from", "y_from", "x_to", "y_to",
))
# fmt: on


def join_frames(
    tables: Sequence[pd.DataFrame | None],
    axes: Sequence[Any],
    column: int,
    calibrated: int,
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the tables of all frames below each other, saying which is of which.

    Parameters
    ----------
    tables
        Of each frame, in the order of the data; None of those that nobody could look
        at.
    axes
        The navigation axes, the fastest first, as HyperSpy has them.
    column
        Position of the column ``frame``, the number of the frame.
    calibrated
        Where, after that, the coordinate of each axis with a unit is put, with the
        name that `column_names` gives it.

    Returns
    -------
    The table, with the numbers of frames that nobody could look at, if there are any,
    as ``attrs["unknown_frames"]``; and the units of those coordinates by column.

    Raises
    ------
    BadFrameError
        If nobody could look at any frame.
    """
    known = [rows for rows in tables if rows is not None]
    unknown = [number for number, rows in enumerate(tables) if rows is None]
    if not known:
        raise BadFrameError(
            f"There is no data in any of the {len(tables)} frames.", NO_DATA
        )
    table: pd.DataFrame = pd.concat(known, ignore_index=True)
    sizes = [0 if rows is None else len(rows) for rows in tables]
    table.insert(column, "frame", np.repeat(np.arange(len(tables)), sizes))
    units = insert_coordinates(table, axes, calibrated)
    note_unknown(table, unknown)
    return table, units


def note_unknown(table: pd.DataFrame, unknown: Iterable[int]) -> None:
    """Write into a table which frames nobody could look at, if there are any."""
    if numbers := sorted(int(number) for number in unknown):
        table.attrs["unknown_frames"] = numbers


def insert_coordinates(
    table: pd.DataFrame, axes: Sequence[Any], column: int
) -> dict[str, str]:
    """Insert the coordinates of the column ``frame`` of a table, in place.

    Parameters
    ----------
    table
        The table.
    axes, column
        See `axes` and `calibrated` of `join_frames`.

    Returns
    -------
    The units of the coordinates by column.
    """
    slowest_first = axes[::-1]
    shape = tuple(axis.size for axis in slowest_first)
    positions = np.unravel_index(table["frame"].to_numpy(), shape or (1,))
    units = {}
    # Without navigation axes there is one position, and no axis for it.
    names = column_names(axes)[::-1]
    for axis, name, position in zip(slowest_first, names, positions, strict=False):
        if unit := unit_of(axis):
            table.insert(column, name, np.asarray(axis.axis)[position])
            column += 1
            units[name] = unit
    return units


def time_axis(axes: Sequence[Any]) -> Any:
    """Return the navigation axis that is the time of the frames, None if none is.

    The one in a unit of time, of several the one that is named so.
    """
    of_time = [axis for axis in axes if is_time(axis)]
    named = [axis for axis in of_time if str(axis.name).lower() == "time"]
    chosen = of_time if len(of_time) == 1 else named
    return chosen[0] if len(chosen) == 1 else None


def column_names(axes: Sequence[Any]) -> list[str]:
    """Return the column of each navigation axis: ``time``, or the name of the axis.

    An axis without a name is ``axis_0`` by its place in ``inav``; one with the name of
    a column of ours, or of an axis before it, has ``_axis`` behind it.
    """
    time = time_axis(axes)
    names: list[str] = []
    for number, axis in enumerate(axes):
        name = "time" if axis is time else name_of(axis, f"axis_{number}")
        while (name in _COLUMNS and axis is not time) or name in names:
            name += "_axis"
        names.append(name)
    return names


def property_table(
    particles: Signal2D, tables: Sequence[pd.DataFrame | None]
) -> pd.DataFrame:
    """Return the properties of the particles of all frames, in the signal's units.

    Parameters
    ----------
    particles
        The signal whose axes are those of the frames.
    tables
        Table of each frame, from `hyperspy_hrtemnn.analysis.particle_properties`, with
        lengths in the unit of the x axis; None for frames without data.

    Returns
    -------
    The table of `Instances.properties`.
    """
    axes = particles.axes_manager
    table, units = join_frames(tables, axes.navigation_axes, 1, 2)
    _put_in_place(table, axes.signal_axes, units)
    if axes.navigation_dimension == 1:
        units = table.attrs["units"]
        table = correct_drift(table)
        unit = unit_of(axes.signal_axes[0])
        table.attrs["units"] = units | {"x_corrected": unit, "y_corrected": unit}
    return table


def properties_of_frame(
    table: pd.DataFrame,
    number: int,
    navigation_axes: Sequence[Any],
    signal_axes: Sequence[Any],
) -> pd.DataFrame:
    """Return the rows of one frame of `property_table`, without the drift of the field.

    That is known when all frames are.

    Parameters
    ----------
    table
        Table of the frame; see `property_table`.
    number
        Number of the frame.
    navigation_axes
        The axes of the frames so far, the fastest first.
    signal_axes
        The axes of the images (x, y).
    """
    rows = table.copy()
    rows.insert(1, "frame", number)
    units = insert_coordinates(rows, navigation_axes, 2)
    _put_in_place(rows, signal_axes, units)
    return rows


def _put_in_place(
    table: pd.DataFrame, signal_axes: Sequence[Any], units: Mapping[str, str]
) -> None:
    """Move positions to where the axes of the images begin, and note all units."""
    x_axis, y_axis = signal_axes
    unit = unit_of(x_axis)
    for name, axis in (("x", x_axis), ("y", y_axis)):
        table[name] = axis.offset + np.sign(axis.scale) * table[name]
    lengths = ("x", "y", "equivalent_diameter", "perimeter")
    table.attrs["units"] = {
        **units,
        **dict.fromkeys(lengths, unit),
        "area": f"{unit}²",
        "orientation": "°",
    }


def frame_table(
    axes: Sequence[Any], total: int, reasons: Mapping[int, str]
) -> pd.DataFrame:
    """Return which frames could be used, and why others could not.

    Parameters
    ----------
    axes
        The navigation axes, the fastest first.
    total
        Number of frames.
    reasons
        Reasons of the frames that could not be used, by number.

    Returns
    -------
    A row for each frame: ``frame``; ``time`` or the name of the axis, as in other
    tables; ``valid``, whether it could be used; ``reason``, empty where it is.
    """
    table = pd.DataFrame({"frame": np.arange(total)})
    table["valid"] = ~table["frame"].isin(list(reasons))
    table["reason"] = [reasons.get(number, "") for number in range(total)]
    table.attrs["units"] = insert_coordinates(table, axes, 1)
    note_unknown(table, reasons)
    return table


def check_property_table(particles: Signal2D) -> None:
    """Raise now what `property_table` would raise when all frames are measured."""
    sampling(particles, str(particles.axes_manager.signal_axes[0].units))
    property_table(
        particles, [particle_properties(np.zeros((1, 1), int), np.zeros((1, 1)))]
    )
