# SPDX-License-Identifier: GPL-3.0-or-later
"""What a table of columns says of the movie: its frames, how far columns are apart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

# Frames that tell how far columns are apart.
_SAMPLE = 20


def number_of_frames(columns: pd.DataFrame) -> int:
    """Return the frames of a movie: what its table of columns says, or has rows of."""
    last = 0 if columns.empty else int(columns["frame"].max()) + 1
    return max(int(columns.attrs.get("frames", 0)), last)


def known_frames(columns: pd.DataFrame) -> NDArray[np.intp]:
    """Return the numbers of the frames of which a table of columns knows something.

    A frame without any column was left out, blank, or not on a zone axis: that all
    columns vanish at once and come back where they were does not happen. So are the
    ``unknown_frames`` of ``attrs``, which nobody could look at.

    Parameters
    ----------
    columns
        With ``frame``; a row for each column in each frame.

    Returns
    -------
    Ascending, shape (known frame,).

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
        With ``frame``, ``x`` and ``y``; at most 20 frames of it are looked at.
    same_class
        Whether only columns of the same ``class`` count.

    Returns
    -------
    In the unit of ``x``; infinite where there are no two columns.
    """
    numbers = columns["frame"].unique()
    some = columns[columns["frame"].isin(numbers[:: len(numbers) // _SAMPLE + 1])]
    keys = ["frame", "class"] if same_class and "class" in columns else ["frame"]
    groups = [rows.to_numpy(float) for _, rows in some.groupby(keys)[["x", "y"]]]
    distances = [cKDTree(g).query(g, k=2)[0][:, 1] for g in groups if len(g) > 1]
    return float(np.median(np.concatenate(distances))) if distances else math.inf


def check_columns(columns: pd.DataFrame, *needed: str) -> None:
    """Raise a ValueError unless a table has these columns, finite but for ``class``."""
    missing = [name for name in needed if name not in columns]
    if missing:
        raise ValueError(
            f"The table has no column {', '.join(missing)}; it has "
            f"{', '.join(map(str, columns.columns)) or 'none'}."
        )
    for name in set(needed) - {"class"}:
        if not np.isfinite(columns[name].to_numpy(float)).all():
            raise ValueError(f"The column {name} holds values that are not finite.")
