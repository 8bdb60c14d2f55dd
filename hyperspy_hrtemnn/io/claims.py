# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims of headers: the size of an image, against its file and the memory."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .refusal import RefusedFileError

if TYPE_CHECKING:
    from pathlib import Path

# In these the pixels are as they are in memory, so that a file of less is cut off.
UNCOMPRESSED = {".dm3", ".dm4", ".mrc", ".npy", ".blo"}

# Size of a pixel of MRC [bytes] by its mode.
_MRC_BYTES = {0: 1, 1: 2, 2: 4, 4: 8, 6: 2, 12: 2}


def check_header(path: Path) -> None:
    """Raise a `RefusedFileError` if a file has less than its header says.

    Before its reader sees it, which divides what is said into pieces, for hours if it
    is a petabyte.

    Parameters
    ----------
    path
        Any file; NumPy's and MRC are looked into.
    """
    suffix = path.suffix.lower()
    if suffix == ".npy":
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0
            if version != (1, 0):
                read = np.lib.format.read_array_header_2_0
            shape, _, dtype = read(file)
        _check_size(path, shape, dtype.itemsize)
    elif suffix == ".mrc":
        width, height, frames, mode = np.fromfile(path, "<i4", 4).tolist()
        _check_size(path, (frames, height, width), _MRC_BYTES.get(mode, 0))


def check_claim(path: Path, signal: dict[str, Any]) -> None:
    """Raise a `RefusedFileError` if an image is more than its file or the memory.

    Parameters
    ----------
    path
        The file.
    signal
        Dictionary that a reader has made of it; its data may be lazy.
    """
    data = signal["data"]
    shape = tuple(map(int, data.shape))
    # Complex ones of Gatan are stored as half of them.
    if path.suffix.lower() in UNCOMPRESSED and data.dtype.kind != "c":
        _check_size(path, shape, data.dtype.itemsize)
    frame = math.prod(shape[-2:]) * data.dtype.itemsize
    memory = _memory()
    if frame > memory:
        raise RefusedFileError(
            f"{path} says that an image has {shape[-2:]} pixels, {frame / 2**30:.3g} "
            f"GiB, and this computer has {memory / 2**30:.3g} GiB of memory. If that "
            "is right, cut or rebin it elsewhere; otherwise the file is damaged."
        )
    # HyperSpy makes an array of each axis.
    for axis in signal.get("axes", ()):
        if isinstance(axis, dict):
            _check_axis(path, axis, max(shape, default=0))


def _check_size(path: Path, shape: tuple[int, ...], pixel: int) -> None:
    size, claim = path.stat().st_size, math.prod(shape) * pixel
    if not 0 <= claim <= size or min(shape, default=0) < 0:
        raise RefusedFileError(
            f"{path} is cut off or damaged: its header says {shape} pixels, {claim} "
            f"bytes, and it has {size}. Copy it again from where it was recorded."
        )


def _check_axis(path: Path, axis: dict[str, Any], longest: int) -> None:
    of_formula = axis.get("x")
    for each in (axis, of_formula if isinstance(of_formula, dict) else {}):
        size: Any = each.get("size", 1)
        if not 0 <= float(size) <= max(longest, 1):
            raise RefusedFileError(
                f"{path} is damaged: it says that the axis {axis.get('name')} has "
                f"{size} pixels, and the longest one has {longest}."
            )


def _memory() -> float:
    """Return the memory of this computer [bytes], infinite where it is not known."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has none of these.
        return math.inf
