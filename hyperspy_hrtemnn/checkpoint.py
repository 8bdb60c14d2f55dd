# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints: finished frames of a long job on disk, from which a restart goes on."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from .atomic import is_temporary, remove_folder, written_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

_JOB = "job.json"
_BAD = ".bad"

# Of half-written files of earlier versions, whose jobs may still go on.
_UNFINISHED = ".part"


class Checkpoint:
    """A folder of frames, each either whole or absent, that belong to one job.

    Parameters
    ----------
    folder
        Where the frames are; made if it does not exist.
    job
        What the frames depend on, in terms of JSON: the input, the options. Frames of
        two jobs are never mixed.
    discard
        Whether to delete the frames of another job instead of refusing them.

    Raises
    ------
    ValueError
        If the folder holds another job; the message names what differs.
    """

    def __init__(
        self, folder: Path, job: Mapping[str, Any], *, discard: bool = False
    ) -> None:
        self.folder = folder
        difference = _difference(folder, job)
        if difference and discard and (folder / _JOB).exists():
            remove_folder(folder)
        elif difference:
            raise ValueError(
                f"{folder} holds frames of another job: {difference}. Finish that "
                "one, or delete the folder."
            )
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(dict(job), indent=2, ensure_ascii=False)
        with written_whole(folder / _JOB) as temporary:
            temporary.write_text(text, encoding="utf-8")

    def done(self) -> list[int]:
        """Return the numbers of the finished frames, in ascending order."""
        return _done(self.folder)

    def write(self, number: int, frame: NDArray[Any]) -> None:
        """Store a frame, whole or not at all."""
        with self._piece(number, ".npy") as file:
            np.save(file, frame, allow_pickle=False)

    def write_record(self, number: int, record: Mapping[str, Any]) -> None:
        """Store several arrays as one frame, compressed, whole or not at all."""
        with self._piece(number, ".npz") as file:
            np.savez_compressed(file, **record)

    def write_bad(self, number: int, reason: str) -> None:
        """Note that a frame cannot be used, and why; it counts until one is written."""
        with self._piece(number, _BAD) as file:
            file.write(reason.encode())

    def bad(self) -> dict[int, str]:
        """Return why frames cannot be used, by their number."""
        return bad_frames(self.folder)

    def read(self, number: int) -> NDArray[Any]:
        """Return a finished frame, mapped from the disk."""
        frame: NDArray[Any] = np.load(
            self._path(number, ".npy"), mmap_mode="r", allow_pickle=False
        )
        return frame

    def read_record(self, number: int, *names: str) -> list[Any]:
        """Return the arrays of these names of a frame of several."""
        with np.load(self._path(number, ".npz"), allow_pickle=False) as arrays:
            return [arrays[name] for name in names]

    def remove(self) -> None:
        """Delete the folder, when the result is safe elsewhere."""
        remove_folder(self.folder)

    @contextmanager
    def _piece(self, number: int, suffix: str) -> Iterator[BinaryIO]:
        """Give a file to write a piece to, which is stored when it is whole."""
        # If its name is lost in a power failure, the frame is done anew.
        path = self._path(number, suffix)
        with (
            written_whole(path, lasting=False) as temporary,
            temporary.open("xb") as file,
        ):
            yield file

    def _path(self, number: int, suffix: str) -> Path:
        return self.folder / f"{number:06d}{suffix}"


def bad_frames(folder: Path) -> dict[int, str]:
    """Return the frames that a job could not use, and why, by their number."""
    marked = {
        int(path.stem): path.read_text(encoding="utf-8")
        for path in folder.glob(f"*{_BAD}")
        if path.stem.isdecimal()
    }
    done = set(_done(folder))
    return {number: marked[number] for number in sorted(marked.keys() - done)}


def input_identity(path: Path) -> dict[str, Any]:
    """Return what tells an input file, or a folder, from a later version of it."""
    status = path.stat()
    return {
        "input": str(path.resolve()),
        "input size": status.st_size,
        "input modified": status.st_mtime_ns,
    }


def _difference(folder: Path, job: Mapping[str, Any]) -> str:
    """Return what differs between the job of a folder and another, "" if nothing."""
    try:
        text = (folder / _JOB).read_text(encoding="utf-8")
    except FileNotFoundError:
        foreign = folder.is_dir() and any(
            path.suffix != _UNFINISHED and not is_temporary(path)
            for path in folder.iterdir()
        )
        return f"it is not empty and has no {_JOB}" if foreign else ""
    if not _done(folder):
        # Nothing to mix: it stopped before its first frame.
        return ""
    try:
        stored = json.loads(text)
        stored_items = dict(stored)
    except (ValueError, TypeError):
        return f"its {_JOB} is damaged"
    # As JSON would give it back: tuples as lists.
    wanted = json.loads(json.dumps(dict(job)))
    return "; ".join(
        f"{key} was {stored_items.get(key)!r}, now {wanted.get(key)!r}"
        for key in dict.fromkeys([*wanted, *stored_items])
        if stored_items.get(key) != wanted.get(key)
    )


def _done(folder: Path) -> list[int]:
    stems = (path.stem for path in folder.glob("*.np[yz]"))
    return sorted(int(stem) for stem in stems if stem.isdecimal())
