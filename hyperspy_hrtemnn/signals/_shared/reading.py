# SPDX-License-Identifier: GPL-3.0-or-later
"""Guarded reading: a frame that cannot be read does not spoil the others."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import dask
import numpy as np
from dask.core import get_deps, toposort

from hyperspy_hrtemnn.bad_frames import BadFrameError, reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import dask.array as da

    Graph = dict[Any, Any]
    Place = tuple[int, ...]


def guarded_blocks(data: da.Array) -> tuple[Graph, dict[Place, Any]]:
    """Return tasks that give each block of an array, or why it cannot be read.

    What only one block is made from is done in the task of this block. What several
    are made from, such as a chunk of many frames or the mean of a movie, is a task of
    its own, as before; where it fails, all of these blocks do.

    Parameters
    ----------
    data
        Frames from `frames`.

    Returns
    -------
    The graph, and the key of each block by its place. A task gives an array or a
    `BadFrameError`.
    """
    (optimized,) = dask.optimize(data)
    graph = dict(optimized.__dask_graph__())
    keys = {(optimized.name, *place): place for place in np.ndindex(data.numblocks)}
    needs, needed_by = get_deps(graph)
    order = toposort(graph, dependencies=needs)
    owners = _owners(order, needed_by, keys)
    name = f"read-{uuid4().hex}"
    # Under other names than before: they may give an error in place of an array.
    shared = [key for key in order if owners[key] is None]
    outer = {key: (f"{name}-shared", i) for i, key in enumerate(shared)}
    tasks = {
        task_key: _guarded(key, {key: graph[key]}, needs, outer)
        for key, task_key in outer.items()
    }
    members: dict[Place, Graph] = {}
    for key in order:
        if owner := owners[key]:
            members.setdefault(owner, {})[key] = graph[key]
    blocks = {}
    for key, place in keys.items():
        if key in outer:
            blocks[place] = outer[key]
        else:
            blocks[place] = (name, *place)
            tasks[(name, *place)] = _guarded(key, members[place], needs, outer)
    return tasks, blocks


def _owners(
    order: Iterable[Any], needed_by: Mapping[Any, Iterable[Any]], keys: Graph
) -> dict[Any, Place | None]:
    """Return the only block that needs each task: () for none, None for several."""
    owners: dict[Any, Place | None] = {}
    for key in reversed(list(order)):
        users = {owners[user] for user in needed_by[key]} - {()}
        if key in keys:
            users.add(keys[key])
        owners[key] = users.pop() if len(users) == 1 else None if users else ()
    return owners


def _guarded(
    key: Any, members: Graph, needs: Mapping[Any, set[Any]], outer: Mapping[Any, Any]
) -> tuple[Any, ...]:
    """Return one task for several, given the results of the shared ones."""
    given = {need for member in members for need in needs[member]} - members.keys()
    names = list(given)
    return (partial(_read, members, key, names), *(outer[name] for name in names))


def _read(members: Graph, key: Any, names: list[Any], *values: Any) -> Any:
    """Return a block, or whatever else is shared, or the error in its place."""
    for value in values:
        if isinstance(value, BadFrameError):
            return value
    known = {
        name: (partial(_same, value),)
        for name, value in zip(names, values, strict=True)
    }
    try:
        with reading():
            # Without callbacks: those are for what the user computes.
            return dask.get({**members, **known}, key, callbacks=())
    except BadFrameError as error:
        return error


def _same(value: Any) -> Any:
    return value
