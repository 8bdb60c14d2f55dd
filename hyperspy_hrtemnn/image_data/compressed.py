# SPDX-License-Identifier: GPL-3.0-or-later
"""Boxes of scale bars in images that were compressed (JPEG), nearly constant ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from .bars import crosses, is_crisp, rows_of_bars, without_small_holes
from .openings import opened

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

# Gray levels of 256 by which compression changes what was black or white, and pixels
# beside an edge that it mixes with the other side.
_OFF = 20
_MIXED = 2

# Least height and width of such a box, and of its margins around bar and digits, in
# pixels; and how much of it is filled.
_BOX = (12, 24)
_MARGIN = (6, 6)
_SOLID = 0.95


def compressed_boxes(image: NDArray[Any], known: Mask) -> Mask | None:
    """Return black or white boxes in an image of 256 gray levels, if there are any.

    Parameters
    ----------
    image
        Shape (y, x), with noise.
    known
        What is filled, as far as that is known.
    """
    low, high = float(image.min()), float(image.max())
    if not 2 * _OFF < high - low <= np.iinfo(np.uint8).max:
        return None
    if np.any(image != np.rint(image)):
        return None
    found = np.zeros(image.shape, bool)
    for value in (low, high):
        near = np.abs(image - value) <= _OFF
        if rows_of_bars(near) is None:
            continue
        margins = opened(near, _MARGIN)
        areas, _ = ndimage.label(opened(without_small_holes(margins), _BOX))
        for number, box in enumerate(ndimage.find_objects(areas), start=1):
            whole = np.mean(areas[box] == number) >= _SOLID
            new = np.mean(known[box]) < _SOLID
            if whole and new and not crosses(near, box) and is_crisp(near, found, box):
                found[box] = True
    if not found.any():
        return None
    return np.asarray(ndimage.binary_dilation(found, iterations=_MIXED))
