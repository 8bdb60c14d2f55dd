# SPDX-License-Identifier: GPL-3.0-or-later
"""What a function gives for each frame of a signal, in memory that is bounded."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

import dask
from dask.delayed import Delayed
from dask.highlevelgraph import HighLevelGraph

from .frames import frames, usable
from .progress import progress
from .reading import guarded_blocks
from .skipping import FrameRule

if TYPE_CHECKING:
    from collections.abc import Callable

    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.bad_frames import BadFrameError

Result = TypeVar("Result")


def each_frame(
    signal: Signal2D,
    function: Callable[[NDArray[Any]], Result],
    channel_axis: Any = None,
    *,
    rule: FrameRule | None = None,
    show_progressbar: bool | None,
    num_workers: int | None,
) -> list[Result | None]:
    """Return what a function gives for each frame, in the order of the data.

    Parameters
    ----------
    signal
        The signal; of a lazy one only the frames in flight are in memory.
    function
        Given a frame, shape (channel, y, x). A ValueError it raises is raised again
        with the number of the frame.
    channel_axis
        The navigation axis, if any, whose images belong together.
    rule
        What is done about frames that cannot be used; by default they are an error.
        What is skipped is None.
    show_progressbar, num_workers
        As in the methods of signals.
    """
    data = frames(signal, channel_axis)
    shape = data.shape[:-3]
    rule = (FrameRule("raise") if rule is None else rule).over(shape)
    graph, blocks = guarded_blocks(data)
    name = f"each-{uuid4().hex}"
    keys = []
    for place, block in blocks.items():
        index = place[: len(shape)]
        keys.append((name, *index))
        run = partial(_on_block, function=function, rule=rule, index=index)
        graph[keys[-1]] = (run, block)
    layer = HighLevelGraph.from_collections(name, graph, dependencies=())
    tasks = [Delayed(key, layer, layer=name) for key in keys]
    with progress(show_progressbar):
        return list(dask.compute(*tasks, num_workers=num_workers))


def _on_block(
    block: NDArray[Any] | BadFrameError,
    *,
    function: Callable[[NDArray[Any]], Result],
    rule: FrameRule,
    index: tuple[int, ...],
) -> Result | None:
    return rule.result(index, lambda: function(usable(block)))
