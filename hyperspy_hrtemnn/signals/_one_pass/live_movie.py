# SPDX-License-Identifier: GPL-3.0-or-later
"""Live movie: the particles of a movie that still grows, linked as its frames come.

What is found in a frame is kept in the folder of `FollowedMovie`, by the same names, so
that following the whole movie afterwards finds all frames done.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from hyperspy_hrtemnn.analysis import ParticleTracker
from hyperspy_hrtemnn.bad_frames import is_unreadable
from hyperspy_hrtemnn.checkpoint import Checkpoint
from hyperspy_hrtemnn.signals._shared.runner import results_in_flight

from .followed_movie import (
    FRAMES,
    linked_labels,
    properties_of,
    runs_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.options import LinkingOptions
    from hyperspy_hrtemnn.signals._shared.skipping import FrameRule
    from hyperspy_hrtemnn.signals._tracking.linking import Runs

    from .particle_work import ParticleWork

    Frames = Iterable[tuple[str, Callable[[], NDArray[Any]]]]


class LiveFrame(NamedTuple):
    """What is known of a frame as soon as it is linked.

    Attributes
    ----------
    number
        Its number.
    properties
        The properties of its particles by ascending id, with lengths in the unit of the
        x axis from the first pixel on; None if it could not be used.
    reason
        Why it could not be used, None if it could.
    image
        Its pixels, shape (y, x); None if its result was there already.
    particles
        Its particles, whose value is the id; None if it could not be used.
    """

    number: int
    properties: pd.DataFrame | None
    reason: str | None
    image: NDArray[Any] | None
    particles: Runs | None


class LiveMovie:
    """The particles of a movie that still grows.

    Parameters
    ----------
    work
        How the particles are found. Of its movie only the shape of a frame counts.
    linking
        How particles are linked [pixels].
    folder
        Folder in which it is kept.
    overwrite
        Whether to delete the frames of another job instead of refusing them.
    rule
        What is done about frames that cannot be used.

    Raises
    ------
    ValueError
        If the folder holds another job; the message names what differs.
    """

    def __init__(
        self,
        work: ParticleWork,
        linking: LinkingOptions,
        folder: Path,
        *,
        overwrite: bool,
        rule: FrameRule,
    ) -> None:
        self._analysis, self._rule = work.analysis, rule
        self._shape = work.movie.shape[1:]
        self._records = Checkpoint(
            folder / FRAMES, work.job, names=(), discard=overwrite
        )
        self._tracker = ParticleTracker(**vars(linking))
        self._total = self._linked = 0

    def is_done(self, name: str) -> bool:
        """Return whether an earlier run has left the result of a frame."""
        return self._records.holds(name)

    def take(self, frames: Frames) -> Iterator[LiveFrame]:
        """Analyze frames, and yield them in order, each as soon as it is linked.

        Parameters
        ----------
        frames
            Name of each, and what gives its pixels, shape (y, x), or raises a
            `BadFrameError`. The next one is taken when there is room for it: in memory
            are as many as `results_in_flight` works on.
        """
        images: dict[int, NDArray[Any]] = {}
        in_flight = results_in_flight(
            self._analysis, self._missing(frames, images), None, self._rule
        )
        # Closed also where this is interrupted, so that no frame is begun any more.
        with closing(in_flight) as results:
            for number, record in results:
                if record is not None:
                    self._records.write_record(number, record)
                self._note_skipped()
                yield from self._link(images)
        yield from self._link(images)

    def _missing(
        self, frames: Frames, images: dict[int, NDArray[Any]]
    ) -> Iterator[tuple[int, tuple[NDArray[Any]]]]:
        """Yield number and pixels of the frames without a result, and keep these."""
        for name, load in frames:
            number = self._records.append(name)
            self._total = number + 1
            self._rule.over((self._total,))
            if not self._is_to_try(number):
                continue
            pixels = self._rule.result((number,), load)
            if pixels is None:
                self._note_skipped()
                continue
            images[number] = pixels
            yield number, (pixels,)

    def _is_to_try(self, number: int) -> bool:
        """Return whether a run has to look at a frame; see `FrameRule.to_try`."""
        reason = self._records.reason(number)
        known = reason is not None and not self._rule.raises
        tried = known and not is_unreadable(reason or "")
        return not (self._records.is_done(number) or tried)

    def _note_skipped(self) -> None:
        for number, reason in self._rule.skipped.take().items():
            self._records.write_bad(number, reason)

    def _link(self, images: dict[int, NDArray[Any]]) -> Iterator[LiveFrame]:
        """Link the frames that are known, as far as there is none missing before."""
        while (number := self._linked) < self._total:
            reason = self._records.reason(number)
            if not (self._records.is_done(number) or reason is not None):
                return
            # An earlier run has noted that it cannot be read, and it is being tried.
            if number in images and reason is not None and is_unreadable(reason):
                return
            self._linked += 1
            image = images.pop(number, None)
            if reason is not None:
                self._tracker.skip(self._shape)
                yield LiveFrame(number, None, reason, image, None)
                continue
            runs = runs_of(self._records, number, self._shape)
            id_of = linked_labels(self._tracker, runs)
            particles = replace(runs, value=id_of[runs.value])
            table = properties_of(self._records, number, id_of)
            yield LiveFrame(number, table, None, image, particles)
