# SPDX-License-Identifier: GPL-3.0-or-later
"""Chunks of a lazy movie that would be read again and again."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hyperspy_hrtemnn.user_warnings import warn_user

from .deferred import frames_in_a_block

if TYPE_CHECKING:
    import dask.array as da
    from hyperspy.signals import Signal2D

# How often a frame is read, on average, before it is worth a warning.
_OFTEN = 4


def warn_if_read_often(signal: Signal2D) -> None:
    """Warn of chunks that hold many times the frames that are needed at a time.

    Parameters
    ----------
    signal
        The movie.
    """
    if not signal._lazy or _is_mapped(signal.data):
        return
    held = math.prod(max(sizes) for sizes in signal.data.chunks[:-2])
    needed = frames_in_a_block(signal.data)
    if held <= _OFTEN * needed:
        return
    shape = (1,) * (signal.data.ndim - 2)
    warn_user(
        f"The chunks of this lazy movie hold {held} frames, or parts of them, and "
        f"{needed} are worked on at a time, so that each may be read up to "
        f"{math.ceil(held / needed)} times. Load it in whole frames, "
        f"hs.load(..., lazy=True, chunks={(*shape, -1, -1)}); from a format that does "
        "not take chunks, save it in whole frames first, "
        f'movie.save("movie.hspy", chunks={(*shape, *signal.data.shape[-2:])}).'
    )


def _is_mapped(data: da.Array) -> bool:
    """Return whether chunks are only views of a file, of which parts cost nothing.

    Such are those of RosettaSciIO, by the name of its function, and slices of them.
    """
    names = {name.rpartition("-")[0] for name in data.dask.layers}
    return "slice_memmap" in names and names <= {"array", "slice_memmap", "getitem"}
