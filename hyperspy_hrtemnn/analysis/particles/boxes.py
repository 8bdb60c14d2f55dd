# SPDX-License-Identifier: GPL-3.0-or-later
"""Bounding boxes of the particles of a labelled frame, for ids of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Box = tuple[slice, slice]


def boxes(labels: NDArray[np.integer[Any]]) -> dict[int, Box]:
    """Return the bounding box (y, x) of each particle, by ascending id.

    Parameters
    ----------
    labels
        Integer labels, shape (y, x); particles have positive labels.
    """
    numbers = None
    if labels.max(initial=0) > labels.size:
        # SciPy makes a list as long as the largest id, 16 GB for 2**31.
        numbers, compact = np.unique(np.maximum(labels, 0), return_inverse=True)
        labels = compact.reshape(labels.shape) + int(numbers[0] > 0)
        numbers = numbers[numbers > 0]
    found = ndimage.find_objects(labels)
    ids = range(1, len(found) + 1) if numbers is None else numbers.tolist()
    return {
        number: box for number, box in zip(ids, found, strict=True) if box is not None
    }
