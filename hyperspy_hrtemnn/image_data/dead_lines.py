# SPDX-License-Identifier: GPL-3.0-or-later
"""Dead lines: rows and columns of a detector that are not read out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .fills import is_flat

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

# Probability that one of all rows is empty by chance where there are single electrons.
_CHANCE = 1e-6

_PROBES = 16  # pixels of a row that are checked first


def dead_lines(image: NDArray[np.float32]) -> Mask:
    """Return the pixels of rows and columns that are constant, shape (y, x).

    Their neighbors are not constant: a wide band is not a dead line.
    """
    result = np.zeros(image.shape, bool)
    result[_constant_rows(image)] = True
    result[:, _constant_rows(image.T)] = True
    return result


def _constant_rows(image: NDArray[np.float32]) -> list[int]:
    height, width = image.shape
    probes = image[:, np.linspace(0, width - 1, _PROBES).astype(int)]
    found = []
    for row in np.flatnonzero((probes == probes[:, :1]).all(axis=1)).tolist():
        value = image[row, 0]
        if (image[row] != value).any():
            continue
        beside = [r for r in (row - 1, row + 1) if 0 <= r < height]
        share = float(np.mean(image[beside] == value)) if beside else 1.0
        if height * share**width < _CHANCE and not is_flat(image[beside], value):
            found.append(row)
    return found
