# SPDX-License-Identifier: GPL-3.0-or-later
"""A function on many frames at a time, of which only a few are ever in memory."""

from __future__ import annotations

import os
from concurrent.futures import FIRST_COMPLETED, Executor, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

import dask
from dask.base import get_scheduler

from hyperspy_hrtemnn.signals._shared.skipping import FrameRule

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

# Inference runs one frame at a time, on all cores; a few more frames are resampled,
# separated and transformed meanwhile. Each costs memory.
_THREADS = 4

_LARGE_TASKS = {"distributed.admin.large-graph-warning-threshold": "1 TiB"}


def results_in_flight(
    function: Callable[..., Any],
    frames: Iterable[tuple[int, tuple[Any, ...]]],
    num_workers: int | None,
    rule: FrameRule | None = None,
) -> Generator[tuple[int, Any], None, None]:
    """Yield what a function makes of each frame, in the order in which they finish.

    None for one that is skipped.

    In threads of this process, or on the workers of the `distributed.Client` that dask
    computes with. Frames are read here, one ahead of the workers, and sent: the workers
    need not see the file, and no more frames than workers and two are in memory.

    Parameters
    ----------
    function
        What is done to a frame. It is sent with every frame.
    frames
        Number and arguments of each frame; the next is taken when it is needed.
    num_workers
        Number of threads; by default dask's own, or else four at most.
    rule
        What is done about frames that cannot be used; by default they are an error.

    Raises
    ------
    ValueError
        If the function raises one; it says of which frame.
    """
    rule = FrameRule("raise") if rule is None else rule
    client = _client()
    if client is None:
        default = dask.config.get("num_workers", None)
        workers = num_workers or default or min(_THREADS, os.cpu_count() or 1)
        executor: Executor = ThreadPoolExecutor(workers)
    else:
        workers = max(1, sum(client.nthreads().values()))
        executor = client.get_executor(pure=False)
    numbers: dict[Any, int] = {}
    try:
        for number, arguments in frames:
            if len(numbers) > workers:
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


def _client() -> Any:
    """Return the client of dask.distributed, if dask computes with one."""
    # For a client, what computes is its method; otherwise a function, or nothing.
    return getattr(get_scheduler(), "__self__", None)


def _finished(numbers: dict[Any, int], rule: FrameRule) -> Iterator[tuple[int, Any]]:
    """Wait for some frames, take them out, and yield them with their results."""
    for future in wait(numbers, return_when=FIRST_COMPLETED).done:
        number = numbers.pop(future)
        yield number, rule.result((number,), future.result)
