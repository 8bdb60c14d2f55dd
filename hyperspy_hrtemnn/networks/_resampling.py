# SPDX-License-Identifier: GPL-3.0-or-later
"""Resampling of images to the sampling of a network."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from numpy.typing import NDArray


def resample(
    image: NDArray[np.floating], shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Resample an image to another number of pixels of the same field of view.

    The kernel is cubic, and is widened for a coarser sampling so that frequencies above
    the new Nyquist frequency are not folded back. It is local: a pixel depends on a
    distance of at most two new pixels (two old ones for a finer sampling). Beyond the
    edges of the image the kernel is cut, and its weights still add up to one.

    Parameters
    ----------
    image
        Image, shape (y, x).
    shape
        New shape (y, x).

    References
    ----------
    R. Keys, Cubic convolution interpolation for digital image processing, 1981.
    """
    image = np.ascontiguousarray(image, dtype=np.float32)
    if image.shape == tuple(shape):
        return image
    rows, columns = (
        _weights(old, new) for old, new in zip(image.shape, shape, strict=True)
    )
    # The axis that leaves less work for the other one comes first.
    if shape[0] <= image.shape[0]:
        resampled = (columns @ np.ascontiguousarray((rows @ image).T)).T
    else:
        resampled = rows @ np.ascontiguousarray(
            (columns @ np.ascontiguousarray(image.T)).T
        )
    return np.ascontiguousarray(resampled, dtype=np.float32)


@lru_cache(maxsize=16)
def _weights(old: int, new: int) -> Any:
    """Return the sparse matrix, (new, old), that resamples one axis."""
    width = max(old / new, 1.0)  # width of the kernel in old pixels
    centers = (np.arange(new) + 0.5) * old / new - 0.5
    first = np.ceil(centers - 2 * width).astype(int)
    taps = first[:, np.newaxis] + np.arange(int(4 * width) + 2)
    values = _cubic((taps - centers[:, np.newaxis]) / width)
    values[(taps < 0) | (taps >= old)] = 0
    values /= values.sum(axis=1, keepdims=True)
    used = values != 0
    indices = np.where(used, taps, 0)
    row = np.broadcast_to(np.arange(new)[:, np.newaxis], taps.shape)
    entries = (values[used].astype(np.float32), (row[used], indices[used]))
    return csr_array(entries, shape=(new, old))


def _cubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Keys' cubic kernel (a = -1/2), which is 0 from 2 on."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x**2 + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def resampled_shape(shape: tuple[int, int], ratio: float) -> tuple[int, int]:
    """Return the shape (y, x) nearest to `shape` times `ratio`, at least (1, 1)."""
    return max(round(shape[0] * ratio), 1), max(round(shape[1] * ratio), 1)
