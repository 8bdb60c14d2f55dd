# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks of a movie that are read inside the task that needs them.

A task of dask that only reads is free to run at any time, so where the frames are
then worked on one after the other, idle workers would read the whole movie into
memory. A deferred block is read, and with it computed whatever it is made from, by
the task that it is handed to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dask
import dask.array as da
import numpy as np
from dask.core import get_dependencies

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

# Blocks of more than this are read in parts, but never less than a frame.
_BLOCK_BYTES = 64 * 2**20


@dataclass(frozen=True, eq=False)
class DeferredBlock:
    """A few whole frames, shape (frame, y, x), not read yet."""

    graph: dict[Any, Any]
    key: Any

    def load(self) -> NDArray[Any]:
        """Read the frames in the calling thread."""
        return np.asarray(dask.get(self.graph, self.key))


def whole_frames(signal: Signal2D) -> da.Array:
    """Return the data in blocks of whole frames, shape (frame, y, x).

    All navigation axes become one. Lazy data keeps the blocks it was read in, where
    they are not too large.
    """
    data = signal.data
    height, width = data.shape[-2:]
    if not signal._lazy:
        return da.from_array(
            data.reshape(-1, height, width), chunks=(1, height, width), name=False
        )
    movie = data.reshape(-1, height, width).rechunk({1: -1, 2: -1})
    most = max(1, _BLOCK_BYTES // (height * width * data.dtype.itemsize))
    if max(movie.chunks[0]) > most:
        movie = movie.rechunk({0: most})
    return movie


def deferred_blocks(movie: da.Array) -> list[DeferredBlock]:
    """Return the blocks of an array of whole frames, in order."""
    (optimized,) = dask.optimize(movie)
    graph = dict(optimized.__dask_graph__())
    keys = [(optimized.name, index, 0, 0) for index in range(movie.numblocks[0])]
    return [DeferredBlock(_needed(graph, key), key) for key in keys]


def _needed(graph: dict[Any, Any], key: Any) -> dict[Any, Any]:
    needed: dict[Any, Any] = {}
    pending = [key]
    while pending:
        current = pending.pop()
        if current not in needed:
            needed[current] = graph[current]
            pending.extend(get_dependencies(graph, current))
    return needed
