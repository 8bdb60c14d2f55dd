# SPDX-License-Identifier: GPL-3.0-or-later
"""Drift of the whole field of view, from the votes of its particles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Vectors = NDArray[np.float64]

# Number of particles that vote; the number of votes grows with its square.
_MOST_VOTERS = 100

# Longest side of the histogram of votes.
_MOST_BINS = 128

# A particle does not grow or shrink by more than this factor between two frames.
_ALIKE = 2.0

# Share of the most votes above which a bin is a candidate; the nearest is taken, since
# in a lattice several bins have nearly the most votes.
_NEARLY_MOST = 0.9

# Specks of noise come and go, and outnumber the particles of some movies. Particles of
# less than this share of the typical area do not vote. Half of the area of a frame is
# in particles of the typical area or more, which specks hardly change.
_SPECK = 0.1

_ROUNDS = 3  # rounds in which the middle of the agreeing votes is found


class Sighting(NamedTuple):
    """The particles of a frame: centroids (y, x), shape (particle, 2), and areas."""

    centers: Vectors
    area: NDArray[np.integer]


def whole_field_drift(
    before: Sighting, now: Sighting, view: tuple[int, ...]
) -> Vectors | None:
    """Return the shift (y, x) on which more than half of the particles agree.

    Zero is tried first: a lattice that moves by a period looks as if it had not moved.
    Then each pair of particles of similar area in the two frames is a vote for the
    shift between them. The votes of particles that move together add up. All other
    votes are scattered: those of different particles, and of particles that come, go,
    or move by themselves.

    Parameters
    ----------
    before, now
        Particles in the two frames, in pixels.
    view
        Shape (y, x) of the frames.

    Returns
    -------
    The shift, or None where too few particles agree within half the radius of a typical
    particle. Enough are more than half of those that would be in view in both frames,
    at least a quarter of the particles of the frame that has fewer, and at least two.
    """
    before, now = _without_specks(before), _without_specks(now)
    if min(len(before.area), len(now.area)) < 2:
        return None
    radius = float(np.sqrt(_middle(now.area) / np.pi))
    shift = _agreed(np.zeros(2), before, now, view, radius / 2)
    if shift is None:
        voted = _most_votes(before, now, radius / 4)
        shift = _agreed(voted, before, now, view, radius / 2)
    return shift


def _agreed(
    shift: Vectors,
    before: Sighting,
    now: Sighting,
    view: tuple[int, ...],
    tolerance: float,
) -> Vectors | None:
    """Return the median shift of the particles near a shift, if they are enough."""
    least = max(2, min(len(before.area), len(now.area)) / 4)
    places = cKDTree(now.centers)
    for _ in range(_ROUNDS):
        moved = before.centers + shift
        distance, partner = places.query(moved, distance_upper_bound=tolerance)
        found = np.isfinite(distance)
        old, new = np.flatnonzero(found), partner[found]
        alike = _alike(before.area[old], now.area[new])
        old, new = old[alike], new[alike]
        agreeing = np.count_nonzero(np.bincount(new))
        stay, were = in_view(moved, view), in_view(now.centers - shift, view)
        expected = min(np.count_nonzero(stay), np.count_nonzero(were))
        if agreeing < least or 2 * agreeing <= expected:
            return None
        tried, shift = shift, _middle(now.centers[new] - before.centers[old])
        if np.hypot(*(shift - tried)) <= tolerance / 4:
            break
    return shift


def _without_specks(particles: Sighting) -> Sighting:
    """Return the particles of a frame that are not much smaller than typical ones."""
    if len(particles.area) < 2:
        return particles
    area = np.sort(particles.area)
    typical = area[np.searchsorted(np.cumsum(area), area.sum() / 2)]
    large = particles.area >= _SPECK * typical
    if np.count_nonzero(large) < 2:
        return particles
    return Sighting(particles.centers[large], particles.area[large])


def in_view(centers: Vectors, view: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which positions (y, x), shape (position, 2), are in a frame."""
    return np.asarray(((centers >= 0) & (centers < view)).all(axis=1))


def _most_votes(before: Sighting, now: Sighting, precision: float) -> Vectors:
    """Return the shift around which most votes are."""
    before, now = _largest(before), _largest(now)
    area, other = np.meshgrid(before.area, now.area, indexing="ij")
    votes = (now.centers - before.centers[:, np.newaxis])[_alike(area, other)]
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
    shift: Vectors = candidates[np.hypot(*candidates.T).argmin()] * width
    reach = 2 * width
    while reach > precision:
        votes = votes[np.hypot(*(votes - shift).T) <= reach]
        shift = _middle(votes) if len(votes) else shift
        reach /= 2
    return shift


def _largest(seen: Sighting) -> Sighting:
    kept = np.argsort(-seen.area, kind="stable")[:_MOST_VOTERS]
    return Sighting(seen.centers[kept], seen.area[kept])


def _alike(area: NDArray[Any], other: NDArray[Any]) -> NDArray[np.bool_]:
    return (area <= _ALIKE * other) & (other <= _ALIKE * area)


def _middle(values: NDArray[Any]) -> Vectors:
    """Return the median along the first axis, without the overhead of numpy's."""
    ordered = np.sort(values, axis=0)
    middle: Vectors = (
        ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]
    ) / 2
    return middle


def correct_drift(particles: pd.DataFrame) -> pd.DataFrame:
    """Remove the drift of the whole field from the positions of linked particles.

    The drift of each frame is the median movement of the particles since they were last
    seen, if more than half of them, and at least two, agree with it within half the
    radius of a typical particle; otherwise it stays as it was. A single particle
    therefore does not drift, and the movement of a few particles may be taken for
    drift.

    Parameters
    ----------
    particles
        Table with a row for each particle in each frame and the columns ``frame``,
        ``id``, ``x``, ``y`` and ``area``, with lengths in one unit; for example from
        `Instances.properties`.

    Returns
    -------
    The table with ``x_corrected`` and ``y_corrected``, the position without the drift
    since the first frame. The drift itself is ``x - x_corrected``.

    Examples
    --------
    >>> import pandas as pd
    >>> table = {"frame": [0, 0, 1, 1], "id": [1, 2, 1, 2], "area": 3.0}
    >>> table |= {"x": [0, 5, 2, 7], "y": [0, 1, 0, 1]}
    >>> correct_drift(pd.DataFrame(table))["x_corrected"].tolist()
    [0.0, 5.0, 0.0, 5.0]
    """
    places = particles[["x", "y"]].to_numpy(float)
    corrected = places.copy()
    distinct, ids = np.unique(particles["id"], return_inverse=True)
    radius = np.sqrt(particles["area"].median() / np.pi)
    last = np.full((len(distinct), 2), np.nan)
    drift = np.zeros(2)
    for rows in particles.groupby("frame").indices.values():
        drifts = places[rows] - last[ids[rows]]
        drifts = drifts[np.isfinite(drifts[:, 0])]
        if len(drifts) > 1:
            median = np.median(drifts, axis=0)
            agreeing = np.hypot(*(drifts - median).T) <= radius / 2
            if 2 * np.count_nonzero(agreeing) > max(len(drifts), 2):
                drift = median
        corrected[rows] = places[rows] - drift
        last[ids[rows]] = corrected[rows]
    return particles.assign(x_corrected=corrected[:, 0], y_corrected=corrected[:, 1])
