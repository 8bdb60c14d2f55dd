# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame runner: a function on each frame, lazily, at once, or as results come.

Whoever walks the frames of a movie does it here: with a bounded number of frames in
memory, in threads or on the workers of a cluster, by one rule for frames that cannot
be used, with the number of the frame in each error.
"""

from __future__ import annotations

import math
from concurrent.futures import FIRST_COMPLETED, Executor, ThreadPoolExecutor, wait
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

import dask
import dask.array as da
import numpy as np
from dask.delayed import Delayed
from dask.highlevelgraph import HighLevelGraph

from hyperspy_hrtemnn.bad_frames import BadFrameError, check_data
from hyperspy_hrtemnn.cores import usable_cores
from hyperspy_hrtemnn.user_warnings import warn_user

from .deferred import needed_tasks
from .frames import frames
from .reading import guarded_blocks
from .skipping import FrameRule
from .workers import cluster

if TYPE_CHECKING:
    from collections.abc import (
        Callable,
        Container,
        Generator,
        Iterable,
        Iterator,
        Sequence,
    )

    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    Block = NDArray[Any] | BadFrameError

Result = TypeVar("Result")

# Inference runs one frame at a time, on all cores; a few more frames are resampled,
# separated and transformed meanwhile. Each costs memory.
_THREADS = 4

_LARGE_TASKS = {"distributed.admin.large-graph-warning-threshold": "1 TiB"}


def map_frames(
    function: Callable[..., NDArray[Any]],
    data: da.Array,
    channels: int,
    dtype: Any = np.float32,
    *,
    indexed: bool = False,
    rule: FrameRule | None = None,
) -> da.Array:
    """Apply a function to every frame, when it is asked for.

    Parameters
    ----------
    function
        From an array of shape (channel, y, x) to one of another number of channels. A
        ValueError it raises is raised again with the index of the frame.
    data
        Frames from `frames`.
    channels
        Number of channels in the result.
    dtype
        Data type of the result.
    indexed
        Whether the function is also given the index of the frame, in the order of the
        data, as ``index``.
    rule
        What is done about frames that cannot be used; by default they are skipped
        where there are several. What is skipped is NaN.

    Returns
    -------
    Shape (..., channel, y, x).
    """
    n_axes = data.ndim - 3
    shape = (channels, *data.shape[-2:])
    rule = (FrameRule() if rule is None else rule).over(data.shape[:-3])
    graph, blocks = guarded_blocks(data)
    name = f"frames-{uuid4().hex}"
    for index in np.ndindex(data.shape[:-3]):
        run = partial(
            _mapped_frame,
            function=partial(function, index=index) if indexed else function,
            rule=rule,
            index=index,
            empty=(shape, dtype),
        )
        graph[(name, *index, 0, 0, 0)] = (run, blocks[(*index, 0, 0, 0)])
    return da.Array(
        HighLevelGraph.from_collections(name, graph, dependencies=()),
        name,
        chunks=data.chunks[:n_axes] + tuple((size,) for size in shape),
        dtype=dtype,
    )


def each_frame(
    signal: Signal2D,
    function: Callable[..., Result],
    channel_axis: Any = None,
    *,
    beside: tuple[Signal2D, FrameRule] | None = None,
    arguments: Sequence[Any] | None = None,
    rule: FrameRule | None = None,
    label: str,
    show_progressbar: bool | None,
    num_workers: int | None,
) -> list[Result | None]:
    """Return what a function gives for each frame, in the order of the data.

    Parameters
    ----------
    signal
        The signal; of a lazy one only the frames in flight are in memory.
    function
        Given a frame, shape (channel, y, x), and what there is besides. A ValueError it
        raises is raised again with the number of the frame.
    channel_axis
        The navigation axis, if any, whose images belong together.
    beside
        A signal of the same frames, which the function is given, too, shape (y, x), and
        what is done where a frame of it cannot be read; the function is given None if
        that is skipped.
    arguments
        One more argument for each frame; None where the frame is not needed, whose
        result is None.
    rule
        Rule for frames that cannot be used; by default they are an error.
        What is skipped is None.
    label
        Name of the work, for the progress bar.
    show_progressbar, num_workers
        See the methods of the signals.
    """
    data = frames(signal, channel_axis)
    shape = data.shape[:-3]
    rule = (FrameRule("raise") if rule is None else rule).over(shape)
    graph, blocks = guarded_blocks(data)
    pictures: dict[tuple[int, ...], Any] = {}
    if beside is not None:
        more, pictures = guarded_blocks(frames(beside[0]))
        graph |= more
        read = partial(_picture, rule=beside[1].over(shape))
    else:
        read = None
    name = f"each-{uuid4().hex}"
    keys: list[Any] = []
    for number, (place, block) in enumerate(blocks.items()):
        if arguments is not None and arguments[number] is None:
            keys.append(None)
            continue
        index = place[: len(shape)]
        keys.append((name, *index))
        # Bound, so that dask does not look into what is handed over.
        given = () if arguments is None else (arguments[number],)
        run = partial(
            _one_frame, function=function, rule=rule, index=index, read=read, more=given
        )
        graph[keys[-1]] = (run, block, *([pictures[place]] if pictures else ()))
    layer = HighLevelGraph.from_collections(name, graph, dependencies=())
    tasks = [key if key is None else Delayed(key, layer, layer=name) for key in keys]
    with (
        rule.told_here(),
        rule.bar.shown(label, math.prod(shape), show_progressbar),
    ):
        return list(dask.compute(*tasks, num_workers=num_workers))


def read_frames(
    data: da.Array, wanted: Container[int], rule: FrameRule
) -> Iterator[tuple[int, tuple[NDArray[Any]]]]:
    """Yield number and pixels of frames, read when the next one is asked for.

    Parameters
    ----------
    data
        Frames from `frames`.
    wanted
        Numbers of the frames, in the order of the data.
    rule
        Rule for frames that cannot be used; those that are skipped are left out.
    """
    graph, blocks = guarded_blocks(data)
    for number, key in enumerate(blocks.values()):
        if number not in wanted:
            continue
        # Without callbacks: those are for what the user computes.
        block = dask.get(needed_tasks(graph, key), key, callbacks=())
        frame = rule.result(rule.index(number), partial(_usable, block))
        del block
        if frame is not None:
            yield number, (frame,)


def results_in_flight(
    function: Callable[..., Any],
    frames: Iterable[tuple[int, tuple[Any, ...]]],
    num_workers: int | None,
    rule: FrameRule,
) -> Generator[tuple[int, Any], None, None]:
    """Yield what a function makes of each frame, in the order in which they finish.

    None for one that is skipped.

    In threads of this process, or on the workers of the `distributed.Client` that dask
    computes with. Frames are read here, one ahead of the workers, and sent: the workers
    need not see the file, and no more frames than workers and two are in memory.
    Workers may come and go: one that dies leaves its frame to another.

    Parameters
    ----------
    function
        Function of a frame. It is sent with every frame.
    frames
        Number and arguments of each frame; the next is taken when it is needed.
    num_workers
        Number of threads; by default dask's own, or else four at most.
    rule
        Rule for frames that cannot be used, which knows their numbers.

    Raises
    ------
    ValueError
        If the function raises one, or the workers die of a frame; it says of which.
    """
    client = cluster()
    if client is None:
        default = dask.config.get("num_workers", None)
        threads = num_workers or default or min(_THREADS, usable_cores())
        executor: Executor = ThreadPoolExecutor(threads)
        count = partial(int, threads)
    else:
        executor = client.get_executor(pure=False)
        count = partial(_count_workers, client)
        if not count():
            warn_user(
                f"The cluster at {client.scheduler.address} has no workers yet. The "
                "first frame waits for one."
            )
    numbers: dict[Any, int] = {}
    try:
        for number, arguments in frames:
            # Not only at the start: a queue gives workers one after the other.
            while len(numbers) > max(1, count()):
                yield from _finished(numbers, rule)
            # A frame travels with its task, which a worker that dies leaves to another.
            with dask.config.set(_LARGE_TASKS):
                numbers[executor.submit(function, *arguments)] = number
            del arguments
        while numbers:
            yield from _finished(numbers, rule)
    finally:
        for future in numbers:
            future.cancel()
        executor.shutdown()


def _count_workers(client: Any) -> int:
    """Return how many tasks the workers of a cluster run at once."""
    return sum(client.nthreads().values())


def _finished(numbers: dict[Any, int], rule: FrameRule) -> Iterator[tuple[int, Any]]:
    """Wait for some frames, take them out, and yield them with their results."""
    for future in wait(numbers, return_when=FIRST_COMPLETED).done:
        number = numbers.pop(future)
        yield number, rule.result(rule.index(number), partial(_result, future))


def _result(future: Any) -> Any:
    try:
        return future.result()
    except Exception as error:
        # Its module is not there without a cluster.
        if type(error).__name__ != "KilledWorker":
            raise
        raise ValueError(
            f"{error.args[-1] + 1} workers died while they worked on it, as they do "
            "if there is not enough memory for it. Give each worker more, or take "
            "smaller tiles."
        ) from error


def _one_frame(
    block: Block,
    *pictures: Block,
    function: Callable[..., Result],
    rule: FrameRule,
    index: tuple[int, ...],
    read: Callable[..., NDArray[Any] | None] | None,
    more: tuple[Any, ...],
) -> Result | None:
    beside = [] if read is None else [read(picture, index) for picture in pictures]
    return rule.result(index, lambda: function(_usable(block), *beside, *more))


def _picture(
    block: Block, index: tuple[int, ...], *, rule: FrameRule
) -> NDArray[Any] | None:
    """Return a frame of the signal beside, None if it cannot be read."""
    if isinstance(block, BadFrameError):
        rule.results(
            range(rule.number(index), rule.number(index) + 1), partial(_raise, block)
        )
        return None
    return block.reshape(block.shape[-2:])


def _raise(error: BadFrameError) -> NDArray[Any]:
    raise error


def _mapped_frame(
    block: Block,
    *,
    function: Callable[..., NDArray[Any]],
    rule: FrameRule,
    index: tuple[int, ...],
    empty: tuple[tuple[int, ...], Any],
) -> NDArray[Any]:
    result = rule.result(index, lambda: function(_usable(block)))
    if result is None:
        result = np.full(empty[0], np.nan, empty[1])
    return result.reshape((1,) * len(index) + result.shape)


def _usable(block: Block) -> NDArray[Any]:
    """Return what `guarded_blocks` gives as a frame, shape (channel, y, x).

    Raises
    ------
    BadFrameError
        If it could not be read, or has no data.
    """
    if isinstance(block, BadFrameError):
        raise block
    frame = block.reshape(block.shape[-3:])
    check_data(frame)
    return frame
