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
from .packs import LARGEST, MEMBERS, Packed, Single, gather, members, packs
from .sealed import DamagedError, sealed
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
        self._finished: dict[int, Single | Packed] = {}
        self._bad: dict[int, str] = {}
        self._small: dict[int, Path] = {}
        self._left: dict[str, list[Single | Packed]] | None = None
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
            begun = bool(packs(self.folder)) or any(
                path.suffix != _BAD for path in pieces(self.folder)
            )
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
        damaged = set()
        for number, piece in _numbered(self.folder, self._names):
            if not piece.is_whole():
                if isinstance(piece, Single):
                    piece.path.unlink()
                damaged.add(number)
            elif _is_bad(piece):
                self._bad[number] = piece.read().decode()
            else:
                self._add(number, piece)
        # A frame may have been damaged in a pack, and made anew since.
        if damaged := damaged - self._finished.keys():
            warn_user(
                f"{self.folder}: these finished frames are damaged and are "
                f"made anew: {spans(damaged)}."
            )

    def _add(self, number: int, piece: Single | Packed) -> None:
        """Count a frame as finished."""
        self._finished[number] = piece
        if isinstance(piece, Single) and piece.path.stat().st_size < LARGEST:
            self._small[number] = piece.path

    def holds(self, name: str) -> bool:
        """Return whether an earlier run has finished the frame of a name."""
        pieces_of_frame = self._earlier().get(name, ())
        return any(not _is_bad(each) and each.is_whole() for each in pieces_of_frame)

    def append(self, name: str) -> int:
        """Count one more frame behind the others, as a movie that grows has.

        Parameters
        ----------
        name
            What it is known by. What an earlier run has left of it is taken.

        Returns
        -------
        Its number.
        """
        if self._names is None:
            raise ValueError("These frames are known by their number, not by a name.")
        number = len(self._names)
        self._names.append(name)
        for piece in self._earlier().get(name, ()):
            if not piece.is_whole():
                continue
            if _is_bad(piece):
                self._bad[number] = piece.read().decode()
            else:
                self._add(number, piece)
        return number

    def _earlier(self) -> dict[str, list[Single | Packed]]:
        """Return what earlier runs have left in the folder, by name."""
        if self._left is None:
            self._left = {}
            for stem, piece in _stems(self.folder):
                self._left.setdefault(stem, []).append(piece)
        return self._left

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
        self._finish(number, ".npy")

    def write_record(self, number: int, record: Mapping[str, Any]) -> None:
        """Store several arrays as one frame, compressed, whole or not at all."""
        packed = io.BytesIO()
        np.savez_compressed(packed, **record)
        with self._piece(number, ".npz") as file:
            file.write(packed.getvalue())
        self._finish(number, ".npz")

    def _finish(self, number: int, suffix: str) -> None:
        """Count a frame that was written, and gather them when there are many."""
        self._add(number, Single(self._path(number, suffix)))
        if len(self._small) >= MEMBERS:
            gathered = gather(self.folder, self._small.values())
            self._finished |= zip(self._small, gathered, strict=True)
            self._small = {}

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
        content = self._content(number)
        frame: NDArray[Any] = np.load(content, allow_pickle=False)
        return frame

    def read_record(self, number: int, *names: str) -> list[Any]:
        """Return the arrays of these names of a frame of several.

        Raises
        ------
        DamagedError
            If it was damaged since it was counted.
        """
        with np.load(self._content(number), allow_pickle=False) as arrays:
            return [arrays[name] for name in names]

    def _content(self, number: int) -> io.BytesIO:
        try:
            content = self._finished[number].read()
        except FileNotFoundError:
            # Another run of the job has gathered it since it was counted.
            self._count()
            content = self._finished[number].read()
        return io.BytesIO(content)

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
    for number, piece in _numbered(folder, names):
        if _is_bad(piece):
            marked[number] = piece.read().decode()
        else:
            done.add(number)
    return {number: marked[number] for number in sorted(marked.keys() - done)}


def _is_bad(piece: Single | Packed) -> bool:
    return isinstance(piece, Single) and piece.path.suffix == _BAD


def _numbered(
    folder: Path, names: Sequence[str] | None
) -> Iterator[tuple[int, Single | Packed]]:
    """Yield the frames in a folder, the latest last, with their numbers now."""
    numbers = {name: number for number, name in enumerate(names or ())}
    for stem, piece in _stems(folder):
        if names is None and stem.isdecimal():
            yield int(stem), piece
        elif stem in numbers:
            yield numbers[stem], piece


def _stems(folder: Path) -> Iterator[tuple[str, Single | Packed]]:
    for pack in packs(folder):
        try:
            packed = members(pack)
        except DamagedError as error:
            warn_user(f"{error}; its frames are made anew.")
            pack.unlink()
            continue
        yield from ((one.name.partition(".")[0], one) for one in packed)
    yield from ((path.stem, Single(path)) for path in pieces(folder))
