# SPDX-License-Identifier: GPL-3.0-or-later
"""Particle ids carried from frame to frame by the overlap of the particles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array

from hyperspy_hrtemnn.analysis.assignment import assign

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

    Index = NDArray[np.intp]

# A pixel shared with a particle that is missing weighs less than one shared with a
# particle of the previous frame: what grows over an empty place keeps its own id,
# and of two particles that touched and part again, each gets its own back.
_WEIGHT_OF_MISSING = 0.5


@dataclass(frozen=True)
class _Particles:
    """The particles of a frame as a list of pixels, in raster order.

    `pixel` is a flat index, `owner` the particle it belongs to, as a position in
    `area` (pixels), `id` and `age` (frames since it was seen).
    """

    pixel: Index
    owner: Index
    area: Index
    id: NDArray[np.int32]
    age: Index

    @classmethod
    def of(cls, labels: NDArray[np.integer]) -> _Particles:
        """Read a frame; particles come in the order of their first pixels."""
        pixel = np.flatnonzero(labels)
        value, owner = _compact(labels.ravel()[pixel])
        first = np.empty(len(value), dtype=np.intp)
        first[owner[::-1]] = np.arange(len(pixel))[::-1]
        order = np.argsort(first)
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        owner = rank[owner]
        area = np.bincount(owner, minlength=len(value))
        age = np.zeros(len(value), dtype=np.intp)
        return cls(pixel, owner, area, value[order].astype(np.int32), age)

    def only(self, keep: NDArray[np.bool_]) -> _Particles:
        position = np.cumsum(keep) - 1
        kept = keep[self.owner]
        return _Particles(
            self.pixel[kept],
            position[self.owner[kept]],
            self.area[keep],
            self.id[keep],
            self.age[keep],
        )

    def and_missing(self, older: _Particles, memory: int) -> _Particles:
        """Add those of the older particles that are gone, but not for too long."""
        missing = ~np.isin(older.id, self.id) & (older.age < memory)
        if not missing.any():
            return self
        gone = older.only(missing)
        return _Particles(
            np.concatenate([self.pixel, gone.pixel]),
            np.concatenate([self.owner, gone.owner + len(self.id)]),
            np.concatenate([self.area, gone.area]),
            np.concatenate([self.id, gone.id]),
            np.concatenate([self.age, gone.age + 1]),
        )


class Tracker:
    """Carry the ids of particles through a movie, one frame at a time.

    A particle takes the id of the one it overlaps (thesis section 3.5, figure 3.11).
    Overlap is the shared area over the area of the smaller of the two, so that it
    stays 1 for a particle that only grows or only shrinks. Among all pairs above
    `min_overlap`, the one-to-one assignment with the largest shared area is taken: of
    the parts of a particle that splits, the largest keeps its id. All others get new
    ids, and no id is used twice.

    The state is the pixels of the particles last seen, whatever the movie's length.

    Parameters
    ----------
    min_overlap
        Smallest overlap for two particles to be the same, 0 to 1. It sets how far a
        particle may move between two frames.
    memory
        Number of frames a particle may be missing and still return with its id. It is
        compared with where it was last seen.

    Raises
    ------
    ValueError
        If `min_overlap` or `memory` is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> tracker = Tracker()
    >>> tracker.link(np.array([[0, 7, 7, 0, 0, 9]]))
    array([[0, 1, 1, 0, 0, 2]], dtype=int32)
    >>> tracker.link(np.array([[0, 0, 5, 5, 0, 0]]))
    array([[0, 0, 1, 1, 0, 0]], dtype=int32)
    """

    def __init__(self, min_overlap: float = 0.5, memory: int = 0) -> None:
        if not 0 < min_overlap <= 1:
            raise ValueError(f"min_overlap has to be in 0 to 1, not {min_overlap}.")
        if memory < 0 or memory != int(memory):
            raise ValueError(f"memory is a number of frames, not {memory}.")
        self.min_overlap = float(min_overlap)
        self.memory = int(memory)
        self.next_id = 1
        self._shape: tuple[int, ...] | None = None
        self._known: _Particles | None = None

    @classmethod
    def resume(
        cls,
        recent_frames: Iterable[ArrayLike],
        next_id: int,
        min_overlap: float = 0.5,
        memory: int = 0,
    ) -> Tracker:
        """Return the tracker of a run that was interrupted.

        Parameters
        ----------
        recent_frames
            The last ``memory + 1`` linked frames, each of shape (y, x), oldest first;
            fewer at the start of a movie.
        next_id
            The `next_id` of the interrupted run: one more than the largest id so far.
        min_overlap, memory
            As given to the interrupted run.

        Raises
        ------
        ValueError
            If the frames hold an id of `next_id` or above, or differ in shape.
        """
        tracker = cls(min_overlap, memory)
        for frame in recent_frames:
            tracker._remember(_Particles.of(tracker._checked(frame)))
        largest = 0 if tracker._known is None else max(tracker._known.id, default=0)
        if next_id <= largest:
            raise ValueError(
                f"next_id is {next_id}, but there is a particle {largest}."
            )
        tracker.next_id = int(next_id)
        return tracker

    def link(self, labels: ArrayLike) -> NDArray[np.int32]:
        """Return the next frame with the ids of the frames before.

        Parameters
        ----------
        labels
            Integer labels, 0 = background, shape (y, x). Their values have no meaning
            beyond this frame.

        Raises
        ------
        ValueError
            If the labels are not an integer image of the shape of the frames before.
        """
        frame = self._checked(labels)
        found = _Particles.of(frame)
        ids = np.zeros(len(found.id), dtype=np.int32)
        if self._known is not None:
            known, new = self._match(self._known, found)
            ids[new] = self._known.id[known]
        fresh = np.flatnonzero(ids == 0)
        ids[fresh] = np.arange(self.next_id, self.next_id + len(fresh))
        self.next_id += len(fresh)

        self._remember(_Particles(found.pixel, found.owner, found.area, ids, found.age))
        linked = np.zeros(frame.size, dtype=np.int32)
        linked[found.pixel] = ids[found.owner]
        return linked.reshape(frame.shape)

    def _checked(self, labels: ArrayLike) -> NDArray[np.integer]:
        frame = np.asarray(labels)
        if frame.ndim != 2 or not np.issubdtype(frame.dtype, np.integer):
            raise ValueError(
                "Integer labels of shape (y, x) are needed, not "
                f"{frame.dtype} of shape {frame.shape}."
            )
        if self._shape not in (None, frame.shape):
            raise ValueError(
                f"A frame of shape {frame.shape} follows frames of {self._shape}."
            )
        self._shape = frame.shape
        return frame

    def _remember(self, found: _Particles) -> None:
        known = self._known
        # A new object, not a changed one: a copy of the tracker keeps its own state.
        self._known = found if known is None else found.and_missing(known, self.memory)

    def _match(self, known: _Particles, found: _Particles) -> tuple[Index, Index]:
        known_index, found_index, shared = _shared_areas(known, found)
        smaller = np.minimum(known.area[known_index], found.area[found_index])
        enough = shared >= self.min_overlap * smaller
        known_index, found_index = known_index[enough], found_index[enough]
        importance = np.where(known.age[known_index] > 0, _WEIGHT_OF_MISSING, 1.0)
        return assign(known_index, found_index, importance * shared[enough])


def _compact(
    values: NDArray[np.integer],
) -> tuple[NDArray[np.integer], Index]:
    """Return the distinct values and, for each value, its position among them."""
    if len(values) and values.min() >= 0 and values.max() <= len(values):
        # Without sorting, for the usual small labels.
        distinct = np.flatnonzero(np.bincount(values))
        position = np.zeros(int(values.max()) + 1, dtype=np.intp)
        position[distinct] = np.arange(len(distinct))
        return distinct, position[values]
    distinct, inverse = np.unique(values, return_inverse=True)
    return distinct, inverse


def _shared_areas(known: _Particles, found: _Particles) -> tuple[Index, Index, Index]:
    """Return all overlapping pairs with the number of pixels they share."""
    size = 1 + max(known.pixel.max(initial=0), found.pixel.max(initial=0))
    number = np.zeros(size, dtype=np.int32)
    number[found.pixel] = found.owner + 1
    other = number[known.pixel]
    both = other > 0
    ones = np.ones(np.count_nonzero(both), dtype=np.intp)
    counts = coo_array(
        (ones, (known.owner[both], other[both] - 1)),
        shape=(len(known.id), len(found.id)),
    )
    counts.sum_duplicates()
    return counts.row, counts.col, counts.data
