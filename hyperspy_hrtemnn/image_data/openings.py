# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of a mask into which a rectangle fits, and what is connected with some."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]


def opened(mask: Mask, shape: tuple[int, int]) -> Mask:
    """Return the opening of a mask by a rectangle.

    A tenth of the time of `ndimage.binary_opening`, in passes of whole arrays.
    """
    if min(n - size for n, size in zip(mask.shape, shape, strict=True)) < 0:
        return np.zeros(mask.shape, bool)
    for axis, size in enumerate(shape):
        mask = _in_a_row(mask, size, axis, np.logical_and)
    mask = np.pad(mask, [(size - 1, size - 1) for size in shape])
    for axis, size in enumerate(shape):
        mask = _in_a_row(mask, size, axis, np.logical_or)
    return mask


def _in_a_row(mask: Mask, size: int, axis: int, combine: np.ufunc) -> Mask:
    """Return whether all, or any, of so many pixels from each on are set."""
    mask = np.moveaxis(mask, axis, 0)
    known = 1
    while known < size:
        step = min(known, size - known)
        mask = combine(mask[:-step], mask[step:])
        known += step
    return np.moveaxis(mask, 0, axis)


def connected(mask: Mask, seeds: Mask) -> Mask:
    """Return the parts of a mask, connected also by corners, that have a seed."""
    areas, count = ndimage.label(mask, np.ones((3, 3), bool))
    chosen = np.zeros(count + 1, bool)
    chosen[areas[seeds]] = True
    chosen[0] = False
    return np.asarray(chosen[areas])
