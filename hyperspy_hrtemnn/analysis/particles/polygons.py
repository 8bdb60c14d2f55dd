# SPDX-License-Identifier: GPL-3.0-or-later
"""Polygons around a mask, from which the same mask is made again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from skimage.measure import find_contours

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

    Polygon = NDArray[np.float64]


def mask_contours(mask: ArrayLike) -> list[Polygon]:
    """Return the closed lines around the parts and the holes of a mask.

    Lines run along the edges of pixels, and across their corners; also where the border
    of the mask cuts a part.

    Parameters
    ----------
    mask
        Mask, shape (y, x).

    Returns
    -------
    Positions (y, x) of each line [pixels], shape (point, 2): the middle of the first
    pixel is at 0, and the first point is repeated at the end.
    """
    padded = np.pad(np.asarray(mask, bool), 1).astype(float)
    contours = find_contours(padded, 0.5)  # type: ignore[no-untyped-call]
    return [contour - 1 for contour in contours]


def mask_polygons(mask: ArrayLike) -> list[Polygon]:
    """Return the polygons around the parts and the holes of a mask.

    They pass halfway between a pixel of the mask and one that is not of it, and cut the
    corners, so that no middle of a pixel is nearer to them than 0.35 pixels: whatever
    program fills them finds the same pixels.

    Parameters
    ----------
    mask
        Mask, shape (y, x).

    Returns
    -------
    For each part and each hole its corners, shape (corner, 2), as x and y in pixels
    from the corner of the image: the middle of the first pixel is at (0.5, 0.5). The
    first corner is not repeated at the end.

    Examples
    --------
    >>> import numpy as np
    >>> mask = np.zeros((3, 5), dtype=bool)
    >>> mask[1, 1:4] = True
    >>> sorted(mask_polygons(mask)[0].tolist())
    [[1.0, 1.5], [1.5, 1.0], [1.5, 2.0], [3.5, 1.0], [3.5, 2.0], [4.0, 1.5]]
    """
    # From the middle of the first pixel to its corner.
    return [_corners(contour[:-1, ::-1] + 0.5) for contour in mask_contours(mask)]


def fill_polygons(
    polygons: Iterable[ArrayLike], shape: tuple[int, int]
) -> NDArray[np.bool_]:
    """Return the pixels whose middle is in an odd number of polygons.

    Of two polygons that share an edge, one has the middles that lie on it.

    Parameters
    ----------
    polygons
        Corners of each, as from `mask_polygons`; a part beyond the image is left out.
    shape
        Height and width of the image.

    Examples
    --------
    >>> square = [(1, 0), (4, 0), (4, 2), (1, 2)]
    >>> fill_polygons([square], (3, 5)).astype(int).tolist()
    [[0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]]
    """
    height, width = shape
    crossings = np.zeros((height, width + 1), np.int32)
    for polygon in polygons:
        x, y = np.asarray(polygon, float).reshape(-1, 2).T
        next_x, next_y = np.roll(x, -1), np.roll(y, -1)
        # An edge crosses the rows whose middle is at its upper end or below it.
        first, last = (
            np.clip(np.ceil(ends - 0.5), 0, height).astype(int)
            for ends in (np.minimum(y, next_y), np.maximum(y, next_y))
        )
        edge = np.repeat(np.arange(len(x)), last - first)
        before = np.cumsum(last - first) - (last - first)
        row = np.arange(len(edge)) - before[edge] + first[edge]
        share = (row + 0.5 - y[edge]) / (next_y - y)[edge]
        where = x[edge] + share * (next_x - x)[edge]
        column = np.clip(np.ceil(where - 0.5), 0, width).astype(int)
        np.add.at(crossings, (row, column), 1)
    return np.asarray(np.cumsum(crossings, axis=1)[:, :width] % 2 == 1)


def _corners(polygon: NDArray[Any]) -> Polygon:
    """Return a polygon without the points on its straight edges."""
    before = polygon - np.roll(polygon, 1, axis=0)
    after = np.roll(polygon, -1, axis=0) - polygon
    turns = before[:, 0] * after[:, 1] != before[:, 1] * after[:, 0]
    return np.ascontiguousarray(polygon[turns])
