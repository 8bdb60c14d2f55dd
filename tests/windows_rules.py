# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of Windows for files, which Linux keeps to while the tests run.

There a file that is open, or a folder with one, cannot be replaced, renamed or deleted,
names of files are a few letters poorer, and two names that differ in capitals only are
one. A test that breaks a rule gets the error that it would get there, so that most
faults of Windows show without a Windows.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT

# Printable ASCII that no name may have, and control characters.
_FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)( *\..*)?", re.IGNORECASE)

# A lock is closed before it is deleted where that is needed, and is that of a path
# that the system itself has told.
_LOCK = re.compile(r"\..*\.lock")

_folders: list[Path] = []
_asking = threading.local()


@contextmanager
def windows_rules(folder):
    """Keep to the rules in a folder; they hold for this process alone."""
    _folders.append(Path(folder).resolve())
    try:
        yield
    finally:
        _folders.pop()


@contextmanager
def rules_of_linux():
    """Keep to no rule meanwhile."""
    before, _folders[:] = _folders[:], []
    try:
        yield
    finally:
        _folders[:] = before


def check_name(name):
    """Raise the OSError of a name that Windows does not take."""
    if _FORBIDDEN.search(name) or _RESERVED.fullmatch(name) or name[-1] in " .":
        raise OSError(errno.EINVAL, "Windows does not take the name", name)


def _watch(event, arguments):
    """Check what is about to be done, of which Python tells before."""
    check = _CHECKS.get(event)
    if check is None or not _folders or getattr(_asking, "now", False):
        return
    _asking.now = True
    try:
        check(*arguments)
    finally:
        _asking.now = False


def _check_open(path, mode, flags):
    if flags & _WRITING and not isinstance(path, int):
        _check_new(path)


def _check_new(path, *_):
    path = _ours(path)
    if path is None or os.path.lexists(path):
        return
    check_name(path.name)
    if _LOCK.fullmatch(path.name) or not path.parent.is_dir():
        return
    for other in path.parent.iterdir():
        if other.name.casefold() == path.name.casefold():
            raise FileExistsError(errno.EEXIST, "One name on Windows", other.name)


def _check_rename(source, target, source_folder, target_folder):
    _check_closed(source, source_folder)
    _check_closed(target, target_folder)
    _check_new(target)


def _check_closed(path, folder=-1):
    """Raise a PermissionError if a file, or one in a folder, is open."""
    path = _ours(path, folder)
    if path is None or _LOCK.fullmatch(path.name) or not os.path.lexists(path):
        return
    is_folder, state = path.is_dir() and not path.is_symlink(), path.lstat()
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            opened, name = descriptor.stat(), descriptor.readlink()
        except OSError:  # closed meanwhile
            continue
        is_inside = is_folder and path in name.parents
        if is_inside or os.path.samestat(state, opened):
            raise PermissionError(errno.EACCES, "It is open, on Windows", str(path))


def _ours(path, folder=-1):
    """Return an absolute path, None if it is not where the rules hold."""
    if not isinstance(path, str | bytes | os.PathLike):
        return None
    path = Path(os.fsdecode(path))
    if folder is not None and folder >= 0:
        path = Path(f"/proc/self/fd/{folder}").readlink() / path
    path = path.parent.resolve() / path.name
    return path if any(each in path.parents for each in _folders) else None


_CHECKS = {
    "open": _check_open,
    "os.mkdir": _check_new,
    "os.rename": _check_rename,
    "os.remove": _check_closed,
}

if sys.platform == "linux":
    sys.addaudithook(_watch)
