# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the whole field moved between two frames, by a vote of its particles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import uniform_filter
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float64]
    Areas = NDArray[np.integer]

# Enough to propose a shift; the votes grow with their square.
_MOST_VOTERS = 100

# Longest side of the histogram of votes.
_MOST_BINS = 128

# A particle does not grow or shrink by more than this factor between two frames.
_ALIKE = 2.0

# Of bins with nearly the most votes, as in a lattice, the nearest is taken.
_NEARLY_MOST = 0.9

_ROUNDS = 3  # in which the middle of those that agree is found


def whole_field_drift(
    before: Vectors, now: Vectors, area_before: Areas, area_now: Areas
) -> Vectors | None:
    """Return the shift (y, x) on which most particles agree, if it is most of them.

    No shift is tried first: a lattice that moves by a period looks as if it had not.
    Then each pair of particles of similar area in the two frames is a vote for the
    shift between them. The votes of particles that move together pile up; all others,
    of pairs that are not the same particle, of particles that come, go, or move by
    themselves, are scattered.

    Parameters
    ----------
    before, now
        Centroids (y, x) in the two frames, shape (particle, 2).
    area_before, area_now
        Areas, shape (particle,), in the square of the unit of the centroids.

    Returns
    -------
    None where not more than half of the particles of the frame that has fewer, and at
    least two, agree within half the radius of a typical particle.
    """
    if min(len(before), len(now)) < 2:
        return None
    radius = np.sqrt(np.median(np.concatenate([area_before, area_now])) / np.pi)
    places = cKDTree(now)
    shift = _agreed(np.zeros(2), before, area_before, places, area_now, radius / 2)
    if shift is None:
        voted = _most_votes(before, now, area_before, area_now, radius / 4)
        shift = _agreed(voted, before, area_before, places, area_now, radius / 2)
    return shift


def _agreed(
    shift: Vectors,
    before: Vectors,
    area_before: Areas,
    now: cKDTree,
    area_now: Areas,
    tolerance: float,
) -> Vectors | None:
    """Return the median shift of the particles near a shift, if they are most."""
    for _ in range(_ROUNDS):
        distance, partner = now.query(before + shift, distance_upper_bound=tolerance)
        found = np.isfinite(distance)
        old, new = np.flatnonzero(found), partner[found]
        alike = _alike(area_before[old], area_now[new])
        old, new = old[alike], new[alike]
        if len(np.unique(new)) <= max(1, min(len(before), now.n) // 2):
            return None
        shift = np.median(now.data[new] - before[old], axis=0)
    return shift


def _alike(area: Areas, other: Areas) -> NDArray[np.bool_]:
    return (area <= _ALIKE * other) & (other <= _ALIKE * area)


def _most_votes(
    before: Vectors, now: Vectors, area_before: Areas, area_now: Areas, precision: float
) -> Vectors:
    """Return the shift around which most votes are."""
    first, second = _largest(area_before), _largest(area_now)
    area, other = np.meshgrid(area_before[first], area_now[second], indexing="ij")
    alike = _alike(area, other)
    votes = (now[second] - before[first][:, np.newaxis])[alike]
    if not len(votes):
        return np.zeros(2)
    width = max(precision, 2 * np.abs(votes).max() / _MOST_BINS)
    bins = np.rint(votes / width).astype(np.intp)
    half = int(np.abs(bins).max()) + 1
    side = 2 * half + 1
    flat = (bins[:, 0] + half) * side + bins[:, 1] + half
    counts = np.bincount(flat, minlength=side * side).reshape(side, side)
    around = uniform_filter(9.0 * counts, 3, mode="constant")
    candidates = np.argwhere(around >= _NEARLY_MOST * around.max()) - half
    shift = candidates[np.hypot(*candidates.T).argmin()] * width
    reach = 2 * width
    while reach > precision:
        votes = votes[np.hypot(*(votes - shift).T) <= reach]
        shift = np.median(votes, axis=0) if len(votes) else shift
        reach /= 2
    return shift


def _largest(area: Areas) -> NDArray[np.intp]:
    return np.argsort(-area, kind="stable")[:_MOST_VOTERS]
