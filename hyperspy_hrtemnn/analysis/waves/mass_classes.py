# SPDX-License-Identifier: GPL-3.0-or-later
"""Mass classes: classes of atomic columns by mass, from the exit wave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .argand import mass_angle

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_BINS = 500  # bins of angles


def classify_by_mass(
    values: ArrayLike, count: int, angles: ArrayLike | None = None
) -> NDArray[np.intp]:
    """Classify columns by their wave in the complex plane.

    Columns are of one class if they lie on the same defocus circle: their angles
    (`mass_angle`) are divided into the clusters with the smallest sum of squares, the
    optimum of k-means, however few columns a cluster has.

    Parameters
    ----------
    values
        Wave at each column, complex, shape (column,).
    count
        Number of classes.
    angles
        Angles of the columns [rad], shape (column,); by default `mass_angle` of the
        values, none beyond one turn.

    Returns
    -------
    Class of each column, from 0, the lightest, to ``count - 1``, shape (column,).

    Raises
    ------
    ValueError
        If there are more classes than columns, less than one class, or an angle is not
        finite.
    """
    known = np.asarray(mass_angle(values) if angles is None else angles, float)
    if not 1 <= count <= len(known):
        raise ValueError(
            f"{len(known)} columns cannot be divided into {count} classes."
        )
    if not np.isfinite(known).all():
        raise ValueError("Angles are NaN or infinite; leave these columns out.")
    bounds = _tightest(known, count)
    return np.searchsorted(bounds, known, side="right")


def _tightest(values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return the values at which all clusters but the first begin.

    Dynamic programming finds the smallest sum of squares and, unlike k-means, does not
    need a start (Fisher, J. Am. Stat. Assoc. 53 (1958) 789).
    """
    edges = np.histogram_bin_edges(values, _BINS)
    bins = np.digitize(values, edges[1:-1])
    first = np.full(_BINS, np.inf)
    np.minimum.at(first, bins, values)
    used = np.isfinite(first)
    number, total, square = (
        np.append(0, np.cumsum(np.bincount(bins, values**power, _BINS)[used]))
        for power in (0, 1, 2)
    )
    first = first[used]
    start, end = np.triu_indices(len(number), 1)
    cost = np.full((len(number), len(number)), np.inf)
    sums = total[end] - total[start]
    cost[start, end] = (
        square[end] - square[start] - sums**2 / (number[end] - number[start])
    )
    least = cost[0]
    begins = []
    for _ in range(1, min(count, len(first))):
        through = least[:, np.newaxis] + cost
        begins.append(through.argmin(axis=0))
        least = through.min(axis=0)
    bounds, place = [], len(first)
    for begin in reversed(begins):
        place = begin[place]
        bounds.append(first[place])
    return np.array(bounds[::-1])
