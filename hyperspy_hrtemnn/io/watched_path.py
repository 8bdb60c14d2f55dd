# SPDX-License-Identifier: GPL-3.0-or-later
"""Watched path: a folder that gets files, or a file that grows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .arriving_files import ArrivingFiles
from .growing_file import GrowingFile

if TYPE_CHECKING:
    from pathlib import Path

    from .arriving import ArrivingFrames


def arriving_frames(path: Path) -> ArrivingFrames:
    """Return the frames of a movie that a camera is still writing.

    Parameters
    ----------
    path
        A folder that gets a file for each frame, also in the folders of an in-situ
        camera; or one file that grows.

    Raises
    ------
    ValueError
        If there is neither.
    """
    if path.is_dir():
        return ArrivingFiles(path)
    if path.is_file():
        return GrowingFile(path)
    raise ValueError(
        f"{path} is neither a folder nor a file. Give the folder into which the camera "
        "writes, which may be empty, or the file that it has begun."
    )
