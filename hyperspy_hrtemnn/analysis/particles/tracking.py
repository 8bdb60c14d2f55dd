# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracking of particles: the same id for a particle in all frames.

Tracking has two steps: `split_particles` splits each frame into particles, and
`ParticleTracker` links them from frame to frame, by their overlap. "Linking" is only
the second step, from one frame to the next; "tracking" is the whole, through a movie.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.image_data import without_mask
from hyperspy_hrtemnn.options import LinkingOptions

from .drift import Sighting, whole_field_drift
from .matching import Known, known_ids
from .runs import ParticleRuns, row_runs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class _Frame:
    """Particles of a frame, and the drift (y, x) of the field since then."""

    seen: Sighting
    drift: NDArray[np.float64]


class ParticleTracker:
    """Link the particles of a movie, one frame at a time.

    A particle takes the id of the one it overlaps (thesis section 3.5, figure 3.11).
    Overlap is the shared area over the area of the smaller of the two, so that it
    stays 1 for a particle that only grows or only shrinks. Among all pairs above
    `min_overlap`, the one-to-one assignment with the largest shared area is taken: if a
    particle breaks up, its largest part keeps the id. All others get new ids. An id is
    never used again for another particle.

    The drift of the whole field is removed first: each particle is expected where it
    was last seen, moved by the shift that more than half of the particles have in
    common between that frame and this one. A drift of any length is found as long as a
    quarter of the particles stays in view; for a single particle there is no drift. The
    remaining particles are searched at their old positions, in case they do not drift
    with the others.

    A frame without data, in which all labels are negative, is unknown: its particles
    are not missing, and it does not count for `memory`.

    Only the particles that were last seen are kept in memory, whatever the length of
    the movie.

    Parameters
    ----------
    min_overlap
        Smallest overlap of the same particle in two frames, 0 to 1. It limits how far a
        particle may move between two frames.
    memory
        Number of frames in which a particle may be missing and still return with its
        id, at the position where it was last seen. Frames without data do not count.
    drift
        Whether to remove the drift of the whole field; or the drift itself, the
        position (y, x) of the field in each frame [pixels], shape (frame, 2), in the
        sense and order of HyperSpy's ``estimate_shift2D``.
    search_range
        Longest distance that a particle may move by itself, without the drift [pixels].
        Particles that do not overlap with any of the frames before are paired with the
        nearest of the remaining ones within this distance between centroids. By default
        they are new particles.

    Raises
    ------
    ValueError
        If `min_overlap`, `memory`, `drift` or `search_range` is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> tracker = ParticleTracker()
    >>> tracker.link(np.array([[0, 7, 7, 0, 0, 9]]))
    array([[0, 1, 1, 0, 0, 2]], dtype=int32)
    >>> tracker.link(np.array([[0, 0, 5, 5, 0, 0]]))
    array([[0, 0, 1, 1, 0, 0]], dtype=int32)
    """

    def __init__(
        self,
        min_overlap: float = LinkingOptions.min_overlap,
        memory: int = LinkingOptions.memory,
        *,
        drift: bool | ArrayLike = LinkingOptions.drift,
        search_range: float | None = LinkingOptions.search_range,
    ) -> None:
        LinkingOptions(min_overlap, memory, drift, search_range)  # checks them
        self.min_overlap = float(min_overlap)
        self.memory = int(memory)
        self.search_range = search_range
        self._votes = drift is True
        self._given = None if isinstance(drift, bool) else _checked_drift(drift)
        self.next_id = 1
        self._shape: tuple[int, ...] = ()
        self._known: Known | None = None
        # The last frames, the latest first: the index is the age of their particles.
        self._frames: tuple[_Frame, ...] = ()
        self._count = 0
        self._last = 0  # number of the last known frame

    @classmethod
    def resume(
        cls,
        recent_frames: Iterable[ArrayLike],
        next_id: int,
        min_overlap: float = LinkingOptions.min_overlap,
        memory: int = LinkingOptions.memory,
        *,
        drift: bool | ArrayLike = LinkingOptions.drift,
        search_range: float | None = LinkingOptions.search_range,
    ) -> ParticleTracker:
        """Return the tracker of an interrupted run.

        Parameters
        ----------
        recent_frames
            The last linked frames, each of shape (y, x), oldest first: so many that
            ``memory + 1`` of them have data, or fewer at the start of a movie.
        next_id
            The `next_id` of the interrupted run: one more than the largest id so far.
        min_overlap, memory, drift, search_range
            Options of the interrupted run. A given drift begins with the first of the
            recent frames.

        Raises
        ------
        ValueError
            If the frames have an id of `next_id` or above, or differ in shape.
        """
        tracker = cls(min_overlap, memory, drift=drift, search_range=search_range)
        for recent in recent_frames:
            frame = tracker._checked(recent)
            if _is_without_data(frame):
                tracker._count += 1
                continue
            start, labels = row_runs(frame)
            found = ParticleRuns.of(start, labels, frame.shape)
            ids = np.zeros(len(found.area), np.int32)
            ids[found.owner] = labels[labels > 0]
            tracker._remember(found, ids, tracker._next_frame(found))
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
            Integer labels, 0 = background, shape (y, x). Negative labels mark regions
            without data and become -1. Other values have no meaning beyond this frame.

        Raises
        ------
        ValueError
            If the labels are not an integer image of the shape of the frames before.
        """
        frame = self._checked(labels)
        if _is_without_data(frame):
            return self.skip(frame.shape)
        start, values = row_runs(frame)
        found = ParticleRuns.of(start, values, frame.shape)
        this = self._next_frame(found)
        ids = np.zeros(len(found.area), dtype=np.int32)
        if self._known is not None:
            drift = np.array([frame.drift for frame in self._frames])
            ids = known_ids(
                self._known,
                drift[self._known.age],
                found,
                this.seen.centers,
                frame.shape,
                min_overlap=self.min_overlap,
                search_range=self.search_range,
            )
        fresh = np.flatnonzero(ids == 0)
        ids[fresh] = np.arange(self.next_id, self.next_id + len(fresh))
        self.next_id += len(fresh)
        self._remember(found, ids, this)

        linked = np.where(values < 0, np.int32(-1), np.int32(0))
        linked[values > 0] = ids[found.owner]
        length = np.diff(start, append=frame.size)
        return np.repeat(linked, length).reshape(frame.shape)

    def skip(self, shape: tuple[int, ...]) -> NDArray[np.int32]:
        """Skip an unknown frame, and return it as -1 everywhere.

        The frame after it is linked with those before it.

        Parameters
        ----------
        shape
            Shape (y, x) of the frame.
        """
        self._count += 1
        return np.full(shape, -1, np.int32)

    def _checked(self, labels: ArrayLike) -> NDArray[np.integer]:
        frame: NDArray[Any] = without_mask(labels, -1)
        if frame.ndim != 2 or not np.issubdtype(frame.dtype, np.integer):
            raise ValueError(
                "Integer labels of shape (y, x) are needed, not "
                f"{frame.dtype} of shape {frame.shape}."
            )
        if self._shape not in ((), frame.shape):
            raise ValueError(
                f"A frame of shape {frame.shape} follows frames of {self._shape}."
            )
        self._shape = frame.shape
        return frame

    # The methods below make new objects, so that a copy of the tracker keeps its state.

    def _next_frame(self, found: ParticleRuns) -> _Frame:
        """Move the last frames by the drift from the frame before to this one."""
        this = _Frame(Sighting(found.centers(), found.area), np.zeros(2))
        step, known_for = np.zeros(2), 0
        if self._given is not None:
            if self._count >= len(self._given):
                raise ValueError(
                    f"The drift has {len(self._given)} rows, and there are more frames."
                )
            step = self._given[self._count] - self._given[self._last]
        elif self._votes:
            step, known_for = self._voted_step(this)
        self._frames = tuple(
            replace(frame, drift=frame.drift + step) if age >= known_for else frame
            for age, frame in enumerate(self._frames)
        )
        self._last = self._count
        self._count += 1
        return this

    def _voted_step(self, this: _Frame) -> tuple[NDArray[np.float64], int]:
        """Return the drift, and the age of the latest frame from which it is known.

        Where nothing is found from the frame before, which may be spoiled, an earlier
        one may show the drift.
        """
        for age, frame in enumerate(self._frames):
            shift = whole_field_drift(frame.seen, this.seen, self._shape)
            if shift is not None:
                return shift - frame.drift, age
        return np.zeros(2), 0

    def _remember(
        self, found: ParticleRuns, ids: NDArray[np.int32], this: _Frame
    ) -> None:
        seen = Known(found, this.seen.centers, ids, np.zeros(len(ids), np.intp))
        known = self._known
        self._known = seen if known is None else seen.and_missing(known, self.memory)
        self._frames = (this, *self._frames)[: self.memory + 1]


def _is_without_data(frame: NDArray[np.integer]) -> bool:
    return bool(frame.size and frame.flat[0] < 0 and (frame < 0).all())


def _checked_drift(drift: ArrayLike) -> NDArray[np.float64]:
    """Return a drift as numbers, shape (frame, 2), or raise a ValueError."""
    places = np.asarray(drift, float)
    if places.ndim != 2 or places.shape[1] != 2 or not np.isfinite(places).all():
        raise ValueError(
            "The drift has to be True, False, or finite places (y, x) of shape "
            f"(frame, 2), not of shape {places.shape}."
        )
    return places
