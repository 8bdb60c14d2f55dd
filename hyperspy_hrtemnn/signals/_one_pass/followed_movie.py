# SPDX-License-Identifier: GPL-3.0-or-later
"""Followed movie: a folder with what is found in its frames, stage by stage.

Each stage keeps what it has of every frame, so that a run that was stopped goes on:
``frames``, where the movie goes through the network; ``ids``; and ``reflections``,
where those are measured that were not found in a frame and about which only other
frames say where they should be. Nothing here knows what a signal is.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import dask.array as da
import numpy as np
import pandas as pd
from dask.highlevelgraph import HighLevelGraph
from tqdm.auto import tqdm

from hyperspy_hrtemnn.analysis import ParticleTracker
from hyperspy_hrtemnn.checkpoint import Checkpoint
from hyperspy_hrtemnn.signals._shared.deferred import deferred_blocks
from hyperspy_hrtemnn.signals._shared.runner import results_in_flight
from hyperspy_hrtemnn.signals._shared.skipping import FrameRule, tell
from hyperspy_hrtemnn.signals._tracking.linking import Runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from hyperspy_hrtemnn.options import FollowingOptions, LinkingOptions

    from .frame_analysis import FrameAnalysis, SpectrumAnalysis

    Ids = NDArray[np.int32]


FRAMES = "frames"
"""Name of the folder of what is known of each frame."""


class FollowedMovie:
    """What is known of the frames of a movie.

    Parameters
    ----------
    movie
        Blocks of whole frames, shape (frame, y, x).
    folder
        Folder in which it is kept.
    job
        Everything that the frames depend on, in terms of JSON.
    overwrite
        Whether to delete the frames of another job instead of refusing them.
    progress
        Whether to show progress bars.
    num_workers
        Number of threads; see `results_in_flight`.
    rule
        What is done about frames that cannot be used. Those that are skipped are
        noted in the folder; a later run tries again to read those that could not be.
    names
        What each frame is known by; see `Checkpoint`.

    Raises
    ------
    ValueError
        If the folder holds another job; the message names what differs.
    """

    def __init__(
        self,
        movie: da.Array,
        folder: Path,
        job: Mapping[str, Any],
        *,
        overwrite: bool,
        progress: bool,
        num_workers: int | None,
        rule: FrameRule,
        names: Sequence[str] | None = None,
    ) -> None:
        self._movie, self._rule = movie, rule.over(movie.shape[:1])
        self._blocks = deferred_blocks(movie)
        self._folder, self._job = folder, dict(job)
        self._records = Checkpoint(folder / FRAMES, job, names=names, discard=overwrite)
        if names is not None:
            # Ids depend on the frames before, and reflections on all.
            self._job["frames"] = self._records.digest
        self.progress, self._num_workers = progress, num_workers

    def analyze(self, analysis: FrameAnalysis) -> None:
        """Analyze the frames that are not yet, in any order."""
        records = self._records
        missing = self._rule.to_try(len(self._movie), records.done(), records.bad())
        frames = ((number, (frame,)) for number, frame in self._read(missing))
        with self._bar("particles", len(self._movie), len(missing)) as bar:
            self._store(analysis, frames, self._write_record, bar)
        self._note_skipped()
        self.bad = self._records.bad()
        if self.bad:
            # What comes after is of other frames if one of them can be read again.
            self._job["unknown frames"] = list(self.bad)

    def _write_record(self, number: int, record: Mapping[str, Any]) -> None:
        self._note_skipped()
        self._records.write_record(number, record)

    def _note_skipped(self) -> None:
        for number, reason in self._rule.skipped.take().items():
            self._records.write_bad(number, reason)

    def tell(self) -> None:
        """Warn of the frames that could not be used, also of an earlier run's."""
        tell(self.bad | self._rule.skipped.take(), len(self._movie))

    def tell_if_none(self) -> None:
        """Raise a `BadFrameError` if no frame could be used."""
        if len(self.bad) == len(self._movie):
            self.tell()

    def link(self, options: LinkingOptions) -> list[Ids]:
        """Return the id of each label in each frame; see `ParticleTracker`."""
        drift = np.asarray(options.drift).tolist()
        ids = self._stage("ids", {**vars(options), "drift": drift})
        total = len(self._movie)
        if len(ids.done()) < total:
            tracker = ParticleTracker(**vars(options))
            with self._bar("ids", total, total) as bar:
                for number in range(total):
                    ids.write(number, self._linked(tracker, number))
                    bar.update()
        return [np.array(ids.read(number)) for number in range(total)]

    def _linked(self, tracker: ParticleTracker, number: int) -> Ids:
        """Return the id of each label of the next frame."""
        if number in self.bad:
            tracker.skip(self._movie.shape[1:])
            return np.zeros(1, np.int32)
        return linked_labels(tracker, self._runs(number))

    def labels(self, ids: Sequence[Ids]) -> da.Array:
        """Return the frames with the ids of `link`, to be read when they are needed."""
        name = f"followed-{uuid4().hex}"
        shape = self._movie.shape[1:]
        graph = {
            (name, number, 0, 0): (
                partial(np.full, (1, *shape), -1, np.int32)
                if number in self.bad
                else partial(_labels, self._records, number, shape, of),
            )
            for number, of in enumerate(ids)
        }
        return da.Array(
            HighLevelGraph.from_collections(name, graph, dependencies=()),
            name,
            chunks=((1,) * len(ids), *((side,) for side in shape)),
            dtype=np.int32,
        )

    def properties(self, ids: Sequence[Ids]) -> list[pd.DataFrame | None]:
        """Return the properties of the particles of each frame, by ascending id."""
        tables: list[pd.DataFrame | None] = []
        for number, id_of in enumerate(ids):
            if number in self.bad:
                tables.append(None)
                continue
            tables.append(properties_of(self._records, number, id_of))
        return tables

    def dropped(self) -> int:
        """Return the number of regions that were too small for particles."""
        return sum(int(count) for count in self._counts("dropped").values())

    def replaced(self) -> dict[int, tuple[int, int]]:
        """Return how many bad pixels, and pixels of no data, each good frame has."""
        found = self._counts("replaced")
        return {number: (int(bad), int(none)) for number, (bad, none) in found.items()}

    def foreign(self) -> dict[int, float]:
        """Return which share of each good frame is foreign to the network."""
        return {number: float(s) for number, s in self._counts("foreign").items()}

    def _counts(self, name: str) -> dict[int, Any]:
        return {
            number: self._records.read_record(number, name)[0]
            for number in range(len(self._movie))
            if number not in self.bad
        }

    def reflections(self, ids: Sequence[Ids]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return what was found in the spectra.

        Returns
        -------
        The rows of `find_reflections` with ``frame`` and ``id``; and ``frame``,
        ``label`` and ``id`` of each spectrum that is not empty. Sorted by frame.
        """
        found, shown = [], []
        for number, id_of in enumerate(ids):
            if number in self.bad:
                continue
            names = ("shown", "reflections")
            labels, rows = self._records.read_record(number, *names)
            table = pd.DataFrame(rows)
            table["id"] = id_of[table.pop("label")].astype(np.int64)
            found.append(table.assign(frame=number))
            of_label = {"label": labels, "id": id_of[labels].astype(np.int64)}
            shown.append(pd.DataFrame(of_label).assign(frame=number))
        return pd.concat(found, ignore_index=True), pd.concat(shown, ignore_index=True)

    def rows(self, name: str, ids: Sequence[Ids]) -> list[pd.DataFrame | None]:
        """Return what was found in each frame of a kind, None of those not used.

        Parameters
        ----------
        name
            The kind: rows with the particle as ``label``.
        ids
            Ids of `link`.

        Returns
        -------
        Tables with ``id`` in place of the label, by ascending id.
        """
        tables: list[pd.DataFrame | None] = []
        for number, id_of in enumerate(ids):
            if number in self.bad:
                tables.append(None)
                continue
            (rows,) = self._records.read_record(number, name)
            table = pd.DataFrame(rows)
            table.insert(0, "id", id_of[table.pop("label")].astype(np.int64))
            tables.append(table.sort_values("id", kind="stable", ignore_index=True))
        return tables

    def measure(
        self,
        spectra: SpectrumAnalysis,
        unseen: pd.DataFrame,
        options: FollowingOptions,
    ) -> NDArray[np.float64]:
        """Return intensity and amplitude of reflections that were not found.

        Only the frames are read in which there are any.

        Parameters
        ----------
        spectra
            Analysis of the spectra, as in the search.
        unseen
            ``frame``, ``label`` of the particle, ``spacing`` and ``angle``, sorted by
            frame and label.
        options
            Options with which they were followed.

        Returns
        -------
        Shape (reflection, 2).
        """
        limits = {name: n for name, n in vars(options).items() if name != "crystal"}
        measured = self._stage("reflections", limits)
        places = unseen.groupby("frame")[["label", "spacing", "angle"]]
        wanted = unseen["frame"].unique().tolist()
        missing = set(wanted) - set(measured.done())
        frames = (
            (number, (frame, self._runs(number), places.get_group(number)))
            for number, frame in self._read(missing)
        )
        with self._bar("reflections", len(wanted), len(missing)) as bar:
            self._store(spectra.measure, frames, measured.write, bar)
        for number in set(wanted) - set(measured.done()):
            # It could be read the first time.
            unknown = np.full((len(places.get_group(number)), 2), np.nan)
            measured.write(number, unknown)
        return np.concatenate([np.zeros((0, 2)), *map(measured.read, wanted)])

    def _stage(self, name: str, options: Mapping[str, Any]) -> Checkpoint:
        """Return what is kept of a stage, which depends on those before it, too."""
        self._job |= options
        return Checkpoint(self._folder / name, self._job, discard=True)

    def _store(
        self,
        function: Callable[..., Any],
        frames: Iterable[tuple[int, tuple[Any, ...]]],
        write: Callable[[int, Any], None],
        bar: tqdm[Any],
    ) -> None:
        """Store what a function makes of frames as it comes, if they can be used."""
        # Closed also where this is interrupted, so that no frame is begun any more.
        in_flight = results_in_flight(function, frames, self._num_workers, self._rule)
        with closing(in_flight) as results:
            for number, result in results:
                if result is not None:
                    write(number, result)
                bar.update()

    def _read(self, wanted: set[int]) -> Iterator[tuple[int, NDArray[Any]]]:
        """Yield number and pixels of frames, each block read once."""
        first = 0
        for block, size in zip(self._blocks, self._movie.chunks[0], strict=True):
            numbers = wanted.intersection(range(first, first + size))
            if numbers:
                members = range(first, first + size)
                frames = self._rule.results(members, block.load)
                if frames is not None:
                    for number in sorted(numbers):
                        yield number, frames[number - first]
            first += size

    def _runs(self, number: int) -> Runs:
        return runs_of(self._records, number, self._movie.shape[1:])

    def _bar(self, title: str, total: int, missing: int) -> tqdm[Any]:
        return tqdm(
            total=total,
            initial=total - missing,
            desc=title,
            unit="frame",
            disable=not self.progress,
        )


def runs_of(records: Checkpoint, number: int, shape: tuple[int, ...]) -> Runs:
    """Return the labels of a frame, shape (y, x), as they were found in it alone."""
    return Runs(shape, *records.read_record(number, "start", "value"))


def properties_of(records: Checkpoint, number: int, id_of: Ids) -> pd.DataFrame:
    """Return the properties of the particles of a frame, by ascending id."""
    (rows,) = records.read_record(number, "properties")
    table = pd.DataFrame(rows)
    table["id"] = id_of[table["id"]].astype(np.int64)
    return table.sort_values("id", ignore_index=True)


def linked_labels(tracker: ParticleTracker, packed: Runs) -> Ids:
    """Return the id of each label of the next frame, by the label."""
    linked = tracker.link(packed.labels()).ravel()
    # One more than there are labels: no data, -1, is the last of them, and stays -1.
    id_of = np.zeros(packed.value.max(initial=0) + 2, np.int32)
    id_of[packed.value] = linked[packed.start]
    return id_of


def _labels(
    records: Checkpoint, number: int, shape: tuple[int, ...], id_of: Ids
) -> NDArray[np.int32]:
    """Return one frame with the ids of the movie, shape (1, y, x)."""
    packed = runs_of(records, number, shape)
    return replace(packed, value=id_of[packed.value]).labels()[np.newaxis]
