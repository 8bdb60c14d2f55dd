# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks: one process at a time writes an output.

The system releases a lock when the process ends, in whatever way. The file of the lock
says which process holds it, for whom it refuses.
"""

from __future__ import annotations

import errno
import os
import platform
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from .user_warnings import warn_user

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_OURS = "hyperspy-hrtemnn: "

# Who cannot make the file of a lock, or whose drive knows no locks, goes on without.
_NO_LOCKS = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENOSPC,
        errno.EDQUOT,
        errno.ENOLCK,
        errno.ENOSYS,
        errno.ENOTSUP,
        errno.EINVAL,
    }
)

_held: set[tuple[Path, int]] = set()


@contextmanager
def locked(output: Path) -> Iterator[None]:
    """Hold the lock of an output; a thread may hold the same one several times.

    Parameters
    ----------
    output
        The file or folder that is written. The lock is a hidden file beside it, which
        is deleted at the end.

    Raises
    ------
    ValueError
        If another process, or another thread of this one, holds it.
    """
    output = output.resolve()
    key = output, threading.get_ident()
    if key in _held:
        yield
        return
    path = output.with_name(f".{output.name}.lock")
    descriptor = _acquired(path, output)
    _held.add(key)
    try:
        yield
    finally:
        _held.discard(key)
        if descriptor is not None:
            _release(path, descriptor)


def _acquired(path: Path, output: Path) -> int | None:
    """Return the descriptor of a locked file; None where there are no locks."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            descriptor = _opened(path)
            try:
                _lock(descriptor)
                if _is_at(path, descriptor):
                    _sign(path, descriptor)
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            # Whoever held it has just deleted it.
            os.close(descriptor)
    except BlockingIOError as error:
        raise ValueError(
            f"{output} is being written by {_holder(path)}. Wait until that has ended, "
            "or write to another place."
        ) from error
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            if error.errno == errno.ENOENT:
                # It is the folder that takes no file, the user's as little as ours.
                error.filename = str(output)
            raise
        warn_user(
            f"{path} cannot be locked ({error.strerror}): see to it that no other "
            f"process writes to {output.name} meanwhile."
        )
        return None


def _opened(path: Path) -> int:
    # A link at this name is not followed.
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o666)
    except PermissionError:
        # It may be another user's, whose lock holds for us, too.
        return os.open(path, os.O_RDONLY | flags)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _sign(path: Path, descriptor: int) -> None:
    """Write into the file who holds the lock."""
    # A power failure may leave zeros in place of what was written.
    found = os.read(descriptor, len(_OURS)).rstrip(b"\0")
    if found and found != _OURS.encode()[: len(found)]:
        raise ValueError(f"{path} is not a lock of this program; move it away.")
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    text = f"process {os.getpid()} on {platform.node()}, since {since}"
    # On a full disk the lock holds all the same.
    with suppress(OSError):
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{_OURS}{text}".encode())


def _holder(path: Path) -> str:
    with suppress(OSError, ValueError):
        text = path.read_text(encoding="utf-8")
        if text.startswith(_OURS):
            return text[len(_OURS) :]
    return "another process"


def _release(path: Path, descriptor: int) -> None:
    with suppress(OSError):
        if sys.platform == "win32":
            # What is open cannot be deleted there.
            os.close(descriptor)
            path.unlink()
        else:
            try:
                path.unlink()
            finally:
                # Child processes may have a copy of the descriptor.
                fcntl.flock(descriptor, fcntl.LOCK_UN)
                os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        # A locked byte cannot be read there, so that it is one far behind the text.
        os.lseek(descriptor, 2**30, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(error.errno, error.strerror) from error
        os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
