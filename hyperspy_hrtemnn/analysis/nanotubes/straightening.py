# SPDX-License-Identifier: GPL-3.0-or-later
"""Straightening: the image along the axis of a nanotube, and its cutting in regions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from scipy.interpolate import CubicSpline

from .strip_spectrum import STRIP_LENGTH, STRIP_WIDTH

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def straighten(
    image: ArrayLike, axis: NDArray[np.floating], width: int
) -> NDArray[np.float32]:
    """Return an image along a line, in pixels of the same size.

    Parameters
    ----------
    image
        Image, shape (y, x).
    axis
        Points of the line, shape (point, 2), (y, x) [pixels].
    width
        Pixels across the line.

    Returns
    -------
    Shape (width, length of the line); the line is in the middle, along x. Values come
    from cubic splines, and are NaN beyond the image.
    """
    steps = np.linalg.norm(np.diff(axis, axis=0), axis=1)
    arc = np.concatenate([[0], np.cumsum(steps)])
    line = CubicSpline(arc, axis)
    along = np.arange(int(arc[-1]) + 1)
    places, tangents = line(along), line(along, 1)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    # To the right of the direction of the line, as y is to the right of x.
    normals = np.stack([tangents[:, 1], -tangents[:, 0]], axis=1)
    across = np.arange(width) - (width - 1) / 2
    where = places[np.newaxis] + across[:, np.newaxis, np.newaxis] * normals
    picture = np.asarray(image, np.float32)
    strip: NDArray[np.float32] = ndimage.map_coordinates(
        picture, np.moveaxis(where, 2, 0), order=3, mode="constant", cval=np.nan
    )
    return strip


def cut_regions(
    strip: NDArray[np.float32], pixel: float, shortest: float
) -> list[tuple[slice, NDArray[np.float32]]]:
    """Cut a straightened tube into regions of nearly the same length.

    Parameters
    ----------
    strip
        The tube along x, shape (y, x).
    pixel
        Pixel size [Å].
    shortest
        Shortest region [Å].

    Returns
    -------
    Columns and image of each region that lies inside the image.
    """
    height = round(STRIP_WIDTH / pixel)
    middle = (strip.shape[0] - height) // 2
    inner = strip[middle : middle + height]
    known = np.isfinite(inner).all(axis=0)
    found = []
    edges = np.flatnonzero(np.diff(np.concatenate([[0], known, [0]])))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        length = (stop - start) * pixel
        if length < shortest:
            continue
        count = max(int(length // STRIP_LENGTH), 1)
        size = min((stop - start) // count, round(STRIP_LENGTH / pixel))
        first = start + (stop - start - count * size) // 2
        for number in range(count):
            part = slice(first + number * size, first + (number + 1) * size)
            found.append((part, inner[:, part]))
    return found
