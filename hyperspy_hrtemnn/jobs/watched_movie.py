# SPDX-License-Identifier: GPL-3.0-or-later
"""Watched movie: the frames of a camera step by step, tables and page that follow them.

Each frame goes through the steps of `follow_particles` as soon as it is whole, into the
same folder. When the watch ends, the movie is followed as a whole: all frames are done
by then, and what is written is what `follow_particles` would have written.
"""

from __future__ import annotations

import time
from contextlib import nullcontext, suppress
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import click
import numpy as np
import pandas as pd
from hyperspy.axes import create_axis
from tqdm.auto import tqdm

from hyperspy_hrtemnn.checkpoint import Source
from hyperspy_hrtemnn.io.watched_path import arriving_frames
from hyperspy_hrtemnn.io.whole_frames import calibrate
from hyperspy_hrtemnn.networks import load
from hyperspy_hrtemnn.signals._one_pass.live_movie import LiveMovie
from hyperspy_hrtemnn.signals._shared.entrance import in_one_form, is_turned
from hyperspy_hrtemnn.signals._shared.skipping import FrameRule
from hyperspy_hrtemnn.signals._shared.tables import properties_of_frame
from hyperspy_hrtemnn.signals._shared.units import unit_of
from hyperspy_hrtemnn.signals._tracking.track import linking_in_pixels
from hyperspy_hrtemnn.user_warnings import warn_user

from .following import FollowedFiles, FollowSettings, check_followed_files
from .growing_table import GrowingTable
from .lengths import sampling_in_angstrom
from .live_server import served
from .live_view import PAGE, PICTURE, Curves, LiveView
from .outputs import is_same
from .own_files import OwnFiles

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from hyperspy.signals import Signal2D

    from hyperspy_hrtemnn.io.arriving import Arrival, ArrivingFrames
    from hyperspy_hrtemnn.signals._one_pass.follow import FollowedParticles
    from hyperspy_hrtemnn.signals._one_pass.live_movie import LiveFrame

TABLE = "live.csv"

# Time between two looks [s]: a file is whole when it is alike in two of them, so that
# this is most of what a frame waits for besides the network.
_POLL = 0.1


