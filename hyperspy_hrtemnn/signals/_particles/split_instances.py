# SPDX-License-Identifier: GPL-3.0-or-later
"""Splitting of particles by hand, with the same parts through all frames."""

from __future__ import annotations

from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import dask.array as da
import numpy as np
from dask.highlevelgraph import HighLevelGraph

from hyperspy_hrtemnn.analysis.particles.editing import cut_particle, relative_places
from hyperspy_hrtemnn.signals._shared.deferred import deferred_blocks
from hyperspy_hrtemnn.signals._shared.skipping import FrameRule
from hyperspy_hrtemnn.signals._tracking.linking import Runs

from .changed_frames import same
from .choice_of_frames import (
    check_there,
    frame_numbers,
    frames_text,
    whole_id,
    whole_ids,
)
from .edits import edit, label_frames, put_lazily
from .unchanged import ChangedFrames

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.signals._shared.deferred import DeferredBlock

    from .changed_frames import Change
    from .choice_of_frames import Frames

    Labels = NDArray[Any]
    Places = NDArray[np.float64] | None


def split(
    instances: Signal2D, number: int, new_ids: Frames | None, frames: Frames | None
) -> list[int]:
    """Split a particle; see `Instances.split`."""
    chosen = frame_numbers(instances, frames)
    old = whole_id(number)
    check_there(instances, [old], chosen)
    ids = [old, *_new_ids(instances, new_ids)]
    whole_ids(ids)  # all of them different
    new = ids[1] if len(ids) == 2 else ids[1:]
    text = f"split({old}, {new}{frames_text(chosen)})"
    if instances._lazy:
        put_lazily(instances, text, _split_lazily(instances, ids, chosen, text))
        return ids
    cut = _Cut(ids)
    if chosen and chosen[0]:
        movie = instances.data.reshape(-1, *instances.data.shape[-2:])
        cut.places = relative_places(movie[chosen[0] - 1], ids)
    wanted = None if chosen is None else set(chosen)

    def change_of(frame: int) -> Change | None:
        return cut if wanted is None or frame in wanted else None

    edit(instances, text, change_of)
    return ids


class _Cut:
    """Cuts frame after frame, and knows where the parts were in the last one."""

    def __init__(self, ids: list[int]) -> None:
        self._ids = ids
        self.places: Places = None

    def __call__(self, labels: Labels) -> Labels:
        """Return the labels of the next frame with the particle cut."""
        labels, self.places = cut_particle(labels, self._ids, self.places)
        return labels


def _new_ids(instances: Signal2D, new_ids: Frames | None) -> list[int]:
    if new_ids is not None:
        return whole_ids(new_ids)
    if instances._lazy:
        raise ValueError(
            "Give new_ids, for the other part, which no other particle has: which are "
            "free is not known of a lazy movie without reading it, max(ids()) + 1."
        )
    return [int(instances.data.max()) + 1]


def _split_lazily(
    instances: Signal2D, ids: list[int], chosen: list[int] | None, text: str
) -> da.Array:
    """Return labels with a particle split, when they are asked for.

    Frames are cut one after the other, as each part is that of the frame before. A
    frame is read by the task that cuts it, and its labels wait in packed form for
    whoever saves them, so that few frames are in memory.
    """
    data = label_frames(instances)
    movie = data.reshape(-1, *data.shape[-2:])
    name = f"split-{uuid4().hex}"
    rule = FrameRule("raise").over(data.shape[:-2])
    numbers = list(range(len(movie))) if chosen is None else chosen
    # And the frame before, for the places there.
    start = max(numbers[0] - 1, 0)
    blocks = deferred_blocks(movie[start : numbers[-1] + 1])
    block_of = dict(enumerate(blocks, start))
    places: Any = (name, "places", -1)
    run = partial(_step, ids=ids, rule=rule, notes=ChangedFrames(text, len(numbers)))
    graph: dict[Any, Any] = {
        places: (partial(_first_places, block_of.get(numbers[0] - 1), ids),)
    }
    wanted = set(numbers)
    for number in range(len(movie)):
        here = (name, number, 0, 0)
        if number not in wanted:
            graph[here] = (same, (movie.name, number, 0, 0))
            continue
        step = (name, "step", number)
        graph[step] = (partial(run, block_of[number], number=number), places)
        graph[here] = (_labels_of, step)
        places = (name, "places", number)
        graph[places] = (itemgetter(1), step)
    layer = HighLevelGraph.from_collections(name, graph, dependencies=[movie])
    result = da.Array(layer, name, chunks=movie.chunks, dtype=np.int32)
    return result.reshape(data.shape)


def _first_places(before: DeferredBlock | None, ids: list[int]) -> Places:
    return None if before is None else relative_places(before.load()[0], ids)


def _step(
    block: DeferredBlock,
    places: Places,
    *,
    ids: list[int],
    number: int,
    rule: FrameRule,
    notes: ChangedFrames,
) -> tuple[Runs, Places]:
    """Return the packed labels of a frame, and where the parts are."""
    before = same(block.load()[0])
    with notes.frame():
        cut: Any = rule.result(
            rule.index(number), partial(cut_particle, before, ids, places)
        )
        labels, found = cut
        notes.add(number, changed=labels is not before)
    return Runs.of(labels), found


def _labels_of(step: tuple[Runs, Places]) -> Labels:
    return step[0].labels()[np.newaxis]
