# SPDX-License-Identifier: GPL-3.0-or-later
"""Which particles of a frame are known, by their overlap, then by their distance."""

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
    # Positions of known and of found particles, and what each pair is worth.
    Pairs = tuple[Index, Index, NDArray[Any]]

# A pixel shared with a particle that is missing weighs less than one shared with a
# particle of the previous frame: what grows over an empty place keeps its own id,
# and of two particles that touched and part again, each gets its own back.
_WEIGHT_OF_MISSING = 0.5


@dataclass(frozen=True)
class Known:
    """Particles that were seen, their ids, and the frames since then (age).

    `centers` (y, x), shape (particle, 2), are where they were seen.
    """

    runs: ParticleRuns
    centers: Vectors
    id: NDArray[np.int32]
    age: Index

    def and_missing(self, older: Known, memory: int) -> Known:
        """Add those of the older particles that are gone, but not for too long."""
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
    """Return the ids of the particles of a frame, 0 for those that are new.

    Each is paired with at most one: by overlap where the drift took the known one, then
    by overlap where it was, in case it did not drift; then by distance, in both places.

    Parameters
    ----------
    known
        The particles that were seen.
    drift
        How far (y, x) the field moved since each was, shape (known particle, 2).
    found, centers
        The particles of the frame and their centroids (y, x).
    view
        Shape (y, x) of the frame.
    min_overlap, search_range
        Of `ParticleTracker`.
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
            # What the drift takes out of view, or brings into it, did drift.
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
    """Return pairs that overlap by enough, with the area they share."""
    old, new, shared = known.shared_areas(found, np.rint(shift).astype(np.intp), width)
    enough = shared >= min_overlap * np.minimum(known.area[old], found.area[new])
    return old[enough], new[enough], shared[enough]
