# SPDX-License-Identifier: GPL-3.0-or-later
"""Linking as tasks: frames are split in parallel and linked one after the other."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import dask.array as da
import numpy as np
from dask.highlevelgraph import HighLevelGraph

from hyperspy_hrtemnn.signals._shared.deferred import deferred_blocks, lenient_blocks
from hyperspy_hrtemnn.signals._shared.skipping import FrameRule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis import ParticleTracker
    from hyperspy_hrtemnn.signals._shared.deferred import LenientBlock

    Frame = NDArray[Any]
    Labels = NDArray[np.int32]


def linked_frames(
    movie: da.Array,
    separate: Callable[[Frame], tuple[Labels, int]],
    tracker: ParticleTracker,
    *,
    in_flight: int,
    when_done: Callable[[int], None],
    rule: FrameRule | None = None,
) -> da.Array:
    """Return the linked labels of a movie, when they are asked for.

    A block is not even read before the block `in_flight` places ahead of it has been
    linked, so that no more than these are in memory however long the movie is. Linked
    labels wait in packed form for whoever saves them.

    Parameters
    ----------
    movie
        Blocks of whole frames, shape (frame, y, x).
    separate
        Function from a frame to its labels and the number of dropped regions.
    tracker
        The tracker before the first frame; it is not changed.
    in_flight
        Number of blocks that may be in work.
    when_done
        Called with the number of dropped regions of all frames when these are linked.
    rule
        What is done about frames that cannot be used, by default they are skipped;
        those are -1.

    Returns
    -------
    int32 labels with the blocks of `movie`.
    """
    name = f"linked-{uuid4().hex}"
    found, step, packed, state = (
        f"{name}-{part}" for part in ("found", "step", "packed", "state")
    )
    rule = FrameRule("skip").over(movie.shape[:1]) if rule is None else rule
    graph: dict[Any, Any] = {(state, -1): _State(copy.copy(tracker))}
    last = movie.numblocks[0] - 1
    for index, block in enumerate(lenient_blocks(deferred_blocks(movie), rule)):
        gate = (state, max(index - in_flight, -1))
        graph[found, index] = (partial(_separate_block, block, separate), gate)
        link = partial(_link_block, when_done=when_done if index == last else None)
        graph[step, index] = (link, (state, index - 1), (found, index))
        graph[packed, index] = (itemgetter(1), (step, index))
        # Linking goes on when the labels are apart from the tracker: otherwise they
        # would keep it, and its pixels, for as long as they wait.
        graph[state, index] = (_state_of, (step, index), (packed, index))
        graph[name, index, 0, 0] = (_unpack_block, (packed, index))
    layer = HighLevelGraph.from_collections(name, graph, dependencies=())
    return da.Array(layer, name, chunks=movie.chunks, dtype=np.int32)


@dataclass(frozen=True)
class Runs:
    """Labels as runs of equal pixels, a few percent of their size.

    Dask may link a whole movie before it saves the first frame. What waits is packed,
    and unpacked by the task that saves or measures it.
    """

    shape: tuple[int, ...]
    start: NDArray[np.uint32]
    value: NDArray[np.int32]

    @classmethod
    def of(cls, labels: Labels) -> Runs:
        """Pack labels."""
        flat = labels.ravel()
        change = np.flatnonzero(flat[1:] != flat[:-1]) + 1
        start = np.concatenate([np.zeros(min(flat.size, 1), np.int64), change])
        return cls(labels.shape, start.astype(np.uint32), flat[start])

    def labels(self) -> Labels:
        """Unpack them."""
        ends = np.append(self.start[1:], math.prod(self.shape))
        return np.repeat(self.value, ends - self.start).reshape(self.shape)


@dataclass(frozen=True)
class _State:
    """What is known after a block: the tracker, and the regions dropped so far."""

    tracker: ParticleTracker
    dropped: int = 0


def separated(
    block: LenientBlock,
    separate: Callable[[Frame], tuple[Labels, int]],
    start: int = 0,
) -> Iterator[tuple[Labels, int]]:
    """Yield labels, -1 where nothing is known, and dropped regions of a block's frames.

    Parameters
    ----------
    block
        The frames.
    separate
        Function from a frame to its labels and the number of dropped regions.
    start
        Number of its first frames that are linked already and left out.
    """
    for number, frame in enumerate(block.load()[start:], block.first + start):
        index = block.rule.index(number)
        found = block.rule.result(index, partial(separate, frame))
        yield (np.full(frame.shape, -1, np.int32), 0) if found is None else found


def _separate_block(
    block: LenientBlock,
    separate: Callable[[Frame], tuple[Labels, int]],
    gate: _State,  # noqa: ARG001 - waiting for it is all that is wanted
) -> tuple[Labels, int]:
    labels, dropped = zip(*separated(block, separate), strict=True)
    return np.stack(labels), sum(dropped)


def _link_block(
    before: _State,
    found: tuple[Labels, int],
    *,
    when_done: Callable[[int], None] | None,
) -> tuple[_State, list[Runs]]:
    labels, dropped = found
    # A task may run twice, so that the tracker before is not changed.
    after = _State(copy.copy(before.tracker), before.dropped + dropped)
    packed = [Runs.of(after.tracker.link(frame)) for frame in labels]
    if when_done is not None:
        when_done(after.dropped)
    return after, packed


def _state_of(
    step: tuple[_State, list[Runs]],
    packed: list[Runs],  # noqa: ARG001 - waiting for it is all that is wanted
) -> _State:
    return step[0]


def _unpack_block(packed: list[Runs]) -> Labels:
    return np.stack([runs.labels() for runs in packed])
