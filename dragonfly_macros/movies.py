# SPDX-License-Identifier: GPL-3.0-or-later
"""Movies: frames of Dragonfly's channels, ROIs and MultiROIs, and new channels.

Frames lie along T or along Z. A time step is a volume (z, y, x). A movie has one
volume, or volumes with one slice, so that the frames are the slices of all volumes in
order.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from ORSModel import ROI, Channel, MultiROI

from .guesses import labels_of, roi_volume

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

NANOMETER = 1e-9  # Dragonfly's lengths are in meters

# Pixels whose sides differ by more than this are not square.
_SQUARE = 0.01

# Of a side of an image, far more than any memory holds.
_MOST_PIXELS = 1e6


def frame_count(grid: Any) -> int:
    """Return the number of frames of a grid.

    Raises
    ------
    ValueError
        If the frames lie along both Z and T.
    """
    depth, steps = grid.getZSize(), grid.getTSize()
    if depth > 1 and steps > 1:
        raise ValueError(
            f"{grid.getTitle()!r} has {depth} slices along Z and {steps} time steps. "
            "The frames of a movie have to lie along one of the two."
        )
    return int(depth * steps)


def pixel_size(grid: Any) -> float:
    """Return the side of a pixel [nm].

    Raises
    ------
    ValueError
        If the pixels have no size, or are not square.
    """
    # Lengths in nm are stored in meters; this removes the rounding.
    x, y = (
        float(f"{spacing / NANOMETER:.9g}")
        for spacing in (grid.getXSpacing(), grid.getYSpacing())
    )
    if not (0 < x < np.inf and abs(x - y) <= _SQUARE * x):
        raise ValueError(
            f"The pixels of {grid.getTitle()!r} are {x:g} nm x {y:g} nm. They have to "
            "be square; correct the spacing in Dragonfly."
        )
    return x


def in_pixels(nanometers: float, grid: Any, what: str) -> float:
    """Return a length in pixels of a grid.

    Raises
    ------
    ValueError
        If it is less than one pixel, for example because the spacing is not calibrated,
        or more than an image has.
    """
    pixel = pixel_size(grid)
    if nanometers > _MOST_PIXELS * pixel:
        raise ValueError(
            f"{what}, {nanometers:g} nm, is more than an image has: the pixels of "
            f"{grid.getTitle()!r} are {pixel:g} nm. Is the spacing calibrated?"
        )
    if not nanometers >= pixel:
        raise ValueError(
            f"{what}, {nanometers:g} nm, is less than a pixel of {grid.getTitle()!r}, "
            f"{pixel:g} nm. Is the spacing calibrated?"
        )
    return nanometers / pixel


def check_same_size(first: Any, second: Any) -> None:
    """Raise a ValueError unless two grids have the same number of voxels."""
    sizes = [
        (grid.getXSize(), grid.getYSize(), grid.getZSize(), grid.getTSize())
        for grid in (first, second)
    ]
    if sizes[0] != sizes[1]:
        texts = [
            f"{grid.getTitle()!r} has {' x '.join(map(str, size))}"
            for grid, size in zip((first, second), sizes, strict=True)
        ]
        raise ValueError(f"{', '.join(texts)} voxels (x, y, z, t). They have to match.")


def frames(grid: Channel | ROI | MultiROI) -> Iterator[NDArray[Any]]:
    """Yield the frames, shape (y, x), of a channel, a ROI or a MultiROI.

    Frames of a channel are views, those of a ROI are 0 outside of it, and those of a
    MultiROI are labels. A ROI along Z, and a MultiROI, are in memory as a whole.
    """
    if isinstance(grid, MultiROI):
        with temporary(labels_of(grid)) as labels:
            yield from frames(labels)
        return
    shape = (grid.getZSize(), grid.getYSize(), grid.getXSize())
    for t in range(grid.getTSize()):
        if isinstance(grid, Channel):
            volume = grid.getNDArray(t)
        else:
            volume = roi_volume(grid, t)
            if volume.shape == (0,):
                volume = np.zeros(shape, np.uint8)
        if volume.shape != shape:
            raise ValueError(
                f"Dragonfly gave {grid.getTitle()!r} as {volume.shape}, not {shape}."
            )
        yield from volume


def write_frame(channel: Channel, number: int, frame: NDArray[Any]) -> None:
    """Write a frame, shape (y, x), into a channel."""
    t, z = divmod(number, channel.getZSize())
    channel.getNDArray(t)[z] = frame


def labels_like(grid: Any) -> Channel:
    """Return a new channel of labels, uint16, on a grid; it is not published."""
    channel = Channel()
    channel.copyShapeFromStructuredGrid(grid)
    return _allocated(channel, channel.initializeDataForUSHORT())


def square_channel(side: int, pixel: float, movie: Any) -> Channel:
    """Return a new float32 channel with as many frames as a movie; it is not published.

    Parameters
    ----------
    side
        Width and height [pixels].
    pixel
        Side of a pixel [m].
    movie
        Grid with the same axis of frames.
    """
    channel = Channel()
    channel.setXYZTSize(side, side, movie.getZSize(), movie.getTSize())
    channel.setXSpacing(pixel)
    channel.setYSpacing(pixel)
    channel.setZSpacing(pixel)
    return _allocated(channel, channel.initializeDataForFLOAT())


def _allocated(channel: Channel, done: bool) -> Channel:
    if not done:
        channel.deleteObject()
        raise ValueError("Dragonfly has no memory for the result.")
    return channel


@contextmanager
def temporary(made: Any) -> Iterator[Any]:
    """Delete an object of Dragonfly at the end."""
    try:
        yield made
    finally:
        made.deleteObject()


@contextmanager
def published(made: Any) -> Iterator[Any]:
    """Publish a new object of Dragonfly at the end; delete it if anything fails."""
    try:
        yield made
    except BaseException:
        made.deleteObject()
        raise
    made.publish()
