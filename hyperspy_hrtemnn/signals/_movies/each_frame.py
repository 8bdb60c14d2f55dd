# SPDX-License-Identifier: GPL-3.0-or-later
"""What a function gives for each frame of a signal, in memory that is bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import dask

from hyperspy_hrtemnn.signals._progress import progress

from .frames import frames

if TYPE_CHECKING:
    from collections.abc import Callable

    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

Result = TypeVar("Result")


def each_frame(
    signal: Signal2D,
    function: Callable[[NDArray[Any]], Result],
    channel_axis: Any = None,
    *,
    show_progressbar: bool | None,
    num_workers: int | None,
) -> list[Result]:
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
    show_progressbar, num_workers
        As in the methods of signals.
    """
    blocks = frames(signal, channel_axis).to_delayed().ravel()
    run = dask.delayed(_on_block, pure=False)
    tasks = [run(block, number, function) for number, block in enumerate(blocks)]
    with progress(show_progressbar):
        return list(dask.compute(*tasks, num_workers=num_workers))


def _on_block(
    block: NDArray[Any], number: int, function: Callable[[NDArray[Any]], Result]
) -> Result:
    try:
        return function(block.reshape(block.shape[-3:]))
    except ValueError as error:
        raise ValueError(f"Frame {number}: {error}") from None
