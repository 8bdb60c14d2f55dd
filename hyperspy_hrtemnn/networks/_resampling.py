# SPDX-License-Identifier: GPL-3.0-or-later
"""Images from one sampling to another, as the networks need them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray


def resample(
    image: NDArray[np.floating], shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Resample an image to another number of pixels of the same field of view.

    A cubic kernel, widened when pixels are merged so that nothing above the new
    Nyquist frequency is folded back. The kernel is local: a pixel depends on at most
    two new pixels' width around it (two old ones' when pixels are split).

    Parameters
    ----------
    image
        Shape (y, x).
    shape
        The new (y, x).
    """
    image = np.ascontiguousarray(image, dtype=np.float32)
    if image.shape == tuple(shape):
        return image
    resized = Image.fromarray(image, mode="F").resize(
        (shape[1], shape[0]), Image.Resampling.BICUBIC
    )
    return np.asarray(resized)


def resampled_shape(shape: tuple[int, int], ratio: float) -> tuple[int, int]:
    """Return the (y, x) nearest to `shape` times `ratio`, at least one pixel each."""
    return max(round(shape[0] * ratio), 1), max(round(shape[1] * ratio), 1)
