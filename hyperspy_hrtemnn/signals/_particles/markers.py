# SPDX-License-Identifier: GPL-3.0-or-later
"""Markers of HyperSpy: outlines and ids that follow the navigator of any plot.

HyperSpy asks for what each marker needs of a frame when it shows the frame, one thing
after the other. Nothing is computed before, and the outlines of one frame are kept.
"""

from __future__ import annotations

from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

import dask.array as da
import numpy as np
from dask.highlevelgraph import HighLevelGraph
from matplotlib import patheffects
from matplotlib.colors import to_rgba

from hyperspy_hrtemnn.analysis import particle_outlines
from hyperspy_hrtemnn.plots.palette import id_color
from hyperspy_hrtemnn.signals._shared.calibration import check_uniform
from hyperspy_hrtemnn.signals._shared.entrance import given, is_turned
from hyperspy_hrtemnn.signals._shared.units import name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hyperspy.signals import Signal2D
    from matplotlib.axes import Axes
    from matplotlib.text import Text
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis import Outline

# White with a black edge is seen on everything. Not a list: HyperSpy takes an array of
# objects for one that has something for each frame.
_EDGE = (patheffects.withStroke(linewidth=2.5, foreground="black"),)


def in_axes(
    places: NDArray[np.float64], signal_axes: Sequence[Any]
) -> NDArray[np.float64]:
    """Return positions (x, y) in the unit of axes (x, y).

    Parameters
    ----------
    places
        Positions (y, x) [pixels], shape (..., 2).
    signal_axes
        The axes.
    """
    x, y = signal_axes
    scale, offset = np.array([(x.scale, y.scale), (x.offset, y.offset)])
    calibrated: NDArray[np.float64] = offset + scale * places[..., ::-1]
    return calibrated


def outline_markers(
    instances: Signal2D, *, outlines: bool = True, ids: bool = True
) -> list[Any]:
    """Return markers of the outlines and of the ids; see `Instances.to_markers`."""
    from hyperspy.api import plot

    # Those of the plot: its first axis is the horizontal one, whatever its name.
    axes = given(instances).axes_manager.signal_axes
    for axis in axes:
        check_uniform(axis, name_of(axis, "of the image"))
    data = instances.data
    places = [_Axis(float(axis.scale), float(axis.offset)) for axis in axes]
    shown = _ShownFrame(data.swapaxes(-1, -2) if is_turned(axes) else data, places)
    markers = []
    if outlines:
        lines = plot.markers.Lines(
            segments=_ragged(shown, "segments"),
            color=_ragged(shown, "colors"),
            linewidth=1.5,
        )
        lines.name = "outlines"
        markers.append(lines)
    if ids:
        texts = plot.markers.Texts(
            offsets=_ragged(shown, "offsets"),
            texts=_ragged(shown, "texts"),
            color="white",
            path_effects=_EDGE,
        )
        texts.name = "ids"
        markers.append(texts)
    return markers


def write_id(outline: Outline, signal_axes: Sequence[Any], ax: Axes) -> Text:
    """Write the id of a particle at its center on an image, and return the text."""
    x, y = in_axes(outline.center, signal_axes)
    return ax.text(
        x,
        y,
        str(outline.id),
        color="white",
        ha="center",
        va="center",
        fontweight="bold",
        path_effects=list(_EDGE),
        clip_on=True,
    )


class _Axis(NamedTuple):
    """What is needed of an axis; HyperSpy's own do not travel to other processes."""

    scale: float
    offset: float


class _ShownFrame:
    """What markers need of the frame that is shown, until another one is.

    Parameters
    ----------
    data
        Labels, lazy or not; the last axis is horizontal.
    signal_axes
        The horizontal and the vertical axis of the plot.
    """

    def __init__(self, data: Any, signal_axes: Sequence[_Axis]) -> None:
        self.data, self.signal_axes = data, signal_axes
        self._lock = Lock()
        self._where: tuple[int, ...] | None = None
        self._outlines: list[Outline] = []

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave out the lock, for workers in other processes."""
        return type(self), (self.data, self.signal_axes)

    @property
    def navigation_shape(self) -> tuple[int, ...]:
        """Shape of what has one element for each frame, as HyperSpy indexes it."""
        shape: tuple[int, ...] = self.data.shape[:-2][::-1]
        return shape

    def part(self, name: str, where: tuple[int, ...]) -> NDArray[np.object_]:
        """Return one thing for the frame at an index of the data, as one element."""
        with self._lock:
            if self._where != where:
                frame = np.asarray(self.data[where])
                self._outlines, self._where = particle_outlines(frame), where
            value = getattr(self, f"_{name}")()
        element = np.empty((), object)
        element[()] = value
        return element.reshape((1,) * len(where))

    def _segments(self) -> NDArray[np.object_]:
        lines = [line for each in self._outlines for line in each.contours]
        # Of lines of equal length numpy would make one array of numbers.
        segments = np.empty(len(lines), object)
        for number, line in enumerate(lines):
            segments[number] = in_axes(line, self.signal_axes)
        return segments

    def _colors(self) -> NDArray[np.float64]:
        colors = [
            to_rgba(id_color(each.id)) for each in self._outlines for _ in each.contours
        ]
        return np.array(colors).reshape(-1, 4)

    def _offsets(self) -> NDArray[np.float64]:
        centers = [each.center for each in self._outlines]
        return in_axes(np.array(centers).reshape(-1, 2), self.signal_axes)

    def _texts(self) -> NDArray[np.str_]:
        return np.array([str(each.id) for each in self._outlines], str)


def _ragged(shown: _ShownFrame, name: str) -> da.Array:
    """Return an array of objects, one for each frame, that are made when asked for."""
    key = f"{name}-{uuid4().hex}"
    shape = shown.navigation_shape
    # Bound, so that dask does not look into what is handed over.
    graph = {
        (key, *at): (partial(shown.part, name, at[::-1]),) for at in np.ndindex(shape)
    }
    return da.Array(
        HighLevelGraph.from_collections(key, graph, dependencies=()),
        key,
        chunks=tuple((1,) * size for size in shape),
        dtype=object,
    )
