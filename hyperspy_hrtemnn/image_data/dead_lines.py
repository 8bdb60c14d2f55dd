# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows and columns of a camera that are not read out, and gaps between its tiles."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from .fills import is_flat

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]
    Mask = NDArray[np.bool_]

# Probability that one of all rows is empty by chance where there are single electrons.
_CHANCE = 1e-6

_PROBES = 16  # pixels of a row that are checked first

# What is behind as many dead rows can be told from both sides; more are a gap.
_WIDEST_LINE = 3


def dead_lines(image: Image, valid: Mask) -> tuple[Mask, Mask]:
    """Return the pixels of rows and columns that are constant, each shape (y, x).

    The image on at least one side of them must have noise.

    Parameters
    ----------
    image
        Finite values, shape (y, x).
    valid
        Where it is data, as far as that is known.

    Returns
    -------
    Lines of at most three pixels, and wider gaps, as between the tiles of a camera.
    """
    lines, gaps = np.zeros((2, *image.shape), bool)
    rows, columns = np.flatnonzero(valid.any(axis=1)), np.flatnonzero(valid.any(axis=0))
    if not rows.size:
        return lines, gaps
    inner = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    part = image[inner]
    along_x, along_y = _constant_rows(part), _constant_rows(part.T)
    for turned, these, others in ((False, along_x, along_y), (True, along_y, along_x)):
        for run in _runs(these):
            # Where gaps cross, the rows beside one are constant in the other.
            if _is_dead(part.T if turned else part, run, ~others):
                found = lines if run.stop - run.start <= _WIDEST_LINE else gaps
                view = found[inner]
                (view.T if turned else view)[run] = True
    return lines, gaps


def _constant_rows(image: Image) -> Mask:
    """Return which rows have one value."""
    probes = image[:, np.linspace(0, image.shape[1] - 1, _PROBES).astype(int)]
    constant: Mask = (probes == probes[:, :1]).all(axis=1)
    for row in np.flatnonzero(constant).tolist():
        constant[row] = (image[row] == image[row, 0]).all()
    return constant


def _runs(which: Mask) -> list[slice]:
    """Return where there is one set after the other."""
    ends = np.flatnonzero(np.diff(which, prepend=False, append=False)).tolist()
    return [slice(start, stop) for start, stop in pairwise(ends)][::2]


def _is_dead(image: Image, run: slice, columns: Mask) -> bool:
    """Return whether rows are constant for another reason than the image's.

    Told by some columns of the rows beside them.
    """
    height, width = len(image), np.count_nonzero(columns)
    beside = [row for row in (run.start - 1, run.stop) if 0 <= row < height]
    if not beside or not width:
        return False
    value = image[run.start, 0]
    near = image[beside][:, columns]
    same = near == value
    # Of vacuum without noise a pixel is as the one before it is.
    after = same[:, 1:][same[:, :-1]]
    share = max(float(np.mean(each)) for each in (same, after) if each.size)
    return bool(height * share**width < _CHANCE) and not is_flat(near, value)
