# SPDX-License-Identifier: GPL-3.0-or-later
"""Sides of pairs: which atom of two above each other is left at a single one."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.spatial import KDTree
from scipy.special import expit

from .table import check_columns

_NEIGHBORS = 12  # through which the plane of the sheet is put, two shells and more
_FEWEST = 4  # known heights that a plane needs

# A single S is in focus 0.7 Å behind it, and the columns around it 1.5 Å behind the
# middle of the sheet (`hyperspy_hrtemnn.analysis.column_heights`) [Å].
_LESS_BEHIND = 0.85


def pair_sides(
    columns: pd.DataFrame, single: str = "1S", separation: float = 3.13
) -> pd.DataFrame:
    """Tell whether the upper or the lower atom of a pair is left, by its height.

    The height of a single atom is compared with the plane of the 12 nearest columns of
    other classes, whose middles are in the middle of the sheet, for waves of MoS2. Both
    atoms are taken to be equally probable, and errors to be normally distributed.

    Parameters
    ----------
    columns
        Table with ``frame``, ``class``, ``x``, ``y``, ``height`` and ``height_error``
        [Å], as from `ExitWave.find_columns` with names of classes.
    single
        Class of the single atoms.
    separation
        Distance of the two atoms along the beam [Å]; by default that of S in MoS2.

    Returns
    -------
    The table with ``side``, "upper", at which the beam leaves the sheet, or "lower",
    and ``side_probability``, that it is right; empty and NaN for columns of other
    classes and where heights are not known.

    Raises
    ------
    ValueError
        If the table lacks a column, or the separation is not positive.
    """
    heights = ("height", "height_error")
    # Heights may be unknown, of columns that are too heavy.
    filled = columns.assign(**{n: 0.0 for n in heights if n in columns})
    check_columns(filled, "frame", "class", "x", "y", *heights)
    if not separation > 0:
        raise ValueError(f"separation has to be positive, not {separation}.")
    log_odds = pd.Series(np.nan, index=columns.index)
    for _, rows in columns.groupby("frame", sort=False):
        log_odds[rows.index] = _log_odds(rows, single, separation)
    found = columns.copy()
    known = log_odds.notna()
    sides = np.where(log_odds > 0, "upper", "lower")
    found["side"] = np.where(known, sides, "")
    found["side_probability"] = expit(log_odds.abs()).where(known)
    return found


def _log_odds(rows: pd.DataFrame, single: str, separation: float) -> np.ndarray:
    """Return the log-odds of upper against lower; NaN where they are not known."""
    odds = np.full(len(rows), np.nan)
    height, error = (rows[c].to_numpy(float) for c in ("height", "height_error"))
    known = np.isfinite(height) & np.isfinite(error)
    alone = rows["class"].to_numpy() == single
    whole = np.flatnonzero(known & ~alone)
    asked = np.flatnonzero(known & alone)
    if len(whole) < _FEWEST:
        return odds
    places = rows[["x", "y"]].to_numpy(float)
    tree = KDTree(places[whole])
    for i in asked:
        _, nearest = tree.query(places[i], min(_NEIGHBORS, len(whole)))
        near = whole[nearest]
        away = places[near] - places[i]
        terms = np.column_stack([np.ones(len(near)), away / np.abs(away).max()])
        weights = 1 / error[near]
        inverse = np.linalg.pinv(terms * weights[:, np.newaxis])
        middle = (inverse @ (height[near] * weights))[0]
        variance = error[i] ** 2 + np.sum(inverse[0] ** 2)
        # Two normal distributions, half of the separation above and below the plane.
        above = height[i] - middle + _LESS_BEHIND
        odds[i] = separation * above / variance
    return odds
