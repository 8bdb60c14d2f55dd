# SPDX-License-Identifier: GPL-3.0-or-later
"""A function on every frame of a signal, whole frames at a time, lazily."""

from __future__ import annotations

import copy
import math
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import dask.array as da
import numpy as np
from dask.highlevelgraph import HighLevelGraph
from hyperspy.signals import Signal2D

from hyperspy_hrtemnn.bad_frames import BadFrameError, check_data, is_without_data

from .reading import guarded_blocks
from .skipping import FrameRule, tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def frames(signal: Signal2D, channel_axis: Any = None) -> da.Array:
    """Return the data with one whole frame, or one series of frames, in each chunk.

    Readers of memory-mapped movies make chunks of parts of many frames; a frame is cut
    out of them in one step, as those that dask would take between are gigabytes.

    Parameters
    ----------
    signal
        The signal, lazy or not.
    channel_axis
        The navigation axis, if any, whose images belong together.

    Returns
    -------
    Shape (..., channel, y, x), where ... are the other navigation axes, in the order
    of the data.
    """
    axes = signal.axes_manager
    order = [axis for axis in axes.navigation_axes[::-1] if axis is not channel_axis]
    n_frame_axes = len(order)
    if channel_axis is not None:
        order.append(channel_axis)
    order.extend(axes.signal_axes[::-1])
    indices = [axis.index_in_array for axis in order]
    data = signal.data
    if not signal._lazy:
        # Without a name dask would hash the whole movie to find one.
        data = da.from_array(data, chunks=data.shape, name=False)
    data = data.transpose(indices)
    if channel_axis is None:
        data = data[..., np.newaxis, :, :]
    chunks = (1,) * n_frame_axes + data.shape[n_frame_axes:]
    chunked: da.Array = data.rechunk(chunks, threshold=math.inf)
    return chunked


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
        What `frames` returns.
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
            _on_block,
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


def axis_dicts(signal: Signal2D, without: Any = None) -> list[dict[str, Any]]:
    """Return a signal's axes in the order of `frames`, to make new ones from."""
    axes = signal.axes_manager
    return [
        axis.get_axis_dictionary()
        for axis in (*axes.navigation_axes[::-1], *axes.signal_axes[::-1])
        if axis is not without
    ]


def free_name(axes: list[dict[str, Any]], name: str) -> None:
    """Rename the axes that have the name of one that a result is to have besides."""
    for axis in axes:
        if str(axis.get("name")) == name:
            axis["name"] = f"{name}_axis"


def derived_signal(
    source: Signal2D,
    data: da.Array,
    signal_type: str,
    axes: list[dict[str, Any]] | None = None,
) -> Any:
    """Return a lazy signal of new data with the axes and metadata of another.

    Parameters
    ----------
    source
        Where title, acquisition, sample and history come from.
    data
        The new data.
    signal_type
        The new signal's type.
    axes
        Its axes, in the order of the data; by default those of `source`.
    """
    metadata = copy.deepcopy(source.metadata.as_dictionary())
    # These speak of the old intensities: their noise and unit, and what is drawn.
    for node in ("Signal", "Markers", "_HyperSpy"):
        metadata.pop(node, None)
    axes = axis_dicts(source) if axes is None else axes
    result = Signal2D(data, axes=axes, metadata=metadata).as_lazy()
    result.set_signal_type(signal_type)
    return result


def computed(
    result: Any,
    *,
    lazy: bool,
    show_progressbar: bool | None,
    num_workers: int | None,
    rule: FrameRule | None = None,
    empty_frames: bool = True,
) -> Any:
    """Return a lazy signal as it is, or compute it in place.

    Parameters
    ----------
    result
        The signal.
    lazy
        Whether it stays as it is.
    show_progressbar, num_workers
        As in the methods of signals.
    rule
        That of its frames, if they come from images.
    empty_frames
        Whether frames without data are told of that other processes have skipped.
    """
    if rule is not None:
        rule.replaced.metadata = result.metadata
    if not lazy:
        result.compute(show_progressbar=show_progressbar, num_workers=num_workers)
        if rule is not None:
            rule.replaced.tell()
            if empty_frames:
                _tell_of_empty(result.data, rule)
    return result


def _tell_of_empty(data: NDArray[Any], rule: FrameRule) -> None:
    """Tell of the frames that other processes have skipped, which keep the reason."""
    untold = {}
    for number, index in enumerate(np.ndindex(rule.shape)):
        if number not in rule.skipped.told and is_without_data(data[index]):
            untold[number] = "empty; its process knows why"
    tell(untold, rule.skipped.total)


def frame_index(
    signal: Signal2D, frame: int | tuple[int, ...] | None
) -> tuple[int, ...]:
    """Return where a frame is in the data, in the order of the data.

    Parameters
    ----------
    signal
        The signal.
    frame
        Its navigation index, for several navigation axes a tuple in the order of
        ``inav``; None for where the navigator is.

    Raises
    ------
    IndexError
        If there is no such frame.
    """
    axes = signal.axes_manager
    index = axes.indices if frame is None else np.atleast_1d(frame).tolist()
    if len(index) != axes.navigation_dimension:
        raise IndexError(
            f"The frame {frame} has {len(index)} indices, the signal has "
            f"{axes.navigation_dimension} navigation axes."
        )
    for number, axis in zip(index, axes.navigation_axes, strict=True):
        if isinstance(number, str) or number != int(number):
            raise IndexError(
                f"frame is {number!r}; it is the number of a frame, from 0 on. That of "
                "a time is axis.value2index(time)."
            )
        if not -axis.size <= number < axis.size:
            raise IndexError(f"There is no frame {number}; there are {axis.size}.")
    sizes = [axis.size for axis in axes.navigation_axes]
    return tuple(int(number) % size for number, size in zip(index, sizes, strict=True))[
        ::-1
    ]


def frame_number(signal: Signal2D, index: tuple[int, ...]) -> int:
    """Return the number, in the column ``frame`` of tables, of a frame."""
    shape = signal.data.shape[: len(index)]
    return int(np.ravel_multi_index(index, shape)) if index else 0


def _on_block(
    block: NDArray[Any] | BadFrameError,
    *,
    function: Callable[..., NDArray[Any]],
    rule: FrameRule,
    index: tuple[int, ...],
    empty: tuple[tuple[int, ...], Any],
) -> NDArray[Any]:
    result = rule.result(index, lambda: function(usable(block)))
    if result is None:
        result = np.full(empty[0], np.nan, empty[1])
    return result.reshape((1,) * len(index) + result.shape)


def usable(block: NDArray[Any] | BadFrameError) -> NDArray[Any]:
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
