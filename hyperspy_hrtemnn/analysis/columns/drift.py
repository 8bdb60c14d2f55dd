# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the whole specimen drifted between two frames, by a vote of its columns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Columns = tuple[NDArray[np.float64], NDArray[np.intp]]

_ROUNDS = 3  # in which the middle of the votes is found


def common_shift(
    before: Columns, now: Columns, farthest: float, width: float
) -> NDArray[np.float64]:
    """Return the shift (x, y) that brings most columns onto one of their class.

    Every pair of columns of one class is a vote; the shift is the median of the votes
    around the maximum of their histogram, so that columns that come, go or move by
    themselves do not bend it.

    Parameters
    ----------
    before, now
        Places (column, 2) and classes (column,) in the two frames.
    farthest
        Longest shift.
    width
        Of the bins of the histogram; votes up to twice as far from the maximum count.

    Returns
    -------
    Zero where no two columns are near enough.
    """
    pairs = cKDTree(before[0]).sparse_distance_matrix(
        cKDTree(now[0]), farthest, output_type="ndarray"
    )
    same = before[1][pairs["i"]] == now[1][pairs["j"]]
    votes = now[0][pairs["j"][same]] - before[0][pairs["i"][same]]
    if not len(votes):
        return np.zeros(2)
    width = min(width, farthest / 4)
    half = math.ceil(farthest / width) + 1
    edges = (np.arange(2 * half + 2) - half - 0.5) * width
    counts, _, _ = np.histogram2d(votes[:, 0], votes[:, 1], [edges, edges])
    most = np.unravel_index(gaussian_filter(counts, 1.0).argmax(), counts.shape)
    shift = (np.array(most) - half) * width
    for _ in range(_ROUNDS):
        agreeing = np.hypot(*(votes - shift).T) <= 2 * width
        if agreeing.any():
            shift = np.median(votes[agreeing], axis=0)
    return np.asarray(shift)
