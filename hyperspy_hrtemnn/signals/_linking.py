# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracking as tasks: frames separated in parallel, linked one after the other."""

from __future__ import annotations

import copy
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import dask.array as da
import numpy as np
from dask.highlevelgraph import HighLevelGraph

from ._deferred import deferred_blocks

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis import Tracker

    from ._deferred import DeferredBlock

    Frame = NDArray[Any]
    Labels = NDArray[np.int32]


def linked_frames(
    movie: da.Array,
    separate: Callable[[Frame], Labels],
    tracker: Tracker,
    in_flight: int,
) -> da.Array:
    """Return the linked labels of a movie, when they are asked for.

    A block is not even read before the block `in_flight` places ahead of it has been
    linked, so that no more than these are in memory however long the movie is.

    Parameters
    ----------
    movie
        Blocks of whole frames, shape (frame, y, x).
    separate
        From one frame to its labels.
    tracker
        The tracker before the first frame; it is not changed.
    in_flight
        Number of blocks that may be in work.

    Returns
    -------
    int32 labels with the blocks of `movie`.
    """
    name = f"linked-{uuid4().hex}"
    unread, found, step, state = (
        f"{name}-{part}" for part in ("unread", "found", "step", "state")
    )
    graph: dict[Any, Any] = {(state, -1): copy.copy(tracker)}
    for index, block in enumerate(deferred_blocks(movie)):
        # A task without inputs for each block: without, dask would plan to link the
        # whole movie first, and only then to save or measure the labels.
        graph[unread, index] = (partial(_itself, block),)
        gate = (state, max(index - in_flight, -1))
        graph[found, index] = (
            partial(_separate_block, separate),
            (unread, index),
            gate,
        )
        graph[step, index] = (_link_block, (state, index - 1), (found, index))
        graph[state, index] = (itemgetter(0), (step, index))
        graph[name, index, 0, 0] = (itemgetter(1), (step, index))
    layer = HighLevelGraph.from_collections(name, graph, dependencies=())
    return da.Array(layer, name, chunks=movie.chunks, dtype=np.int32)


def _separate_block(
    separate: Callable[[Frame], Labels],
    block: DeferredBlock,
    gate: Tracker,  # noqa: ARG001 - waiting for it is all that is wanted
) -> Labels:
    return np.stack([separate(frame) for frame in block.load()])


def _link_block(tracker: Tracker, labels: Labels) -> tuple[Tracker, Labels]:
    after = copy.copy(tracker)  # a task may run twice
    return after, np.stack([after.link(frame) for frame in labels])


def _itself(block: DeferredBlock) -> DeferredBlock:
    return block
