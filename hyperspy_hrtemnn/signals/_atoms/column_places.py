# SPDX-License-Identifier: GPL-3.0-or-later
"""Column places: from the unit and the offset of axes to Å in the image, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.analysis.columns.table import (
    check_columns,
    with_units_of_headers,
)
from hyperspy_hrtemnn.signals._shared.calibration import field_of, sampling
from hyperspy_hrtemnn.signals._shared.units import ratio, unit_of
from hyperspy_hrtemnn.unit_texts import quoted

if TYPE_CHECKING:
    import pandas as pd
    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray


def in_angstrom(columns: pd.DataFrame, series: Signal2D) -> pd.DataFrame:
    """Return the class of each column, and x and y from the middle of the first pixel.

    Parameters
    ----------
    columns
        Table with ``class``, ``x`` and ``y`` of one image, in the unit of the axes, of
        its ``attrs["units"]``, or of its headers, as one that was read from a file.
    series
        The images.

    Raises
    ------
    ValueError
        If the table is empty or of several frames, lacks a column, is in a unit that is
        not one of length, or has columns outside of the images.
    """
    columns = with_units_of_headers(columns)
    check_columns(columns, "class", "x", "y")
    if columns.empty:
        raise ValueError(
            "The table has no columns. Guessed columns are needed to begin with, such "
            "as those of Segmentation.find_columns."
        )
    if "frame" in columns and columns["frame"].min() != columns["frame"].max():
        numbers = sorted(columns["frame"].unique())
        raise ValueError(
            f"The table has the columns of {len(numbers)} frames, {numbers[0]} to "
            f"{numbers[-1]}; atoms are refined in one image or focal series at a time. "
            f"Choose one, columns[columns['frame'] == {numbers[0]}], and its images "
            "with inav."
        )
    axes = dict(zip("xy", series.axes_manager.signal_axes, strict=True))
    places = {name: _in_unit_of(axis, columns, name) for name, axis in axes.items()}
    _check_inside(places, series)
    pixel = sampling(series)
    found = columns[["class"]].reset_index(drop=True)
    for name, axis in axes.items():
        found[name] = (places[name] - axis.offset) / axis.scale * pixel
    return found


def _in_unit_of(axis: Any, columns: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """Return one coordinate of all columns in the unit of its axis."""
    unit = unit_of(axis)
    units = columns.attrs.get("units", {})
    its_unit = (units if isinstance(units, str) else units.get(name)) or unit
    factor = ratio(str(its_unit), unit)
    if factor is None:
        raise ValueError(
            f"The column {name} of the table is in {quoted(str(its_unit))}, the axis "
            f"in {quoted(unit)}; give {name} in a unit of length."
        )
    return factor * columns[name].to_numpy(float)


def _check_inside(places: dict[str, NDArray[np.float64]], series: Signal2D) -> None:
    """Raise a ValueError if columns are not in the images, as of other images."""
    for name, (low, high) in field_of(series).items():
        outside = (places[name] < low) | (places[name] > high)
        if outside.any():
            unit = unit_of(series.axes_manager.signal_axes[0])
            raise ValueError(
                f"{np.count_nonzero(outside)} of {len(outside)} columns are outside of "
                f"the images, whose {name} is from {low:.6g} to {high:.6g} {unit}: one "
                f"at {places[name][outside][0]:.6g} {unit}. Give the columns of these "
                "images, in the unit of their axes."
            )


def in_unit_of_axes(table: pd.DataFrame, series: Signal2D, frame: int) -> pd.DataFrame:
    """Return a table in Å from the middle of the first pixel as `find_columns` has it.

    Parameters
    ----------
    table
        Table with ``x``, ``y`` and ``z`` [Å], and perhaps ``sigma_x`` and ``sigma_y``.
    series
        The images.
    frame
        Number of the frame.

    Returns
    -------
    The table with ``frame``, and lengths in the unit of the x axis: x and y are
    coordinates of the axes. ``attrs`` has the ``units``, the number of ``frames`` and
    the ``field``, as of `Segmentation.find_columns`.
    """
    found = table.reset_index(drop=True)
    axes = dict(zip("xy", series.axes_manager.signal_axes, strict=True))
    pixel = sampling(series)
    for name, axis in axes.items():
        found[name] = axis.offset + axis.scale * found[name] / pixel
        if (error := f"sigma_{name}") in found:
            found[error] *= abs(axis.scale) / pixel
    found["z"] *= abs(axes["x"].scale) / pixel
    found.insert(0, "frame", frame)
    unit = unit_of(axes["x"])
    lengths = [n for n in ("x", "y", "z", "sigma_x", "sigma_y") if n in found]
    found.attrs = {
        "units": dict.fromkeys(lengths, unit),
        "frames": frame + 1,
        "field": field_of(series),
    }
    return found