class WatchedMovie:
    """A watch, step by step, of whoever holds the lock of `out`.

    Parameters
    ----------
    path, out, settings, report
        See `watch_frames`.
    told
        The warnings that were printed.
    source
        Frames that arrive; by default those of the path.
    """

    def __init__(
        self,
        path: Path,
        out: Path,
        settings: FollowSettings,
        *,
        report: bool,
        told: Sequence[str],
        source: ArrivingFrames | None = None,
    ) -> None:
        if is_same(out, path):
            raise ValueError(f"--out is the input, {path}; give another name.")
        self._path, self._out, self._settings = path, out, settings
        self._report, self._told = report, told
        self._source = arriving_frames(path) if source is None else source
        self._own = OwnFiles(out)
        self._table = GrowingTable(out / TABLE, self._own)
        self._view = LiveView(out, self._own, f"Particles of {path.name}")
        self._curves = Curves()
        self._live: LiveMovie | None = None
        # Of the first frames; known when there is one.
        self._axes_manager: Any = None
        # Of each frame, None of those that could not be used.
        self._properties: list[pd.DataFrame | None] = []
        # What the rows in the table have as times.
        self._times: Any = None
        self._last: LiveFrame | None = None
        self._is_drawn = True
        settings.check()
        # A name that is wrong is told now, and not when the camera begins.
        load(settings.model, settings.device)
        self._sampling = sampling_in_angstrom(settings.sampling)
        check_followed_files(out, self._own, report=report)
        self._own.check(out / name for name in (TABLE, PICTURE, PAGE))

    @property
    def frames(self) -> int:
        """Number of frames so far."""
        return len(self._properties)

    def run(
        self,
        *,
        idle: float | None,
        frames: int | None,
        serve: int | None,
        show_progressbar: bool,
    ) -> FollowedParticles:
        """Watch until the end, and return what is found; see `watch`."""
        page = nullcontext() if serve is None else served(self._out, serve)
        with page as address:
            if address is not None:
                click.echo(f"The page is at {address}", err=True)
            # To stop is the way to end a watch; without a frame there is no result.
            try:
                self._run(idle, frames, show_progressbar=show_progressbar)
            except KeyboardInterrupt:
                if not self.frames:
                    raise
            return self.finish(show_progressbar=show_progressbar)

    def _run(
        self, idle: float | None, frames: int | None, *, show_progressbar: bool
    ) -> None:
        came = time.monotonic()
        with tqdm(desc="watch", unit="frame", disable=not show_progressbar) as bar:
            while frames is None or self.frames < frames:
                began = time.monotonic()
                new = self.step(None if frames is None else frames - self.frames)
                now = time.monotonic()
                bar.update(new)
                if new:
                    came = now
                elif idle is not None and now - came >= idle:
                    return
                # Long listings do not take more than half of a core.
                time.sleep(max(_POLL, now - began if not new else 0))

    def step(self, most: int | None = None) -> int:
        """Look once, take the frames that are whole, and return their number.

        Parameters
        ----------
        most
            Largest number of frames that are taken.
        """
        before = self.frames
        for frame in self._taken(islice(self._source.look(self._is_done), most)):
            self._add(frame)
            if frame.image is not None and frame.particles is not None:
                self._last, self._is_drawn = frame, False
            # While one frame after the other is whole, too.
            if self._view.is_due():
                self._draw(ended=False)
        if self._view.is_due():
            self._draw(ended=False)
        return self.frames - before

    def finish(self, *, show_progressbar: bool) -> FollowedParticles:
        """Follow the movie as a whole, write all files, and return what is found."""
        if waiting := self._source.waits_for():
            shown = [*waiting[:3], *["..."] * (len(waiting) > 3)]
            warn_user(
                f"{self._path}: what was not whole when the watch ended, and what came "
                f"after it, is left out: {', '.join(shown)}."
            )
        self._draw(ended=True)
        signal, names = self._movie()
        source = Source(self._source.identity, names)
        result = self._settings.follow(
            signal, self._out, source, show_progressbar=show_progressbar
        )
        FollowedFiles(self._out, self._own, names).write(
            result,
            signal,
            self._path,
            self._settings,
            told=self._told,
            report=self._report,
        )
        # All its rows are in properties.csv, unless a program keeps it open.
        with suppress(PermissionError):
            self._own.remove(self._out / TABLE)
        return result

    def _is_done(self, name: str) -> bool:
        return self._live is not None and self._live.is_done(name)

    def _taken(self, arrivals: Iterator[Arrival]) -> Iterator[LiveFrame]:
        """Yield what is found in frames that arrive."""
        if self._live is None:
            # Nothing is known of the movie before its first frame.
            first = next(arrivals, None)
            if first is None:
                return
            arrivals = chain([first], arrivals)
            self._live = self._started()
        yield from self._live.take(arrivals)

    def _started(self) -> LiveMovie:
        signal, names = self._movie()
        self._axes_manager = signal.axes_manager
        rule = FrameRule(self._settings.on_bad_frame or "skip", by_hand=True)
        work = self._settings.prepare(signal, Source(self._source.identity, names))
        return LiveMovie(
            work,
            linking_in_pixels(signal, self._settings.tracking),
            self._out.resolve(),
            overwrite=self._settings.overwrite,
            rule=rule,
        )

    def _movie(self) -> tuple[Signal2D, Sequence[str]]:
        movie, names = self._source.movie()
        if is_turned(movie.axes_manager.signal_axes):
            raise ValueError(
                f"The images of {self._path} are turned: their fast axis is named y. "
                "Follow the movie with hrtemnn follow when it is complete."
            )
        calibrate(movie, self._sampling)
        return in_one_form(movie), names

    def _axes(self) -> tuple[Any, Sequence[Any]]:
        """Return the axis of the frames so far, and the axes of the images (x, y)."""
        axes = self._axes_manager
        axis = create_axis(**self._source.navigation_axis())
        if not unit_of(axis):
            # The entrance may know one from the texts in the file.
            (known,) = axes.navigation_axes
            axis = create_axis(**known.get_axis_dictionary() | {"size": axis.size})
        return axis, axes.signal_axes

    def _add(self, frame: LiveFrame) -> None:
        """Add a frame to the tables."""
        self._properties.append(frame.properties)
        self._curves.add(frame)
        axis, signal_axes = self._axes()
        times = np.asarray(axis.axis)[: self.frames] if unit_of(axis) else None
        if self._table.is_begun and _begins_with(times, self._times):
            new = [frame.properties]
        else:
            # The first names of an in-situ camera do not say yet how many frames a
            # second has.
            new = self._properties
        self._times = times
        first = self.frames - len(new)
        rows = [
            properties_of_frame(table, number, [axis], signal_axes)
            for number, table in enumerate(new, first)
            if table is not None
        ]
        if rows and new is not self._properties:
            self._table.append(rows[0])
        elif rows:
            whole = pd.concat(rows, ignore_index=True)
            whole.attrs["units"] = rows[0].attrs["units"]
            self._table.begin(whole)

    def _draw(self, *, ended: bool) -> None:
        if self._last is None or (self._is_drawn and not ended):
            return
        axis, signal_axes = self._axes()
        self._view.draw(self._last, self._curves, axis, signal_axes, ended=ended)
        self._is_drawn = True


def _begins_with(times: Any, before: Any) -> bool:
    if times is None or before is None:
        return times is before
    return bool(np.array_equal(times[: len(before)], before))
