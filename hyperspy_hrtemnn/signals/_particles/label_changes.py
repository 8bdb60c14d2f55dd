# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of labels, packed so that they can be kept and taken back."""

from __future__ import annotations

import base64
import zlib
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
    result = labels.copy()
    flat = result.reshape(-1)
    # What is kept may come from a file of anybody.
    inside = (start >= 0) & (length >= 0) & (length <= flat.size - start)
    if inside.all() and length.sum() <= flat.size:
        pixel = np.repeat(start - np.cumsum(length) + length, length)
        pixel += np.arange(len(pixel))
        if (flat[pixel] == np.repeat(after, length)).all():
            flat[pixel] = np.repeat(before, length)
            return result
    raise ValueError("The labels were changed in another way since.")


def packed(changes: Changes) -> str:
    """Return the changes of all frames as a text.

    It is small, never copied with the metadata, and loaded from a file as it is, where
    an array becomes one of dask.
    """
    return base64.b85encode(zlib.compress(changes.astype("<i8").tobytes())).decode()


def unpacked(text: str, most: int) -> Changes:
    """Return the changes of all frames from a text, shape (run, 5).

    Parameters
    ----------
    text
        From `packed`.
    most
        Number of runs that there can be, one for each pixel.

    Raises
    ------
    ValueError
        If it is not such a text.
    """
    unpacking = zlib.decompressobj()
    try:
        content = unpacking.decompress(base64.b85decode(text), 40 * most + 1)
    except zlib.error as error:
        raise ValueError(f"It is damaged: {error}.") from error
    if not unpacking.eof or len(content) % 40 or len(content) > 40 * most:
        raise ValueError("It is damaged.")
    return np.frombuffer(content, "<i8").reshape(-1, 5).astype(np.int64)
