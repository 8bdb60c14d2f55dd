# SPDX-License-Identifier: GPL-3.0-or-later
"""Padded series: images with a border, for columns and fringes at their edges."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Border of the images that is not compared, because the whitening of what is beyond
# reaches there [Å].
_BORDER = 1.5


@dataclass(frozen=True)
class PaddedSeries:
    """Images with a border, their mirror images, which is not compared.

    Parameters
    ----------
    images
        Electrons in each pixel, shape (image, y, x).
    valid
        Pixels that are compared, shape (y, x).
    pad
        Width of the border [pixels].
    sampling
        Pixel size [Å].
    """

    images: NDArray[np.float32]
    valid: NDArray[np.bool_]
    pad: int
    sampling: float

    @property
    def inner(self) -> tuple[slice, slice]:
        """The pixels of the images."""
        height, width = self.valid.shape
        return slice(self.pad, height - self.pad), slice(self.pad, width - self.pad)

    @property
    def origin(self) -> float:
        """Position of the first pixel of the images along y and x [Å]."""
        return self.pad * self.sampling

    def outside(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far positions are outside the images [Å], below 0 inside."""
        size = (np.array(self.valid.shape) - 2 * self.pad) * self.sampling
        first = self.origin - self.sampling / 2
        beyond = np.maximum(first - positions, positions - first - size)
        return np.asarray(beyond.max(axis=1))


def pad_series(
    images: NDArray[np.floating],
    valid: NDArray[np.bool_],
    sampling: float,
    around: float,
) -> PaddedSeries:
    """Return images with a border.

    Parameters
    ----------
    images
        Electrons in each pixel, shape (image, y, x).
    valid
        Pixels that are data, shape (y, x).
    sampling
        Pixel size [Å].
    around
        Width of the border [Å].
    """
    pad = math.ceil(max(around, 0.0) / sampling)
    edge = math.ceil(_BORDER / sampling)
    inside = np.zeros_like(valid)
    inside[edge:-edge, edge:-edge] = valid[edge:-edge, edge:-edge]
    # Mirrored, for whitening undoes the MTF, and a step at the border would ring.
    padded = [
        np.pad(np.where(valid, each, each[valid].mean()), pad, mode="symmetric")
        for each in images
    ]
    return PaddedSeries(
        np.array(padded, np.float32), np.pad(inside, pad), pad, sampling
    )
