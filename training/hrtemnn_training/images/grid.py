# SPDX-License-Identifier: GPL-3.0-or-later
"""Grid of pixels over a part of a specimen: from Å to rows and columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Grid:
    """Pixels that divide a part of a specimen evenly.

    Parameters
    ----------
    corner
        (y, x) of the upper left corner of the upper left pixel [Å].
    size
        Lengths of the part along (y, x) [Å].
    shape
        Pixels along (y, x).
    """

    corner: tuple[float, float]
    size: tuple[float, float]
    shape: tuple[int, int]

    @property
    def pixel(self) -> NDArray[np.float64]:
        """Lengths of a pixel along (y, x) [Å]."""
        return np.divide(self.size, self.shape)

    def indices(self, positions: ArrayLike) -> NDArray[np.float64]:
        """Return (row, column) of positions (x, y) [Å], integers at pixels' centers.

        Parameters
        ----------
        positions
            Shape (position, 2) [Å].
        """
        flipped = np.asarray(positions)[:, ::-1]
        return np.asarray((flipped - self.corner) / self.pixel - 0.5)

    def centers(self, axis: int) -> NDArray[np.float64]:
        """Return the middles of the pixels along an axis, 0 = y, 1 = x [Å]."""
        middles = (np.arange(self.shape[axis]) + 0.5) * self.pixel[axis]
        return np.asarray(self.corner[axis] + middles)
