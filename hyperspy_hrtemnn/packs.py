# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs: small finished frames, a thousand in one file.

A folder of ten thousand files is slow to list, to copy and to delete. A frame is first
a sealed file of its own, because that is quickly written whole. When there are a
thousand small ones, they are gathered in a ZIP file, whose checksums show damage of
each frame alone.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .atomic import written_whole
from .sealed import DamagedError, is_whole, read_sealed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MEMBERS = 1000
"""Number of frames in a pack."""

LARGEST = 2**22
"""Size of a frame from which on it is not gathered: to copy it takes too long."""

_NAME = re.compile(r"pack-(\d{4,})\.zip")

# Of a local file header of ZIP: the length of the name and of what follows it, which
# are behind 26 bytes, are before the content.
_HEADER_BYTES = 30


@dataclass(frozen=True)
class Single:
    """A frame in a sealed file of its own."""

    path: Path

    def read(self) -> bytes:
        """Return its content; see `hyperspy_hrtemnn.sealed.read_sealed`."""
        return read_sealed(self.path)

    def is_whole(self) -> bool:
        """Return whether its content is what was written."""
        return is_whole(self.path)


@dataclass(frozen=True)
class Packed:
    """A frame in a pack.

    Parameters
    ----------
    pack
        The file.
    name
        Name that the frame had as a file of its own.
    header
        Where it begins in the file [bytes].
    length, checksum
        Number of bytes of its content, and their CRC-32.
    """

    pack: Path
    name: str
    header: int
    length: int
    checksum: int

    def read(self) -> bytes:
        """Return its content.

        Raises
        ------
        DamagedError
            If it is not what was written.
        """
        with self.pack.open("rb") as file:
            file.seek(self.header)
            header = file.read(_HEADER_BYTES)
            lengths = (int.from_bytes(header[i : i + 2], "little") for i in (26, 28))
            file.seek(self.header + _HEADER_BYTES + sum(lengths))
            content = file.read(self.length)
        if len(content) != self.length or zlib.crc32(content) != self.checksum:
            raise DamagedError(
                f"{self.name} in {self.pack} is damaged. Run the same again: it is "
                "made anew."
            )
        return content

    def is_whole(self) -> bool:
        """Return whether its content is what was written."""
        try:
            self.read()
        except DamagedError:
            return False
        return True


def is_pack(path: Path) -> bool:
    """Return whether a file is named as a pack."""
    return _NAME.fullmatch(path.name) is not None


def packs(folder: Path) -> list[Path]:
    """Return the packs of a folder, the first written first."""
    found = {
        int(match[1]): path
        for path in folder.glob("pack-*.zip")
        if (match := _NAME.fullmatch(path.name))
    }
    return [found[number] for number in sorted(found)]


def members(pack: Path) -> list[Packed]:
    """Return the frames of a pack.

    Raises
    ------
    DamagedError
        If its list of frames is damaged.
    """
    try:
        with zipfile.ZipFile(pack) as archive:
            return [
                Packed(pack, one.filename, one.header_offset, one.file_size, one.CRC)
                for one in archive.infolist()
            ]
    except zipfile.BadZipFile as error:
        raise DamagedError(f"{pack} is damaged: {error}") from None


def gather(folder: Path, singles: Iterable[Path]) -> list[Packed]:
    """Move frames into a new pack; whoever interrupts this leaves each at least once.

    Parameters
    ----------
    folder
        The folder that gets the pack.
    singles
        Sealed files in it, which are deleted.

    Returns
    -------
    Where the frames are now.

    Raises
    ------
    DamagedError
        If one of them is damaged.
    """
    there = packs(folder)
    number = int(there[-1].stem.removeprefix("pack-")) + 1 if there else 0
    path = folder / f"pack-{number:04d}.zip"
    singles = list(singles)
    with (
        written_whole(path) as temporary,
        # Frames are compressed already.
        zipfile.ZipFile(temporary, "x", zipfile.ZIP_STORED) as archive,
    ):
        for single in singles:
            archive.writestr(single.name, read_sealed(single))
    for single in singles:
        single.unlink()
    return members(path)
