# SPDX-License-Identifier: GPL-3.0-or-later
"""The convex hull of a part of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import ConvexHull, QhullError

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
    y, x = np.ogrid[: mask.shape[0], : mask.shape[1]]
    inside = np.ones(mask.shape, bool)
    for along_y, along_x, constant in hull.equations:
        inside &= along_y * y + along_x * x + constant <= 1e-9
    return inside
