# SPDX-License-Identifier: GPL-3.0-or-later
"""Checksum of arrays on disk: what a power failure left of them is known again.

A file that was not flushed may be empty, short, or full of zeros, and zarr reads a
chunk that is missing as zeros without a word.
"""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def checksum(folders: Iterable[Path], *said: Any) -> str:
    """Return the CRC-32 of all files in some folders, and of what is said of them.

    Parameters
    ----------
    folders
        The folders; their own names count, those above them do not.
    said
        Values in terms of JSON.
    """
    value = zlib.crc32(json.dumps(said, sort_keys=True).encode())
    for folder in folders:
        # Files that zarr did not come to rename are none of the array.
        files = (f for f in folder.rglob("*") if f.suffix != ".partial" and f.is_file())
        for file in sorted(files):
            name = file.relative_to(folder.parent).as_posix()
            value = zlib.crc32(name.encode(), value)
            value = zlib.crc32(file.read_bytes(), value)
    return f"{value:08x}"
