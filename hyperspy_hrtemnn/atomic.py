# SPDX-License-Identifier: GPL-3.0-or-later
"""Atomic writing: files that are there as a whole or not at all, whatever happens.

A file is written beside its place, under a name that nobody else uses, flushed to the
disk, and only then given its name. What a killed process leaves under such a name is
never read, and is deleted by the next process that writes into the folder.
"""

from __future__ import annotations

import errno
import os
import platform
import re
import secrets
import shutil
import time
import zlib
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from .full_disk import told_when_full

if TYPE_CHECKING:
    from collections.abc import Iterator

_WINDOWS = os.name == "nt"

_HOST = f"{zlib.crc32(platform.node().encode()) & 0xFFFF:04x}"

# Machine, process, and a number that nobody can guess. Short, because the path of a
# file may be nearly as long as the system allows.
_TEMPORARY = re.compile(r"\.part-([0-9a-f]{4})-(\d{1,10})-[0-9a-f]{8}(\.[^.]*)?")

# On Windows a virus scanner or an indexer opens new files for some tenths of a second,
# and a file that is open cannot be replaced [s].
_WAITS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)

# Longest path of Windows' older functions, with the zero at its end.
_MAX_PATH = 260

# How long a file that another process left is not touched on Windows [s].
_A_DAY = 86400


@contextmanager
def written_whole(path: Path, *, lasting: bool = True) -> Iterator[Path]:
    """Give a path to write to; what is there takes the place of `path` at the end.

    If the writing fails or is killed, or the power fails, `path` stays what it was.
    Several processes may write the same file: it is always the whole file of one.

    Parameters
    ----------
    path
        The file to write. The path to write to is in the same folder, has the same
        suffix and does not exist, so that no writer asks whether to overwrite it.
    lasting
        Whether `path` is sure to survive a power failure when this returns. Files that
        can be made again need not be; they are as whole, and written faster.

    Raises
    ------
    OSError
        If `path` is a device, a pipe or a folder.
    PermissionError
        If `path` cannot be replaced, on Windows because a program has it open.
    DiskFullError
        If there is no room for it.
    """
    check_replaceable(path)
    if _WINDOWS and path.exists():
        # What is open there cannot be renamed: say so now, not after hours of work.
        _rename(path, path, path)
    _remove_leftovers(path.parent.absolute())
    temporary = _unused_path(path)
    with told_when_full(path):
        try:
            yield temporary
            _sync_file(temporary)
            _rename(temporary, path, path)
        except BaseException:
            _remove(temporary)
            raise
        if lasting:
            _sync_folder(path.parent)


def check_replaceable(path: Path) -> None:
    """Raise an OSError if a path is a device, a pipe or a folder.

    A file that takes the place of /dev/null breaks the computer for all its users.
    """
    if path.exists() and not path.is_file():
        raise OSError(f"{path} is not a file, and is not replaced; give another name.")


def remove_folder(folder: Path) -> None:
    """Delete a folder and all in it; whoever interrupts this leaves all or nothing.

    Raises
    ------
    OSError
        If it is a link, or a file in it cannot be deleted.
    """
    if folder.is_symlink():
        raise OSError(f"{folder} is a link to another folder; delete it by hand.")
    temporary = _unused_path(folder)
    _rename(folder, temporary, folder)
    shutil.rmtree(temporary)


def is_temporary(path: Path) -> bool:
    """Return whether a file is one that is, or was, about to be written."""
    return _TEMPORARY.fullmatch(path.name) is not None


def extended_path(path: str) -> str:
    r"""Return an absolute path of Windows in the form that may be longer than 260.

    Examples
    --------
    >>> print(extended_path(r"C:\movie.hspy"))
    \\?\C:\movie.hspy
    >>> print(extended_path(r"\\server\films\movie.hspy"))
    \\?\UNC\server\films\movie.hspy
    """
    if path.startswith("\\\\?\\"):
        return path
    if path.startswith("\\\\"):
        return "\\\\?\\UNC" + path[1:]
    return "\\\\?\\" + path


def _unused_path(path: Path) -> Path:
    """Return a path in the same folder that nobody uses, with the same suffix.

    A name is refused if it is that of a link which leads nowhere, too.
    """
    while True:
        name = f".part-{_HOST}-{os.getpid()}-{secrets.token_hex(4)}{path.suffix}"
        unused = _usable(path.with_name(name))
        if not os.path.lexists(unused):
            return unused


def _usable(path: Path) -> Path:
    """Return a path that may be long in a form that the system takes."""
    if not _WINDOWS:
        return path
    absolute = str(path.parent.resolve() / path.name)
    return Path(extended_path(absolute)) if len(absolute) >= _MAX_PATH else path


def _rename(source: Path, target: Path, named: Path) -> None:
    """Rename a file or folder; wait if Windows does not allow it yet.

    The error names the one of the two that the user knows.
    """
    for wait in (*_WAITS, None):
        try:
            source.replace(_usable(target))
        except PermissionError as error:  # noqa: PERF203 - what this loop is for
            if wait is None:
                raise PermissionError(
                    f"{named} cannot be replaced or deleted: {error.strerror}. If a "
                    "program has it open, close it there, and try again; a lazy "
                    "signal that was loaded from it keeps it open until its "
                    "`close_file`."
                ) from error
            time.sleep(wait)
        else:
            return


def _sync_file(path: Path) -> None:
    # Windows flushes only what is open for writing.
    with path.open("r+b") as file:
        _sync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk; Windows does so by itself."""
    if _WINDOWS:
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:
        # It may be written to, but not listed.
        return
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network drives cannot be asked to.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise


@cache
def _remove_leftovers(folder: Path) -> None:
    """Delete what killed processes left in a folder, once in each process."""
    with suppress(OSError):
        for path in folder.iterdir():
            found = _TEMPORARY.fullmatch(path.name)
            if found and found[1] == _HOST and _is_abandoned(path, int(found[2])):
                _remove(path)


def _is_abandoned(path: Path, process: int) -> bool:
    """Return whether the process that began a file has ended."""
    if _WINDOWS:
        # To ask for a process there is to end it.
        return time.time() - path.lstat().st_mtime > _A_DAY
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        # It is another user's.
        return False
    return False


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):
        path.unlink()
