# SPDX-License-Identifier: GPL-3.0-or-later
"""States of files: what tells a file from a later version of it without reading it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# So many hexadecimal digits that no two files have the same.
_DIGITS = 32


def file_state(file: Path) -> str:
    """Return the name, size and time of a file as one text."""
    status = file.stat()
    return f"{file.name} {status.st_size} {status.st_mtime_ns}"


def digest(text: str) -> str:
    """Return a short text that differs if another one does."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:_DIGITS]


def digests_of_files(files: Iterable[Path]) -> tuple[str, ...]:
    """Return what each file is known by: a digest of its state."""
    return tuple(digest(file_state(file)) for file in files)
