# SPDX-License-Identifier: GPL-3.0-or-later
"""Changed frames: labels of a movie with some frames changed, in memory or lazily."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import dask.array as da
import numpy as np
from dask.highlevelgraph import HighLevelGraph

from hyperspy_hrtemnn.signals._shared.skipping import FrameRule

from .label_changes import changes_between
from .unchanged import ChangedFrames

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Labels = NDArray[Any]
    Change = Callable[..., Labels]
    """From the labels of a frame, shape (y, x), to others; they are not changed."""

    Changes = NDArray[np.int64]


def changed_in_memory(
    data: NDArray[Any], change_of: Callable[[int], Change | None]
) -> tuple[NDArray[np.int32], Changes]:
    """Return labels with some frames changed, one after the other.

    Parameters
    ----------
    data
        Labels, shape (..., y, x); they stay as they are.
    change_of
        The change of each frame by its number, None where there is none.

    Returns
    -------
    The new labels; and what has changed, shape (run, 5): the number of the frame, and
    what `changes_between` says.
    """
    new = np.array(data, np.int32, order="C")
    rule = FrameRule("raise").over(data.shape[:-2])
    found = [np.zeros((0, 5), np.int64)]
    for number, index in enumerate(np.ndindex(data.shape[:-2])):
        change = change_of(number)
        if change is None:
            continue
        frame = new[index]
        after: Any = rule.result(index, partial(change, frame))
        changes = changes_between(frame, after)
        found.append(np.insert(changes, 0, number, axis=1))
        new[index] = after
    return new, np.concatenate(found)


def changed_lazily(
    data: da.Array,
    change_of: Callable[[int], Change | None],
    *,
    text: str = "",
    beside: tuple[Mapping[int, Any], da.Array] | None = None,
) -> da.Array:
    """Return labels with some frames changed, when they are asked for.

    Parameters
    ----------
    data
        Labels, shape (..., y, x), with one whole frame in each block.
    change_of
        As in `changed_in_memory`.
    text
        The edit as one types it, if it is worth a warning that it changes nothing.
    beside
        For each frame that is changed the key of a block that its change is given, too;
        and the array of these blocks.
    """
    name = f"changed-{uuid4().hex}"
    rule = FrameRule("raise").over(data.shape[:-2])
    changes = {n: change_of(n) for n in range(math.prod(data.shape[:-2]))}
    notes = ChangedFrames(text, sum(each is not None for each in changes.values()))
    graph: dict[Any, Any] = {}
    for number, index in enumerate(np.ndindex(data.shape[:-2])):
        change, place = changes[number], (*index, 0, 0)
        if change is None:
            graph[(name, *place)] = (same, (data.name, *place))
            continue
        run = partial(_changed, change, rule, index, notes)
        more = () if beside is None else (beside[0][number],)
        graph[(name, *place)] = (run, (data.name, *place), *more)
    needed = [data] if beside is None else [data, beside[1]]
    layer = HighLevelGraph.from_collections(name, graph, dependencies=needed)
    return da.Array(layer, name, chunks=data.chunks, dtype=np.int32)


def same(block: Labels) -> Labels:
    """Return a block of labels with the type that edited labels have."""
    return block.astype(np.int32, copy=False)


def _changed(
    change: Change,
    rule: FrameRule,
    index: tuple[int, ...],
    notes: ChangedFrames,
    block: Labels,
    *others: Labels,
) -> Labels:
    frame, *more = (each.reshape(each.shape[-2:]) for each in (block, *others))
    with notes.frame():
        after: Any = rule.result(index, partial(change, same(frame), *more))
        notes.add(rule.number(index), changed=bool((after != frame).any()))
    return same(after).reshape(block.shape)
