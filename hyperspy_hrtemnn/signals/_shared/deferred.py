# SPDX-License-Identifier: GPL-3.0-or-later
"""Deferred blocks: frames of a movie that are read in the task that needs them.

A task of dask that only reads is free to run at any time, so where the frames are
then worked on one after the other, idle workers would read the whole movie into
memory. A deferred block is read, and with it computed whatever it is made from, by
the task that it is handed to.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dask
import dask.array as da
import numpy as np
from dask.core import get_dependencies

from hyperspy_hrtemnn.bad_frames import reading

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from .skipping import FrameRule

# Blocks of more than this are read in parts, but never less than a frame.
_BLOCK_BYTES = 64 * 2**20


@dataclass(frozen=True, eq=False)
class DeferredBlock:
    """A few whole frames, shape (frame, y, x), not read yet."""

    graph: dict[Any, Any]
    key: Any
    shape: tuple[int, ...]

    def load(self) -> NDArray[Any]:
        """Read the frames in the calling thread.

        Raises
        ------
        BadFrameError
            If they cannot be read.
        """
        with reading():
            # Without callbacks: those are for what the user computes.
            return np.asarray(dask.get(self.graph, self.key, callbacks=()))


@dataclass(frozen=True, eq=False)
class LenientBlock:
    """A block of which frames that cannot be read may be skipped.

    Parameters
    ----------
    block
        The frames.
    first
        Number of the first of them.
    rule
        Rule for frames that cannot be used.
    """

    block: DeferredBlock
    first: int
    rule: FrameRule

    def load(self) -> NDArray[Any]:
        """Read the frames in the calling thread; NaN if they are skipped."""
        shape = self.block.shape
        numbers = range(self.first, self.first + shape[0])
        frames: Any = self.rule.results(numbers, self.block.load)
        return np.full(shape, np.nan, np.float32) if frames is None else frames


def lenient_blocks(
    blocks: Iterable[DeferredBlock], rule: FrameRule
) -> list[LenientBlock]:
    """Return blocks, in order, of which frames may be skipped."""
    lenient, first = [], 0
    for block in blocks:
        lenient.append(LenientBlock(block, first, rule))
        first += block.shape[0]
    return lenient


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
    movie = data.reshape(-1, height, width)
    in_time = movie.chunks[0]
    if max(in_time) > (most := frames_in_a_block(data)):
        in_time = most
    # Readers of memory-mapped files make chunks of parts of many frames. In one step,
    # only what a block needs is cut out of them; dask's own steps between would be
    # larger than the block.
    return movie.rechunk({0: in_time, 1: -1, 2: -1}, threshold=math.inf)


def frames_in_a_block(data: da.Array) -> int:
    """Return how many frames, shape (..., y, x), a block has at most."""
    height, width = data.shape[-2:]
    return max(1, _BLOCK_BYTES // int(height * width * data.dtype.itemsize))


def deferred_blocks(movie: da.Array) -> list[DeferredBlock]:
    """Return the blocks of an array of whole frames, in order."""
    (optimized,) = dask.optimize(movie)
    graph = dict(optimized.__dask_graph__())
    keys = [(optimized.name, index, 0, 0) for index in range(movie.numblocks[0])]
    shapes = [(size, *movie.shape[1:]) for size in movie.chunks[0]]
    return [
        DeferredBlock(needed_tasks(graph, key), key, shape)
        for key, shape in zip(keys, shapes, strict=True)
    ]


def needed_tasks(graph: dict[Any, Any], key: Any) -> dict[Any, Any]:
    """Return the part of a graph that one of its tasks needs."""
    needed: dict[Any, Any] = {}
    pending = [key]
    while pending:
        current = pending.pop()
        if current not in needed:
            needed[current] = graph[current]
            pending.extend(get_dependencies(graph, current))
    return needed
