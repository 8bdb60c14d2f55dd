# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of labels: how they are made in place, kept in the metadata, and taken back.

``metadata.HRTEMNN.Edits.made`` has the edits as one types them. What an edit has
changed in memory is kept beside it, so that it can still be taken back after the labels
were saved and loaded. What an edit of a lazy movie changes is not known yet; there the
graph still has the labels of before, and their name is kept.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
from dask.highlevelgraph import HighLevelGraph

from hyperspy_hrtemnn.signals._shared.entrance import given, places_in_array
from hyperspy_hrtemnn.signals._shared.frames import frames

from .changed_frames import changed_in_memory, changed_lazily
from .label_changes import packed, unpacked, without_changes

if TYPE_CHECKING:
    from collections.abc import Callable

    from hyperspy.signals import Signal2D

    from .changed_frames import Change


def made_edits(instances: Signal2D) -> list[str]:
    """Return the edits of a signal as one types them, the first one first."""
    return [str(text) for text in instances.metadata.get_item("HRTEMNN.Edits.made", [])]


def edit(
    instances: Signal2D, text: str, change_of: Callable[[int], Change | None]
) -> None:
    """Change frames of a signal in place, and note it unless nothing has changed.

    Parameters
    ----------
    instances
        Labels in the one form of the user's signal, which is changed.
    text
        The edit as one types it.
    change_of
        See `changed_in_memory`.
    """
    if instances._lazy:
        data = changed_lazily(label_frames(instances), change_of, text=text)
        put_lazily(instances, text, data)
        return
    new, changes = changed_in_memory(instances.data, change_of)
    if len(changes):
        _put(instances, new)
        kept = {"changes": [packed(changes)], "shape": list(new.shape)}
        _note(instances, text, kept)


def put_lazily(instances: Signal2D, text: str, data: da.Array) -> None:
    """Give a lazy signal other labels, made from its own, and note the edit."""
    before = given(instances).data
    said = [before.name, before.dtype.str, before.chunks]
    _put(instances, data)
    after = given(instances).data.name
    # In a list: a text alone may be too long for an attribute of HDF5.
    _note(instances, text, {"before": [json.dumps(said)], "after": after})


def label_frames(instances: Signal2D) -> da.Array:
    """Return labels, shape (..., y, x), with one whole frame in each block."""
    data = instances.data
    *in_time, _, _ = data.chunks
    if all(set(sizes) == {1} for sizes in in_time) and data.numblocks[-2:] == (1, 1):
        return data  # as after an edit: each would add tasks for all frames otherwise
    return frames(instances)[..., 0, :, :]


def undo_last(instances: Signal2D) -> str:
    """Take back the last edit; see `Instances.undo`."""
    made = made_edits(instances)
    if not made:
        raise ValueError("There is no edit to take back.")
    edits = given(instances).metadata.HRTEMNN.Edits
    key = _key(len(made) - 1)
    kept = edits.as_dictionary().get(key, {})
    if "changes" in kept:
        _put_changes_back(instances, made[-1], kept)
    else:
        _put_graph_back(instances, made[-1], kept)
    delattr(edits, key)
    edits.made = made[:-1]
    return made[-1]


def _put_changes_back(instances: Signal2D, text: str, kept: dict[str, Any]) -> None:
    shape = tuple(kept["shape"])
    if shape != instances.data.shape:
        raise ValueError(
            f"{text} was made on labels of the shape {shape}, and these have "
            f"{instances.data.shape}; take it back before you choose a part of them."
        )
    try:
        changes = unpacked(kept["changes"][0], instances.data.size)
    except ValueError as error:
        raise ValueError(
            f"What {text} has changed, metadata.HRTEMNN.Edits, cannot be read. {error}"
        ) from error
    numbers, first = np.unique(changes[:, 0], return_index=True)
    of_frame = dict(
        zip(numbers.tolist(), np.split(changes[:, 1:], first[1:]), strict=True)
    )

    def change_of(number: int) -> Change | None:
        if number not in of_frame:
            return None
        return partial(without_changes, changes=of_frame[number])

    if instances._lazy:
        _put(instances, changed_lazily(label_frames(instances), change_of))
    else:
        _put(instances, changed_in_memory(instances.data, change_of)[0])


def _put_graph_back(instances: Signal2D, text: str, kept: dict[str, Any]) -> None:
    user = given(instances)
    known = user._lazy and user.data.name == kept.get("after")
    name, dtype, chunks = json.loads(kept["before"][0]) if known else ("", "", ())
    # What dask has persisted has its name still, and not what it was made from.
    if not known or name not in user.data.dask.layers:
        raise ValueError(
            f"{text} was made while the movie was lazy, and its labels were computed, "
            "saved, or changed in another way since. It can be taken back only before; "
            "load the labels of before again."
        )
    user.data = da.Array(
        _graph_of(name, user.data.dask),
        name,
        tuple(map(tuple, chunks)),
        dtype=np.dtype(dtype),
    )
    user.events.data_changed.trigger(obj=user)


def _graph_of(name: str, graph: HighLevelGraph) -> HighLevelGraph:
    """Return the layers that one is made from: dask takes the last ones for wanted."""
    needed: set[str] = set()
    pending = [name]
    while pending:
        layer = pending.pop()
        if layer not in needed:
            needed.add(layer)
            pending.extend(graph.dependencies[layer])
    return HighLevelGraph(
        {layer: graph.layers[layer] for layer in needed},
        {layer: graph.dependencies[layer] for layer in needed},
    )


def _put(instances: Signal2D, data: Any) -> None:
    """Give the user's signal other labels, in the order of its own array."""
    user = given(instances)
    order = np.argsort(places_in_array(user)).tolist()
    # Of dask, a transposition that does nothing is a task for each frame, too.
    user.data = data if order == sorted(order) else data.transpose(order)
    user.events.data_changed.trigger(obj=user)


def _note(instances: Signal2D, text: str, kept: dict[str, Any]) -> None:
    made, metadata = made_edits(instances), given(instances).metadata
    metadata.set_item("HRTEMNN.Edits.made", [*made, text])
    metadata.set_item(f"HRTEMNN.Edits.{_key(len(made))}", kept)


def _key(number: int) -> str:
    """Return where the metadata has what the edit of a number has changed."""
    return f"edit_{number}"
