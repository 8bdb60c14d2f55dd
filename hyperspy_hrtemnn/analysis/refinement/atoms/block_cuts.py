# SPDX-License-Identifier: GPL-3.0-or-later
"""Block cuts: where a large field of view is cut, so that no block has many columns.

Each block has a core, and around it a border that it shares with others. The cores
are next to each other; what is found in the border is the others'.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# Columns and length [Å] up to which a field of view is fitted as a whole: with more the
# normal matrix of all columns takes most of the time.
_MOST, _LONGEST = 600, 100.0

# The same of the core of a block, which has a border besides.
_MOST_IN_CORE, _LONGEST_CORE = 320, 60.0

# Width of the border [Å]: a column and its fringes at 10 nm of defocus.
_BORDER = 9.0

# Width of what is left out of the border, where columns beyond it are missing [Å].
_OUTER = 4.0


@dataclass(frozen=True)
class Block:
    """A part of a field of view.

    Parameters
    ----------
    first, last
        Least and largest position (y, x) in its core [Å], infinite at the border of
        the columns.
    rows, columns
        Its pixels, border included.
    """

    first: NDArray[np.float64]
    last: NDArray[np.float64]
    rows: slice
    columns: slice

    @property
    def pixels(self) -> tuple[slice, slice]:
        """Its pixels in an image."""
        return self.rows, self.columns

    def beyond(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far positions (y, x) are outside its core [Å], below 0 inside."""
        away = np.maximum(self.first - positions, positions - self.last)
        return np.asarray(away.max(axis=1))

    def weights(self, shape: tuple[int, ...], sampling: float) -> NDArray[np.float32]:
        """Return weights of its pixels, which fall to 0 before it ends.

        Parameters
        ----------
        shape
            Shape (y, x) of the images, at whose edges they do not fall.
        sampling
            Pixel size [Å].
        """
        along = []
        for span, size in zip(self.pixels, shape, strict=True):
            pixel = np.arange(span.start, span.stop)
            before = np.where(span.start > 0, pixel - span.start, np.inf)
            after = np.where(span.stop < size, span.stop - 1 - pixel, np.inf)
            depth = np.minimum(before, after) * sampling - _OUTER
            along.append(np.clip(depth / (2 * (_BORDER - _OUTER)), 0, 1))
        return np.asarray(along[0][:, np.newaxis] * along[1], np.float32)


def is_large(
    shape: tuple[int, ...], positions: NDArray[np.float64], sampling: float
) -> bool:
    """Return whether a field of view is too large to be fitted as a whole.

    Parameters
    ----------
    shape
        Shape (y, x) of the images.
    positions
        Positions (y, x) of the columns [Å], shape (column, 2).
    sampling
        Pixel size [Å].
    """
    return len(positions) > _MOST or max(shape) * sampling > _LONGEST


def cut_blocks(
    positions: NDArray[np.float64], shape: tuple[int, ...], sampling: float
) -> list[Block]:
    """Return the blocks of a field of view, each with some columns.

    Parameters
    ----------
    positions, shape, sampling
        As of `is_large`.
    """
    everywhere = np.full(2, -np.inf), np.full(2, np.inf)
    blocks = []
    for inside, first, last in _cores(positions, *everywhere):
        ends = inside.min(axis=0) - 2 * _BORDER, inside.max(axis=0) + 2 * _BORDER
        low = np.maximum(first - _BORDER, ends[0])
        high = np.minimum(last + _BORDER, ends[1])
        rows, columns = (
            slice(max(math.floor(a / sampling), 0), min(math.ceil(b / sampling), n))
            for a, b, n in zip(low, high, shape, strict=True)
        )
        blocks.append(Block(first, last, rows, columns))
    return blocks


def _cores(
    positions: NDArray[np.float64],
    first: NDArray[np.float64],
    last: NDArray[np.float64],
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]:
    """Yield the columns of each core, and where it begins and ends."""
    size = np.ptp(positions, axis=0)
    axis = int(size.argmax())
    if len(positions) <= _MOST_IN_CORE and size[axis] <= _LONGEST_CORE:
        yield positions, first, last
        return
    # Between the two columns in the middle.
    along = np.sort(positions[:, axis])
    half = len(along) // 2
    middle = float(along[half - 1 : half + 1].mean())
    lower = positions[:, axis] < middle
    end, start = last.copy(), first.copy()
    end[axis] = start[axis] = middle
    yield from _cores(positions[lower], first, end)
    yield from _cores(positions[~lower], start, last)
