# SPDX-License-Identifier: GPL-3.0-or-later
"""Matching the particles of a frame with known ones, by overlap, then by distance."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.analysis.assignment import assign, near_pairs

from .drift import in_view

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .runs import ParticleRuns

    Vectors = NDArray[np.float64]
    Index = NDArray[np.intp]
    # Indices of known and of found particles, and the weight of each pair.
    Pairs = tuple[Index, Index, NDArray[Any]]

# Weight of a pixel shared with a missing particle, relative to one shared with a
# particle of the previous frame: a particle that grows over an empty place keeps its
# own id, and two particles that touched and part again get their own ids back.
_WEIGHT_OF_MISSING = 0.5


@dataclass(frozen=True)
class Known:
    """Particles that were seen, their ids, and the number of frames since then (age).

    `centers` (y, x), shape (particle, 2), are their last positions.
    """

    runs: ParticleRuns
    centers: Vectors
    id: NDArray[np.int32]
    age: Index

    def and_missing(self, older: Known, memory: int) -> Known:
        """Add older particles that are missing, but not for longer than the memory."""
        missing = older.age < memory
        if memory:
            missing &= ~np.isin(older.id, self.id)
        if not missing.any():
            return self
        return Known(
            self.runs.and_also(older.runs.only(missing)),
            np.concatenate([self.centers, older.centers[missing]]),
            np.concatenate([self.id, older.id[missing]]),
            np.concatenate([self.age, older.age[missing] + 1]),
        )


def known_ids(
    known: Known,
    drift: Vectors,
    found: ParticleRuns,
    centers: Vectors,
    view: tuple[int, ...],
    *,
    min_overlap: float,
    search_range: float | None,
) -> NDArray[np.int32]:
    """Return the ids of the particles of a frame, 0 for new ones.

    Each particle is paired with at most one known particle: first by overlap at the
    position to which the drift took the known one, then by overlap at its old position,
    in case it did not drift; then by distance, from both positions.

    Parameters
    ----------
    known
        Particles that were seen.
    drift
        Drift (y, x) of the field since each was seen, shape (known particle, 2).
    found, centers
        Particles of the frame and their centroids (y, x).
    view
        Shape (y, x) of the frame.
    min_overlap, search_range
        See `ParticleTracker`.
    """
    ids = np.zeros(len(found.area), dtype=np.int32)
    lost = np.ones(len(known.id), dtype=bool)
    importance = np.where(known.age > 0, _WEIGHT_OF_MISSING, 1.0)
    by_overlap = (True,) if search_range is None else (True, False)
    drifting = (True, False) if np.rint(drift).any() else (True,)
    for overlapping, moved in itertools.product(by_overlap, drifting):
        shift = drift if moved else np.zeros_like(drift)
        if overlapping:
            pairs = _overlapping(known.runs, found, shift, view[1], min_overlap)
        else:
            pairs = near_pairs(known.centers + shift, centers, search_range or 0.0)
        old, new, worth = pairs
        left = lost[old] & (ids[new] == 0)
        if not moved:
            # Particles that the drift moves out of view, or into it, are excluded here.
            left &= in_view(known.centers[old] + drift[old], view)
            left &= in_view(centers[new] - drift[old], view)
        old, new, worth = old[left], new[left], worth[left]
        old, new = assign(old, new, importance[old] * worth)
        ids[new] = known.id[old]
        lost[old] = False
        if not lost.any() or ids.all():
            break
    return ids


def _overlapping(
    known: ParticleRuns,
    found: ParticleRuns,
    shift: Vectors,
    width: int,
    min_overlap: float,
) -> Pairs:
    """Return the pairs that overlap enough, with the area they share."""
    old, new, shared = known.shared_areas(found, np.rint(shift).astype(np.intp), width)
    enough = shared >= min_overlap * np.minimum(known.area[old], found.area[new])
    return old[enough], new[enough], shared[enough]
