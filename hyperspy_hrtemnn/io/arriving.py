# SPDX-License-Identifier: GPL-3.0-or-later
"""Arriving frames: those of a movie that a camera still writes, as they become whole.

There are two kinds, a folder that gets a file for each frame and a file that grows.
Both are looked at again and again. Notices of the system, such as inotify, would save
a few listings a second, but they do not come from network drives, to which most cameras
write, and they tell of a file when it is begun and not when it is whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

PATIENCE = 10.0
"""How long a file that cannot be read may stay as it is until it is given up [s]."""


class Arrival(NamedTuple):
    """A frame that is whole, or is given up.

    Attributes
    ----------
    name
        What the frame is known by; see `hyperspy_hrtemnn.checkpoint.Source`.
    load
        Gives its pixels, shape (y, x), or raises a `BadFrameError`.
    """

    name: str
    load: Callable[[], NDArray[Any]]


class ArrivingFrames(Protocol):
    """Frames of a movie that a camera is still writing."""

    def look(self, is_done: Callable[[str], bool]) -> Iterator[Arrival]:
        """Look once, and yield the frames that have become whole, in order.

        Parameters
        ----------
        is_done
            Whether the result of a frame of a name is there already, so that it need
            not be read.
        """

    def waits_for(self) -> list[str]:
        """Return the names of what is not whole yet, and of what waits behind it."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """What all frames that were yielded depend on; see `Source`."""

    def navigation_axis(self) -> dict[str, Any]:
        """Return the axis of the frames that were yielded, as HyperSpy describes it."""

    def movie(self) -> tuple[Signal2D, Sequence[str]]:
        """Return the movie that is there now, lazily, and the names of its frames."""
