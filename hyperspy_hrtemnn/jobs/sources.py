# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources of jobs: the files that a command reads, and what tells that they changed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from hyperspy_hrtemnn.checkpoint import Source
from hyperspy_hrtemnn.file_states import digest, digests_of_files, file_state
from hyperspy_hrtemnn.io.in_situ import files_in_metadata, frame_files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Input:
    """What a job reads.

    Parameters
    ----------
    path
        The file or folder that the user gave.
    files
        The files of the frames of an in-situ camera; none for other movies.
    names
        What each of them is known by.
    identity
        What the whole is known by, from before it is opened: what is put in its place
        later is another input.
    """

    path: Path
    files: tuple[Path, ...]
    names: tuple[str, ...]
    identity: Mapping[str, Any]

    @classmethod
    def of(cls, path: Path) -> Input:
        """Return the files of a movie, by the rule by which it is loaded."""
        files = files_of(path)
        identity = {"input": str(path.resolve())} if files else input_identity(path)
        return cls(path, files, digests_of_files(files), identity)

    def source(self, results: int) -> Source:
        """Return what finished frames are known by: the file, or that of each frame.

        Parameters
        ----------
        results
            Number of frames of the result, fewer than files if it is of focal series.
        """
        if not self.files:
            return Source(self.identity)
        if results == len(self.names):
            return Source(self.identity, self.names)
        files = digest("".join(self.names))
        return Source({**self.identity, "input files": files})

    def check(self, movie: Any) -> None:
        """Raise a ValueError if the movie that was loaded is not of these files."""
        if self.files and files_in_metadata(movie) != digest("".join(self.names)):
            raise ValueError(
                f"{self.path} changed while it was opened: the camera or a copy is "
                "still writing. Wait until it has ended."
            )


def files_of(path: Path) -> tuple[Path, ...]:
    """Return the files of the frames of an in-situ camera; none for other movies."""
    is_in_situ = path.is_dir() and path.suffix != ".zspy"
    return tuple(frame_files(path)) if is_in_situ else ()


def input_identity(path: Path) -> dict[str, Any]:
    """Return what tells an input file, or a folder, from a later version of it."""
    status = path.stat()
    identity: dict[str, Any] = {
        "input": str(path.resolve()),
        "input size": status.st_size,
        "input modified": status.st_mtime_ns,
    }
    if path.is_dir():
        # A folder does not tell what becomes of the files in it.
        inside = sorted(file for file in path.rglob("*") if file.is_file())
        states = "\n".join(
            f"{file.relative_to(path)} {file_state(file)}" for file in inside
        )
        identity["input files"] = digest(states)
    return identity


def pixels(signal: Any) -> dict[str, Any]:
    """Return what a movie takes from its first frame for all, in terms of JSON."""
    axes = signal.axes_manager.signal_axes
    return {
        "shape of a frame": list(signal.data.shape[-2:]),
        "type of its pixels": str(signal.data.dtype),
        "their sides": [[float(axis.scale), str(axis.units)] for axis in axes],
    }


def with_frames_before(source: Source) -> Source:
    """Return a source whose frames depend on all earlier frames, too."""
    if source.names is None:
        return source
    chain = accumulate(source.names, lambda before, name: digest(before + name))
    return Source(source.identity, tuple(chain))
