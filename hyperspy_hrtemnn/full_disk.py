# SPDX-License-Identifier: GPL-3.0-or-later
"""Full disk: one error that says so, what is kept, and how to go on."""

from __future__ import annotations

import errno
import re
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_REASONS = {
    errno.ENOSPC: "The disk is full",
    errno.EDQUOT: "Your quota of the disk is used up",
    errno.EFBIG: "The disk is full, or the system allows no file as large",
}

# What numpy says of a disk that is full, without an error number.
_NUMPY = re.compile(r"\d+ requested and \d+ written")


class DiskFullError(OSError):
    """A file that could not be written because there is no room for it."""


@contextmanager
def told_when_full(path: Path) -> Iterator[None]:
    """Raise a `DiskFullError` in place of whatever a full disk raises.

    Parameters
    ----------
    path
        The file that is written; what was there before is still there.
    """
    try:
        yield
    except DiskFullError:
        raise
    except OSError as error:
        number = error.errno
        if number is None and _NUMPY.search(str(error)):
            number = errno.ENOSPC
        if number not in _REASONS:
            raise
        full = DiskFullError(
            f"{_REASONS[number]}: {path} cannot be written "
            f"({error.strerror or error}{_free(path.parent)}). Whatever was finished "
            "before is kept: make room, and run the same again."
        )
        full.errno = number
        raise full from error


def _free(folder: Path) -> str:
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return ""
    return f"; {free / 1e6:,.1f} MB are free"
