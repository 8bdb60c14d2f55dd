# SPDX-License-Identifier: GPL-3.0-or-later
"""Padded series: images with a border, for columns and fringes at their edges."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import distance_transform_edt

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Border of the images, and of holes in their data, that is not compared, because the
# whitening of what is beyond reaches there [Å].
_BORDER = 1.5

# Distance from data beyond which pixels without are a hole [Å]: of one pixel or one
# line more is known around it than its border would cost.
_HOLE = 0.75


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
    holes
        Pixels where the images have no data far and wide, shape (y, x).
    """

    images: NDArray[np.float32]
    valid: NDArray[np.bool_]
    pad: int
    sampling: float
    holes: NDArray[np.bool_]

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
        """Return how far positions are outside the images [Å], below 0 inside.

        Also those in holes, where the images tell as little of them.
        """
        size = (np.array(self.valid.shape) - 2 * self.pad) * self.sampling
        first = self.origin - self.sampling / 2
        beyond = np.maximum(first - positions, positions - first - size)
        rows, columns = np.round(positions / self.sampling).astype(int).T
        height, width = self.valid.shape
        inside = self._depth[rows.clip(0, height - 1), columns.clip(0, width - 1)]
        return np.asarray(np.where(inside > 0, inside, beyond.max(axis=1)), float)

    @cached_property
    def _depth(self) -> NDArray[np.float64]:
        """How far pixels are in holes [Å], 0 elsewhere, shape (y, x)."""
        return np.asarray(distance_transform_edt(self.holes) * self.sampling)


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
    holes = _holes(valid, sampling)
    if holes.any():
        inside &= distance_transform_edt(~holes) * sampling > _BORDER
    # Mirrored, and in holes as nearby: whitening undoes the MTF, and steps would ring.
    nearest = tuple(
        distance_transform_edt(~valid, return_distances=False, return_indices=True)
    )
    padded = [np.pad(each[nearest], pad, mode="symmetric") for each in images]
    return PaddedSeries(
        np.array(padded, np.float32),
        np.pad(inside, pad),
        pad,
        sampling,
        np.pad(holes, pad),
    )


def _holes(valid: NDArray[np.bool_], sampling: float) -> NDArray[np.bool_]:
    """Return the pixels without data that are in wide regions of such, shape (y, x)."""
    # What is beyond the images is none.
    away = distance_transform_edt(~valid) * sampling
    deep = away > _HOLE
    if not deep.any():
        return np.zeros_like(valid)
    near = distance_transform_edt(~deep) * sampling <= _HOLE + sampling
    return np.asarray(~valid & near, bool)
