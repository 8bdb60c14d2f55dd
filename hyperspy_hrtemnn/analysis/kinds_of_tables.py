# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of tables: those of properties and of reflections, known by their columns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_TEXTS = ("family", "lattice", "zone_axis")


def check_properties(table: pd.DataFrame, *needed: str) -> None:
    """Raise a ValueError unless a table is one of properties, and has some columns."""
    _check(
        table,
        ("id", "frame", "area", *needed),
        "properties",
        "Instances.properties or HRTEM.follow_particles",
    )


def reflections_of(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of reflections as it was before it was in a file.

    Of a file pandas reads an empty text as NaN, and the number of a lattice, which is a
    text, as a number.

    Raises
    ------
    ValueError
        If it is another table.
    """
    _check(
        table,
        ("id", "frame", "reflection", "spacing", "angle", "intensity", "found"),
        "reflections",
        "LocalFFT.peak_table or HRTEM.follow_particles",
    )
    texts = [name for name in _TEXTS if name in table]
    return table.assign(**{name: table[name].map(_text) for name in texts})


def _text(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:g}"
    return str(value)


def _check(table: pd.DataFrame, needed: tuple[str, ...], kind: str, of: str) -> None:
    missing = next((name for name in needed if name not in table), None)
    if missing is None:
        return
    said = f"The table of {kind} has no column {missing!r}"
    of_file = [name for name in table if str(name).startswith(f"{missing} (")]
    if of_file:
        raise ValueError(
            f"{said}, but {of_file[0]!r}: in files, names of columns have their units. "
            "Take them out: table.rename(columns=lambda name: name.split(' (')[0])"
        )
    raise ValueError(f"{said}; it has to be that of {of}.")
