# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of columns: the known frames of the movie, and the distance of neighbors."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

NONE = "none"
"""The class of a site without a column."""

# Number of frames from which the distance of columns is taken.
_SAMPLE = 20

# Header of a column in files, with its unit.
_HEADER = re.compile(r"(\w+) \(([^()]+)\)")


def with_units_of_headers(columns: pd.DataFrame) -> pd.DataFrame:
    """Return a table that was read from a file as it was before it was written.

    Parameters
    ----------
    columns
        Table whose headers may have units, as ``x (nm)`` of the files of this package.

    Returns
    -------
    The table with columns such as ``x``, and their units in ``attrs["units"]``.

    Examples
    --------
    >>> import pandas as pd
    >>> table = with_units_of_headers(pd.DataFrame({"class": ["C"], "x (nm)": 1.5}))
    >>> table.columns.tolist(), table.attrs["units"]
    (['class', 'x'], {'x': 'nm'})
    """
    found = [_HEADER.fullmatch(str(header)) for header in columns.columns]
    units = {match[1]: match[2] for match in found if match and match[1] not in columns}
    if not units:
        return columns
    named = columns.rename(columns={f"{n} ({unit})": n for n, unit in units.items()})
    named.attrs = {**columns.attrs, "units": units}
    return named


def number_of_frames(columns: pd.DataFrame) -> int:
    """Return the number of frames, from the attributes of a table or from its rows."""
    last = 0 if columns.empty else int(columns["frame"].max()) + 1
    return max(int(columns.attrs.get("frames", 0)), last)


def known_frames(columns: pd.DataFrame) -> NDArray[np.intp]:
    """Return the numbers of the frames that a table of columns knows.

    Not known are frames without any column: they were left out, blank, or not on a zone
    axis, because not all columns vanish at once and come back. Not known, too, are the
    ``unknown_frames`` of ``attrs``, which could not be used.

    Parameters
    ----------
    columns
        Table with ``frame`` and a row for each column in each frame.

    Returns
    -------
    The numbers, ascending, shape (known frame,).

    Examples
    --------
    >>> import pandas as pd
    >>> columns = pd.DataFrame({"frame": [0, 0, 1, 4, 4], "x": 0.0})
    >>> columns.attrs["unknown_frames"] = [1]
    >>> known_frames(columns)
    array([0, 4])
    """
    unknown = np.array(columns.attrs.get("unknown_frames", []), np.intp)
    return np.setdiff1d(columns["frame"].to_numpy(np.intp), unknown)


def unknown_frames(columns: pd.DataFrame) -> list[int]:
    """Return the numbers of all other frames of the movie."""
    frames = np.arange(number_of_frames(columns))
    return [int(n) for n in np.setdiff1d(frames, known_frames(columns))]


def neighbor_distance(columns: pd.DataFrame, *, same_class: bool = False) -> float:
    """Return the median distance to the nearest column of the same frame.

    Parameters
    ----------
    columns
        Table with ``frame``, ``x`` and ``y``; at most 20 of its frames are used.
    same_class
        Whether only columns of the same ``class`` count.

    Returns
    -------
    The distance in the unit of ``x``; infinite where there are no two columns.
    """
    numbers = columns["frame"].unique()
    some = columns[columns["frame"].isin(numbers[:: len(numbers) // _SAMPLE + 1])]
    keys = ["frame", "class"] if same_class and "class" in columns else ["frame"]
    groups = [rows.to_numpy(float) for _, rows in some.groupby(keys)[["x", "y"]]]
    distances = [cKDTree(g).query(g, k=2)[0][:, 1] for g in groups if len(g) > 1]
    return float(np.median(np.concatenate(distances))) if distances else math.inf


def check_columns(columns: pd.DataFrame, *needed: str) -> None:
    """Raise a ValueError unless a table has these columns, with finite values.

    The values of ``class`` are not checked.
    """
    missing = [name for name in needed if name not in columns]
    if missing:
        raise ValueError(
            f"The table has no column {', '.join(missing)}; it has "
            f"{', '.join(map(str, columns.columns)) or 'none'}."
        )
    for name in set(needed) - {"class"}:
        if not np.isfinite(columns[name].to_numpy(float)).all():
            raise ValueError(f"The column {name} holds values that are not finite.")
