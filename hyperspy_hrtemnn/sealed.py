# SPDX-License-Identifier: GPL-3.0-or-later
"""Sealed files: files that end with their length and checksum, so that damage shows.

After a power failure a file may be empty, cut off, or full of zeros, and any disk may
return other bits than it was given. The seal is behind the content, where the readers
of .npy and .npz files do not look.
"""

from __future__ import annotations

import os
import struct
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

# What it is, the number of bytes before it, and their CRC-32.
_SEAL = struct.Struct("<8sQI")
_MAGIC = b"hrtemnn\x01"

_BLOCK_BYTES = 2**20


class DamagedError(ValueError):
    """A file whose content is not what was written."""


class _Sealing:
    """A file that is written to, and what its seal will say."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._length = self._sum = 0

    def write(self, data: bytes) -> int:
        """Write bytes.

        Not being a file of the system, this is all that numpy uses, and a short write
        raises the error of the system.
        """
        self._file.write(data)
        self._length += len(data)
        self._sum = zlib.crc32(data, self._sum)
        return len(data)

    def seal(self) -> None:
        """Write the seal."""
        self._file.write(_SEAL.pack(_MAGIC, self._length, self._sum))


@contextmanager
def sealed(path: Path) -> Iterator[_Sealing]:
    """Give something to write to; it becomes a new file, and is sealed at the end."""
    with path.open("xb") as file:
        sealing = _Sealing(file)
        yield sealing
        sealing.seal()


def read_sealed(path: Path) -> bytes:
    """Return the content of a sealed file.

    Raises
    ------
    DamagedError
        If it is not what was written.
    """
    whole = path.read_bytes()
    content, seal = whole[: -_SEAL.size], whole[-_SEAL.size :]
    if seal != _SEAL.pack(_MAGIC, len(content), zlib.crc32(content)):
        raise DamagedError(f"{path} is damaged. Run the same again: it is made anew.")
    return content


def is_whole(path: Path) -> bool:
    """Return whether the content of a sealed file is what was written."""
    with path.open("rb") as file:
        length = os.fstat(file.fileno()).st_size - _SEAL.size
        if length < 0:
            return False
        found = _checksum(file, length)
        return file.read() == _SEAL.pack(_MAGIC, length, found)


def fingerprint(path: Path) -> str:
    """Return length and checksum of any file as a text."""
    with path.open("rb") as file:
        length = os.fstat(file.fileno()).st_size
        return f"{length}-{_checksum(file, length):08x}"


def longer_fingerprint(before: str, more: bytes) -> str:
    """Return the fingerprint of a file after something is written at its end.

    Parameters
    ----------
    before
        Its fingerprint now.
    more
        What is written.
    """
    length, _, checksum = before.partition("-")
    found = zlib.crc32(more, int(checksum, 16))
    return f"{int(length) + len(more)}-{found:08x}"


def _checksum(file: BinaryIO, length: int) -> int:
    """Return the CRC-32 of the next bytes of a file."""
    found = 0
    while length > 0 and (block := file.read(min(length, _BLOCK_BYTES))):
        found = zlib.crc32(block, found)
        length -= len(block)
    return found
