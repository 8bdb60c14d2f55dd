# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints: finished frames of a long job on disk, from which a restart goes on."""

from __future__ import annotations

import hashlib
import io
import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .atomic import written_whole
from .bad_frames import spans
from .job_folder import (
    DamagedJobError,
    difference,
    pieces,
    remove_ours,
    stored_job,
    write_job,
)
from .sealed import is_whole, read_sealed, sealed
from .user_warnings import warn_user

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_BAD = ".bad"


@dataclass(frozen=True)
class Source:
    """What frames are made from, and how a change of it shows.

    Parameters
    ----------
    identity
        What all frames depend on, in terms of JSON.
    names
        What each frame is known by, in order, if it is a file of its own: frames whose
        file is the same are kept, whatever number they have now.
    """

    identity: Mapping[str, Any]
    names: Sequence[str] | None = None


class Checkpoint:
    """A folder of frames, each either whole or absent, that belong to one job.

    Frames that were damaged since they were written are not counted as finished; a
    warning tells of them.

    Parameters
    ----------
    folder
        Where the frames are; made if it does not exist.
    job
        What the frames depend on, in terms of JSON: the input, the options. Frames of
        two jobs are never mixed.
    names
        See `Source`; by default frames are known by their number.
    discard
        Whether to delete the frames of another job instead of refusing them.

    Raises
    ------
    ValueError
        If the folder holds another job, and the message names what differs; or if it
        is not ours.
    """

    def __init__(
        self,
        folder: Path,
        job: Mapping[str, Any],
        *,
        names: Sequence[str] | None = None,
        discard: bool = False,
    ) -> None:
        self.folder = folder
        self._job = dict(job)
        self._names = None if names is None else list(names)
        self._enter(discard=discard)
        self._finished: set[int] = set()
        self._bad: dict[int, str] = {}
        self._count()

    def _enter(self, *, discard: bool) -> None:
        """Make the folder that of the job."""
        try:
            stored = stored_job(self.folder)
        except DamagedJobError as error:
            warn_user(f"{error}: the frames in its folder are made anew.")
            remove_ours(self.folder)
            stored = {}
        differs = difference(stored, self._job)
        if stored and not differs:
            return
        if stored:
            begun = any(path.suffix != _BAD for path in pieces(self.folder))
            if begun and not discard:
                raise ValueError(
                    f"{self.folder} holds frames of another job: {differs}. Finish "
                    "that one, or delete its frames with overwrite=True, --force in "
                    "the shell."
                )
            remove_ours(self.folder)
        write_job(self.folder, self._job)

    def _count(self) -> None:
        """Find what is finished, and delete what is damaged."""
        damaged = []
        for number, path in _numbered(self.folder, self._names):
            if not is_whole(path):
                path.unlink()
                damaged.append(number)
            elif path.suffix == _BAD:
                self._bad[number] = read_sealed(path).decode()
            else:
                self._finished.add(number)
        if damaged:
            warn_user(
                f"{self.folder}: these finished frames are damaged and are "
                f"made anew: {spans(damaged)}."
            )

    def holds(self, name: str) -> bool:
        """Return whether there is a finished frame that is known by a name."""
        path = self.folder / f"{name}.npz"
        return path.exists() and is_whole(path)

    def append(self, name: str) -> int:
        """Count one more frame behind the others, as a movie that grows has.

        Parameters
        ----------
        name
            What it is known by. What is there of it is taken.

        Returns
        -------
        Its number.
        """
        if self._names is None:
            raise ValueError("These frames are known by their number, not by a name.")
        number = len(self._names)
        self._names.append(name)
        if self.holds(name):
            self._finished.add(number)
        marked = self._path(number, _BAD)
        if marked.exists() and is_whole(marked):
            self._bad[number] = read_sealed(marked).decode()
        return number

    def is_done(self, number: int) -> bool:
        """Return whether a frame is finished."""
        return number in self._finished

    def reason(self, number: int) -> str | None:
        """Return why a frame cannot be used, None where nothing says so."""
        return None if number in self._finished else self._bad.get(number)

    @property
    def digest(self) -> str:
        """What tells the result of these frames from that of others."""
        text = json.dumps([self._job, list(self._names or ())], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def done(self) -> list[int]:
        """Return the numbers of the finished frames, in ascending order."""
        return sorted(self._finished)

    def write(self, number: int, frame: NDArray[Any]) -> None:
        """Store a frame, whole or not at all."""
        with self._piece(number, ".npy") as file:
            np.save(file, frame, allow_pickle=False)
        self._finished.add(number)

    def write_record(self, number: int, record: Mapping[str, Any]) -> None:
        """Store several arrays as one frame, compressed, whole or not at all."""
        packed = io.BytesIO()
        np.savez_compressed(packed, **record)
        with self._piece(number, ".npz") as file:
            file.write(packed.getvalue())
        self._finished.add(number)

    def write_bad(self, number: int, reason: str) -> None:
        """Note that a frame cannot be used, and why; it counts until one is written."""
        with self._piece(number, _BAD) as file:
            file.write(reason.encode())
        self._bad[number] = reason

    def bad(self) -> dict[int, str]:
        """Return why frames cannot be used, by their number."""
        return {n: self._bad[n] for n in sorted(self._bad.keys() - self._finished)}

    def read(self, number: int) -> NDArray[Any]:
        """Return a finished frame.

        Raises
        ------
        DamagedError
            If it was damaged since it was counted.
        """
        content = io.BytesIO(read_sealed(self._path(number, ".npy")))
        frame: NDArray[Any] = np.load(content, allow_pickle=False)
        return frame

    def read_record(self, number: int, *names: str) -> list[Any]:
        """Return the arrays of these names of a frame of several.

        Raises
        ------
        DamagedError
            If it was damaged since it was counted.
        """
        content = io.BytesIO(read_sealed(self._path(number, ".npz")))
        with np.load(content, allow_pickle=False) as arrays:
            return [arrays[name] for name in names]

    def remove(self) -> None:
        """Delete the frames, when the result is safe elsewhere."""
        remove_ours(self.folder)

    @contextmanager
    def _piece(self, number: int, suffix: str) -> Iterator[Any]:
        """Give a file to write a piece to, which is stored when it is whole."""
        with (
            written_whole(self._path(number, suffix)) as temporary,
            sealed(temporary) as file,
        ):
            yield file

    def _path(self, number: int, suffix: str) -> Path:
        name = f"{number:06d}" if self._names is None else self._names[number]
        return self.folder / f"{name}{suffix}"


def bad_frames(folder: Path, names: Sequence[str] | None = None) -> dict[int, str]:
    """Return the frames that a job could not use, and why, by their number.

    Parameters
    ----------
    folder, names
        See `Checkpoint`.
    """
    marked, done = {}, set()
    for number, path in _numbered(folder, names):
        if path.suffix == _BAD:
            marked[number] = read_sealed(path).decode()
        else:
            done.add(number)
    return {number: marked[number] for number in sorted(marked.keys() - done)}


def _numbered(folder: Path, names: Sequence[str] | None) -> Iterator[tuple[int, Path]]:
    """Yield the files of frames with the numbers of the frames, now."""
    numbers = {name: number for number, name in enumerate(names or ())}
    for path in pieces(folder):
        if names is None and path.stem.isdecimal():
            yield int(path.stem), path
        elif path.stem in numbers:
            yield numbers[path.stem], path
