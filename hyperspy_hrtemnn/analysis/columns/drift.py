# SPDX-License-Identifier: GPL-3.0-or-later
"""Drift of the specimen between two frames, from the votes of its columns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Columns = tuple[NDArray[np.float64], NDArray[np.intp]]

_ROUNDS = 3  # rounds in which the middle of the votes is found

# Number of steps between frames that show how steady the drift is, and how many
# standard errors its mean has to be away from 0: a random walk does not continue in a
# direction.
_LATEST = 8
_STEADY = 3.0


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
        Positions (column, 2) and classes (column,) in the two frames.
    farthest
        Longest shift.
    width
        Width of the bins of the histogram. Votes up to twice this far from the maximum
        count.

    Returns
    -------
    The shift (x, y); zero where no two columns are near enough.
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


def expected_drift(
    frames: NDArray[np.intp], drifts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return where the specimen is expected to be in a frame.

    This is where it was in the frame before or, after a gap, where a steady drift has
    taken it.

    Parameters
    ----------
    frames
        Numbers of the frames with columns, ascending; the last one is the frame in
        question.
    drifts
        Drift (x, y) in the frames before, shape (frame before, 2).
    """
    if not len(drifts):
        return np.zeros(2)
    gap = frames[-1] - frames[-2]
    frames, drifts = frames[:-1][-_LATEST - 1 :], drifts[-_LATEST - 1 :]
    if gap == 1 or len(drifts) < 3:
        return np.asarray(drifts[-1])
    duration = np.diff(frames)[:, np.newaxis]
    speeds = np.diff(drifts, axis=0) / duration
    speed = np.average(speeds, axis=0, weights=duration[:, 0])
    error = np.hypot(*speeds.std(axis=0, ddof=1)) / np.sqrt(len(speeds))
    steady = np.hypot(*speed) > _STEADY * error
    return np.asarray(drifts[-1] + gap * speed * steady)
