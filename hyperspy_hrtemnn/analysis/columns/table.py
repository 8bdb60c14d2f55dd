# SPDX-License-Identifier: GPL-3.0-or-later
"""What a table of columns says of the movie: its frames, how far columns are apart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    import pandas as pd

# Frames that tell how far columns are apart.
_SAMPLE = 20


def number_of_frames(columns: pd.DataFrame) -> int:
    """Return the frames of a movie: what its table of columns says, or has rows of."""
    last = 0 if columns.empty else int(columns["frame"].max()) + 1
    return max(int(columns.attrs.get("frames", 0)), last)


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
