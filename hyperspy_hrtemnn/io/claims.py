# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims of headers: the size of an image, against its file and the memory."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

from .refusal import RefusedFileError

if TYPE_CHECKING:
    from pathlib import Path

# In these the pixels are as they are in memory, so that a file of less is cut off.
UNCOMPRESSED = {".dm3", ".dm4", ".mrc", ".npy", ".blo"}


def check_claim(path: Path, signal: dict[str, Any]) -> None:
    """Raise a `RefusedFileError` if a file has less than its header says.

    Parameters
    ----------
    path
        The file.
    signal
        Dictionary that a reader has made of it; its data may be lazy.
    """
    data = signal["data"]
    shape = tuple(map(int, data.shape))
    claim = math.prod(shape) * data.dtype.itemsize
    # Complex ones of Gatan are stored as half of them.
    if path.suffix.lower() in UNCOMPRESSED and data.dtype.kind != "c":
        size = path.stat().st_size
        if size < claim:
            raise RefusedFileError(
                f"{path} is cut off or damaged: its header says {shape} pixels, "
                f"{claim} bytes, and it has {size}. Copy it again from where it was "
                "recorded."
            )
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
