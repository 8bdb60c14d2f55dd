# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals made from the frames of another: their axes, metadata and computation."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import dask
import numpy as np
from hyperspy.signals import Signal2D

from hyperspy_hrtemnn.bad_frames import is_without_data

from .frames import axis_dicts
from .skipping import tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    import dask.array as da
    from numpy.typing import NDArray

    from .skipping import FrameRule


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
        Signal that gives title, acquisition, sample and history.
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
    label: str = "frames",
    empty_frames: bool = True,
    beside: Sequence[Any] = (),
) -> Any:
    """Return a lazy signal as it is, or compute it in place.

    Parameters
    ----------
    result
        The signal.
    lazy
        Whether it stays as it is.
    show_progressbar, num_workers
        See the methods of the signals.
    rule
        Rule for its frames, if they come from images.
    label
        Name of the work, for the progress bar.
    empty_frames
        Whether frames without data are told of that other processes have skipped.
    beside
        Other lazy signals, made of the same computation of the frames, if any.
    """
    if rule is not None:
        rule.replaced.metadata = rule.foreign.metadata = result.metadata
    if lazy:
        return result
    if rule is None:
        result.compute(show_progressbar=show_progressbar, num_workers=num_workers)
        return result
    with (
        rule.told_here(),
        rule.bar.shown(label, math.prod(rule.shape), show_progressbar),
    ):
        if beside:
            # One after the other would run everything twice.
            signals = [result, *beside]
            arrays = [signal.data for signal in signals]
            done = dask.persist(*arrays, num_workers=num_workers)
            for signal, data in zip(signals, done, strict=True):
                signal.data = data
            for signal in beside:
                signal.compute(show_progressbar=False)
        result.compute(show_progressbar=False, num_workers=num_workers)
    if empty_frames:
        _tell_of_empty(result.data, rule)
    return result


def _tell_of_empty(data: NDArray[Any], rule: FrameRule) -> None:
    """Tell of the frames that processes without a client have skipped."""
    untold = {}
    for number, index in enumerate(np.ndindex(rule.shape)):
        if number not in rule.skipped.told and is_without_data(data[index]):
            untold[number] = "empty; its process knows why"
    tell(untold, rule.skipped.total)
