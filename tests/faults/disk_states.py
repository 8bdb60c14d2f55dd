# SPDX-License-Identifier: GPL-3.0-or-later
"""States of a disk while a job works: what a kill before each operation would leave."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from contextlib import contextmanager

from hyperspy_hrtemnn.atomic import is_temporary

_CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate"}
_WRITING = os.O_WRONLY | os.O_RDWR
_watching: list[tuple[str, object]] = []
_lock = threading.RLock()


def _watch(event, arguments):
    if not _watching or not arguments:
        return
    folder, before = _watching[-1]
    writing = event == "open" and (arguments[2] or 0) & _WRITING
    if (writing or event in _CHANGES) and str(arguments[0]).startswith(folder):
        before(event)


# Python tells of each operation before it is done, whoever does it.
sys.addaudithook(_watch)


@contextmanager
def watched(folder, before):
    """Call a function before each change of a folder, and before each flush.

    It is given what is about to be done, as Python's audit events name it.
    """
    fsync = os.fsync

    def once(event):
        # What it does itself to a folder is not watched.
        with _lock:
            taken, _watching[:] = _watching[:], []
            try:
                before(event)
            finally:
                _watching[:] = taken

    def watched_fsync(descriptor):
        once("fsync")
        fsync(descriptor)

    _watching.append((str(folder), once))
    os.fsync = watched_fsync
    try:
        yield
    finally:
        _watching.clear()
        os.fsync = fsync


class States:
    """Copies of a folder before each operation, without those that are alike."""

    def __init__(self, folder, copies):
        self.operations = 0
        self.copies = {}
        self._folder, self._to = folder, copies

    def add(self, event):  # noqa: ARG002
        """Copy the folder as it is; of those that are alike the last one stays."""
        self.operations += 1
        copy = self.copies.setdefault(self._seen(), self._to / f"{len(self.copies)}")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self._folder, copy, symlinks=True)

    def _seen(self):
        paths = sorted(path for path in self._folder.rglob("*") if not _is_left(path))
        return tuple(
            (str(path), b"" if path.is_dir() else path.read_bytes()) for path in paths
        )


def _is_left(path):
    """Return whether something is on its way, or was when the job was killed."""
    return any(is_temporary(one) for one in (path, *path.parents))
