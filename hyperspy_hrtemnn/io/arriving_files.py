# SPDX-License-Identifier: GPL-3.0-or-later
"""Arriving files: a folder that gets a file for each frame while it is watched."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from natsort import natsort_keygen

from hyperspy_hrtemnn.bad_frames import BadFrameError
from hyperspy_hrtemnn.file_states import digest, digests_of_files, file_state

from .arriving import PATIENCE, Arrival
from .in_situ import frame_files, in_situ_movie, time_of_frames, when_taken
from .one_file_a_frame import check_alike, load_image, movie_of_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

# Formats of single images that cameras write. Pictures such as .png are left out: most
# that lie beside frames are previews of these.
_IMAGES = frozenset((".tif", ".tiff", ".dm3", ".dm4", ".mrc", ".emd", ".ser", ".hspy"))

# As HyperSpy orders the files that it stacks.
_in_order = natsort_keygen()


class ArrivingFiles:
    """The frames of a folder, each a file, in the order of their names.

    A file is whole when it has the same size and time as in the look before, and can
    be read. A file that cannot be read is waited for, and all later ones with it,
    until it has not changed for `patience`; then it is given up.

    Parameters
    ----------
    folder
        The folder, which may be empty; one of an in-situ camera is known by the names
        of its files.
    patience
        How long a file that cannot be read is waited for [s].
    clock
        Gives the time [s].
    """

    def __init__(
        self,
        folder: Path,
        *,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._patience, self._clock = folder, patience, clock
        self._is_in_situ = False
        # State of each file that is not taken yet, and since when it has had it.
        self._states: dict[Path, tuple[str, float]] = {}
        self._is_settled: set[Path] = set()
        self._taken: dict[Path, None] = {}
        self._late: set[Path] = set()
        self._waiting: list[str] = []
        self._first: Signal2D | None = None
        self._keys: dict[Path, Any] = {}

    @property
    def identity(self) -> Mapping[str, Any]:
        """What all frames depend on: that of `hrtemnn follow`, which may go on."""
        return {"input": str(self._folder.resolve())}

    def look(self, is_done: Callable[[str], bool]) -> Iterator[Arrival]:
        """Look once, and yield the frames that have become whole; see `ArrivingFrames`.

        A file whose name stands before that of a frame that was yielded comes too late
        for this; `movie` has it.
        """
        new = [path for path in self._listed() if path not in self._taken]
        self._waiting = []
        for path in new:
            self._note_state(path)
        given_up: list[tuple[Path, Arrival]] = []
        for place, path in enumerate(new):
            if self._is_late(path):
                self._late.add(path)
                continue
            arrival = self._arrival(path, is_done)
            if arrival is None:
                # Particles are linked in the order of time.
                self._waiting = [each.name for each in new[place:]]
                return
            if self._first is None:
                # Nothing is known of the movie before one of its frames can be read.
                given_up.append((path, arrival))
                continue
            for each, its in (*given_up, (path, arrival)):
                self._taken[each] = None
                self._states.pop(each, None)
                yield its
            given_up.clear()

    def waits_for(self) -> list[str]:
        """Return the names of files that are not whole, and of those behind them."""
        return self._waiting

    def navigation_axis(self) -> dict[str, Any]:
        """Return the axis of the frames that were yielded, as HyperSpy describes it."""
        return self._axis(list(self._taken))

    def movie(self) -> tuple[Signal2D, Sequence[str]]:
        """Return the movie that is there now, lazily, and the names of its frames.

        It is of the frames that were yielded and of those that came too late, as far as
        they still exist, in the order of their names.
        """
        late = self._late & self._is_settled
        there = sorted(
            (path for path in (*self._taken, *late) if path.exists()), key=self._key
        )
        if self._first is None or not there:
            raise ValueError(f"{self._folder} holds no frame that can be read.")
        if self._is_in_situ:
            movie = in_situ_movie(there, self._first)
        else:
            movie = movie_of_files(there, self._first, self._axis(there))
        return movie, digests_of_files(there)

    def _axis(self, paths: list[Path]) -> dict[str, Any]:
        if self._is_in_situ and self._first is not None:
            return time_of_frames(paths, self._first)[0]
        # As HyperSpy names it where it stacks files: when they were taken is not known.
        return {"name": "stack_element", "size": len(paths), "navigate": True}

    def _listed(self) -> list[Path]:
        """Return the files of frames, in order."""
        if not self._is_in_situ:
            found = [path for path in self._folder.iterdir() if _is_image(path)]
            kinds = sorted({path.suffix.lower() for path in found})
            in_situ = not self._taken and self._in_situ_files()
            if not in_situ:
                if len(kinds) > 1:
                    raise ValueError(
                        f"{self._folder} holds files of several kinds, "
                        f"{', '.join(kinds)}: which of them are frames is not known. "
                        "Let the camera write into a folder of its own."
                    )
                return sorted(found, key=self._key)
            self._is_in_situ = True
        return self._in_situ_files()

    def _in_situ_files(self) -> list[Path]:
        # Where there are none yet `frame_files` raises an error; all others are for
        # the user.
        found = self._folder.rglob("*_Hour_*_Frame_*")
        if all(path.name.startswith(".") for path in found):
            return []
        return frame_files(self._folder)

    def _key(self, path: Path) -> Any:
        if path not in self._keys:
            by_time = self._is_in_situ
            self._keys[path] = when_taken(path) if by_time else _in_order(path.name)
        return self._keys[path]

    def _is_late(self, path: Path) -> bool:
        last = next(reversed(self._taken), None)
        return last is not None and self._key(path) < self._key(last)

    def _note_state(self, path: Path) -> None:
        """Note whether a file is as it was in the look before."""
        try:
            state = file_state(path)
        except OSError:
            # It was there when the folder was listed.
            state = "gone"
        if self._states.get(path, ("", 0))[0] == state != "gone":
            self._is_settled.add(path)
            return
        self._is_settled.discard(path)
        self._states[path] = state, self._clock()

    def _arrival(self, path: Path, is_done: Callable[[str], bool]) -> Arrival | None:
        """Return a frame; None if its file is still waited for."""
        if path not in self._is_settled:
            return None
        state, since = self._states[path]
        name = digest(state)
        if self._first is not None and is_done(name):
            return Arrival(name, lambda: self._pixels(path))
        try:
            pixels = self._pixels(path)
        except BadFrameError as error:
            if self._clock() - since < self._patience:
                return None
            return Arrival(name, _raising(error))
        return Arrival(name, lambda: pixels)

    def _pixels(self, path: Path) -> NDArray[Any]:
        image = load_image(path)
        if self._first is None:
            self._first = image
        first = self._first.data
        check_alike(path, image.data, first.shape, first.dtype)
        return np.asarray(image.data)


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in _IMAGES and not path.name.startswith(".")


def _raising(error: BadFrameError) -> Callable[[], NDArray[Any]]:
    def load() -> NDArray[Any]:
        raise error

    return load
