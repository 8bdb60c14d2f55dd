# SPDX-License-Identifier: GPL-3.0-or-later
"""The convex hull of a part of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import ConvexHull, QhullError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROUNDING = 1e-9  # of the sides of a hull


def inside_hull(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which pixels are inside of the convex hull of a mask.

    These are all pixels if the mask does not have an area.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return np.ones(mask.shape, bool)
    first = mask[rows].argmax(axis=1)
    last = mask.shape[1] - 1 - mask[rows, ::-1].argmax(axis=1)
    points = np.stack([np.tile(rows, 2), np.concatenate([first, last])], axis=1)
    try:
        hull = ConvexHull(points)
    except (QhullError, ValueError):
        return np.ones(mask.shape, bool)
    # Each side of the hull ends the rows that it crosses on the left or on the right.
    y, x = np.arange(mask.shape[0]), np.arange(mask.shape[1])
    left, right = np.full(len(y), -np.inf), np.full(len(y), np.inf)
    for along_y, along_x, constant in hull.equations:
        rest = _ROUNDING - along_y * y - constant
        if abs(along_x) < _ROUNDING:
            right[rest < 0] = -np.inf
        elif along_x > 0:
            np.minimum(right, rest / along_x, out=right)
        else:
            np.maximum(left, rest / along_x, out=left)
    return np.asarray((x >= left[:, np.newaxis]) & (x <= right[:, np.newaxis]))
