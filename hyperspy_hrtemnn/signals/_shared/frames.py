# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of a signal: whole ones in each chunk, their axes, numbers and indices."""

from __future__ import annotations

import math
import numbers
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D
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


def in_memory(signal: Signal2D) -> NDArray[Any]:
    """Return the data of one image, shape (y, x), or of one series (image, y, x)."""
    axes = signal.axes_manager.navigation_axes
    whole = frames(signal, axes[0]) if axes else frames(signal)[0]
    return np.asarray(whole.compute())


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


def frame_index(
    signal: Signal2D, frame: int | tuple[int, ...] | None
) -> tuple[int, ...]:
    """Return where a frame is in the data, in the order of the data.

    Parameters
    ----------
    signal
        The signal.
    frame
        Its number, from 0 on, as in the column ``frame`` of tables, or its navigation
        indices in the order of ``inav``; None for where the navigator is.

    Raises
    ------
    IndexError
        If there is no such frame.
    """
    axes = signal.axes_manager
    if axes.navigation_dimension != 1 and isinstance(frame, numbers.Integral):
        return _of_number(signal, int(frame))
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


def _of_number(signal: Signal2D, number: int) -> tuple[int, ...]:
    """Return where a frame with a number is in the data; see `frame_number`."""
    shape = signal.axes_manager.navigation_shape[::-1]
    total = math.prod(shape)
    if not -total <= number < total:
        raise IndexError(f"There is no frame {number}; there are {total}.")
    return tuple(map(int, np.unravel_index(number % total, shape))) if shape else ()


def frame_number(signal: Signal2D, index: tuple[int, ...]) -> int:
    """Return the number, in the column ``frame`` of tables, of a frame."""
    shape = signal.data.shape[: len(index)]
    return int(np.ravel_multi_index(index, shape)) if index else 0
