# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of networks: files that were sent to a process that cannot read the original.

A worker of a cluster may have other disks than the process that it works for.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from hyperspy_hrtemnn.atomic import written_whole

from ._errors import NetworkError
from ._file import read_file
from ._shipped import available, shipped_path

_copies: dict[str, Path] = {}


def keep_copy(content: bytes, sha256: str, place: str, folder: Path) -> None:
    """Write a copy of a network, unless its file can be read here and is the same.

    Parameters
    ----------
    content
        Bytes of the file.
    sha256
        Their hash.
    place
        Name of a shipped network, or path where the file may be.
    folder
        Folder for the copy.
    """
    try:
        if hashlib.sha256(read_file(_original(place))).hexdigest() == sha256:
            return
    except NetworkError:
        pass
    copy = folder / f"{sha256}.onnx"
    with written_whole(copy) as temporary:
        temporary.write_bytes(content)
    _copies[sha256] = copy


def place_of(sha256: str, place: str) -> Path:
    """Return where a network can be read in this process: its copy, if there is one.

    Parameters
    ----------
    sha256
        Hash of the file.
    place
        Name of a shipped network, or path of the file.
    """
    return _copies.get(sha256) or _original(place)


def _original(place: str) -> Path:
    return shipped_path(place) if place in available() else Path(place)
