# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders of jobs: which job one belongs to, and what in it is ours.

A folder is ours if its ``job.json`` says so. Only what has a name that we give is ever
deleted in it.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .atomic import is_temporary, remove_folder, written_whole
from .full_disk import told_when_full
from .packs import is_pack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

JOB = "job.json"
"""Name of the file that says what the folder belongs to."""

OUTPUTS = "outputs.json"
"""Name of the list of files that a job has written."""

_MARK = {"written by": "hyperspy-hrtemnn"}

# A frame is named by its number, or by what its file is known by.
_PIECE = re.compile(r"(\d{6,}|[0-9a-f]{32})\.(npy|npz|bad)")

# Of half-written files of earlier versions.
_UNFINISHED = ".part"


class DamagedJobError(ValueError):
    """A folder that is ours, of a job that can no longer be told."""


def stored_job(folder: Path) -> dict[str, Any]:
    """Return what a folder belongs to; {} if it is empty or not there.

    Raises
    ------
    DamagedJobError
        If its ``job.json`` is damaged.
    ValueError
        If the folder is not ours.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(
            f"{folder} is not a folder, and finished frames need one of this name. "
            "Move it away, or give another output."
        )
    path = folder / JOB
    if not path.exists():
        left = _entries(folder)
        if all(_may_be_left(path) for path in left):
            return {}
        raise ValueError(
            f"{folder} is not empty and has no {JOB}: it is not ours. Give another "
            "folder or output."
        )
    try:
        stored = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        stored = None
    if isinstance(stored, dict):
        if stored.items() >= _MARK.items():
            return {key: stored[key] for key in stored if key not in _MARK}
    elif all(_is_ours(path) for path in _entries(folder)):
        raise DamagedJobError(f"{path} is damaged")
    raise ValueError(
        f"{path} was not written by this version of the program. Give another folder "
        f"or output, or delete {folder} by hand."
    )


def write_job(folder: Path, job: Mapping[str, Any]) -> None:
    """Write what a folder belongs to."""
    with told_when_full(folder):
        folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_MARK | dict(job), indent=2, ensure_ascii=False)
    with written_whole(folder / JOB) as temporary:
        temporary.write_text(text, encoding="utf-8")


def remove_ours(folder: Path) -> None:
    """Delete what is ours in a folder, and the folder if nothing else is in it."""
    if not folder.is_symlink() and all(_is_ours(path) for path in _entries(folder)):
        # At once: whoever interrupts this leaves all or nothing.
        remove_folder(folder)
        return
    # What says whose the pieces are goes last.
    for path in sorted(_entries(folder), key=lambda path: path.name == JOB):
        if path.is_dir() and not path.is_symlink():
            if _is_of_a_job(path):
                remove_ours(path)
        elif _is_ours(path):
            path.unlink()
    with suppress(OSError):
        folder.rmdir()


def difference(stored: Mapping[str, Any], job: Mapping[str, Any]) -> str:
    """Return what differs between two jobs, "" if nothing."""
    # As JSON would give it back: tuples as lists.
    wanted = json.loads(json.dumps(dict(job)))
    return "; ".join(
        f"{key} was {stored.get(key)!r}, now {wanted.get(key)!r}"
        for key in dict.fromkeys([*wanted, *stored])
        if stored.get(key) != wanted.get(key)
    )


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _is_ours(path: Path) -> bool:
    """Return whether a name in a folder of ours is one that we give."""
    if path.is_symlink():
        return False
    if path.is_dir():
        return _is_of_a_job(path) and all(_is_ours(one) for one in _entries(path))
    return (
        _PIECE.fullmatch(path.name) is not None
        or is_pack(path)
        or path.name == JOB
        or _may_be_left(path)
    )


def _is_of_a_job(folder: Path) -> bool:
    try:
        return bool(stored_job(folder))
    except DamagedJobError:
        return True
    except ValueError:
        return False


def _may_be_left(path: Path) -> bool:
    """Return whether a file may lie in a folder whose job has not begun."""
    return path.suffix == _UNFINISHED or path.name == OUTPUTS or is_temporary(path)


def pieces(folder: Path) -> Iterator[Path]:
    """Yield the files of single frames in a folder."""
    yield from (path for path in _entries(folder) if _PIECE.fullmatch(path.name))
