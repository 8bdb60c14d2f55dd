# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of labels, packed so that they can be kept and taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Labels = NDArray[np.integer[Any]]
    Changes = NDArray[np.int64]


def changes_between(before: Labels, after: Labels) -> Changes:
    """Return what differs between two frames of labels.

    A particle is as many runs of pixels as it has rows, so that a change takes a few
    percent of a frame.

    Returns
    -------
    Shape (run, 4): the first pixel of each run in the flat frame, its length, and its
    label before and after.
    """
    old, new = before.ravel(), after.ravel()
    pixel = np.flatnonzero(old != new)
    values = np.stack([old[pixel], new[pixel]]).astype(np.int64)
    begins = np.ones(len(pixel), bool)
    begins[1:] = (np.diff(pixel) != 1) | np.diff(values).any(axis=0)
    first = np.flatnonzero(begins)
    length = np.diff(np.append(first, len(pixel)))
    return np.stack([pixel[first], length, *values[:, first]], axis=1)


def without_changes(labels: Labels, changes: Changes) -> Labels:
    """Return a frame of labels as it was before it was changed.

    Raises
    ------
    ValueError
        If its labels are not those after the change.
    """
    start, length, before, after = changes.T
    pixel = np.repeat(start - np.cumsum(length) + length, length)
    pixel += np.arange(len(pixel))
    result = labels.copy()
    flat = result.reshape(-1)
    if (
        pixel.max(initial=0) >= flat.size
        or (flat[pixel] != np.repeat(after, length)).any()
    ):
        raise ValueError("The labels were changed in another way since.")
    flat[pixel] = np.repeat(before, length)
    return result
