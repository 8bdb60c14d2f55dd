# SPDX-License-Identifier: GPL-3.0-or-later
"""Scale bars that are burnt into an image, and their digits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from .openings import opened

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

# A bar is a rectangle of at least this width and height [pixels]. This share of it is
# filled, including the digits in it, and at most this share of the pixels around it has
# the same value.
BAR = (3, 24)
_SOLID = 0.97
_CRISP = 0.2
_HOLE = 0.05  # largest share of the image that a digit takes

# Digits beside a bar have its value, and are within this many widths and heights of it.
_BESIDE = (6.0, 0.5)
RARE = 0.05  # largest share of pixels with this value elsewhere
_LEAST = 6  # pixels in the smallest part of a digit


def rows_of_bars(same: Mask) -> slice | None:
    """Return the rows in which there may be bars, and the rows beside them."""
    height, width = BAR
    step = width // 3
    grid = same[::height, ::step]
    starts = np.nonzero(grid[:, 2:] & grid[:, 1:-1] & grid[:, :-2])
    row, column = (height * starts[0])[:, np.newaxis], step * starts[1]
    columns = column[:, np.newaxis] + np.arange(2 * step + 1)

    def is_filled(above: int) -> NDArray[np.bool_]:
        rows = row + above
        inside = (rows >= 0) & (rows < len(same))
        filled_rows = same[np.clip(rows, 0, len(same) - 1), columns] & inside
        return np.asarray(filled_rows.all(axis=1))

    whole = np.flatnonzero(is_filled(0))
    row, columns = row[whole], columns[whole]
    before, after = is_filled(-1), is_filled(1)
    three = (before & after) | (before & is_filled(-2)) | (after & is_filled(2))
    found = row[three]
    if not found.size:
        return None
    return slice(max(int(found.min()) - width, 0), int(found.max()) + width)


def bars(same: Mask, found: Mask, rows: slice) -> Mask:
    """Return the bars of one value in some rows, and the digits beside them.

    They may overlap with areas that were found before.
    """
    same = same & ~found
    result = np.zeros(same.shape, bool)
    rare = share_after_others(same) < RARE
    part, known = same[rows], found[rows]
    solid = opened(part, BAR)
    if rare:
        # Beside digits the bar may be narrow.
        solid = ndimage.binary_propagation(solid, mask=part)
    solid = without_small_holes(solid | known) & ~known
    # A box may touch a border, a part of which is not known yet.
    for height in (BAR[0], 3 * BAR[0]):
        areas, _ = ndimage.label(opened(solid, (height, BAR[1])))
        for number, (y, x) in enumerate(ndimage.find_objects(areas), start=1):
            box = (slice(y.start + rows.start, y.stop + rows.start), x)
            bar = (areas[y, x] == number) | found[box]
            if crosses(same, box):
                # A line or a gap of a camera.
                continue
            if bar.mean() >= _SOLID and is_crisp(same, result, box):
                result[box] |= bar
                if rare:
                    result |= _beside(same, box)
    return result


def without_small_holes(mask: Mask) -> Mask:
    """Fill enclosed areas, such as digits, but not the image."""
    others, _ = ndimage.label(~mask)
    sizes = np.bincount(others.ravel())
    small = sizes <= _HOLE * mask.size
    edges = (others[0], others[-1], others[:, 0], others[:, -1])
    small[np.unique(np.concatenate(edges))] = False
    small[0] = True
    return np.asarray(small[others])


def crosses(same: Mask, box: tuple[slice, slice]) -> bool:
    """Return whether a box reaches from edge to edge, and is not at one itself."""
    ends = [
        (part.start > 0, part.stop < size)
        for part, size in zip(box, same.shape, strict=True)
    ]
    return any(
        inner == (True, True) and ends[1 - axis] == (False, False)
        for axis, inner in enumerate(ends)
    )


def is_crisp(same: Mask, known: Mask, box: tuple[slice, slice]) -> bool:
    """Return whether an area, without what is known, ends at the edges of its box."""
    around = tuple(slice(max(part.start - 1, 0), part.stop + 1) for part in box)
    wider = same[around] & ~known[around]
    inner = np.count_nonzero(same[box] & ~known[box])
    ring = wider.size - same[box].size
    return ring > 0 and bool(np.count_nonzero(wider) - inner <= _CRISP * ring)


def _beside(same: Mask, box: tuple[slice, slice]) -> Mask:
    """Return the digits beside a bar that have its value."""
    height, width = (part.stop - part.start for part in box)
    around = tuple(
        slice(max(part.start - reach, 0), part.stop + reach)
        for part, reach in zip(
            box, (round(_BESIDE[0] * height), round(_BESIDE[1] * width)), strict=True
        )
    )
    parts, count = ndimage.label(same[around], np.ones((3, 3), bool))
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    sizes[0] = 0
    result = np.zeros(same.shape, bool)
    result[around] = sizes[parts] >= _LEAST
    return result


def share_after_others(same: Mask) -> float:
    """Return the share of pixels with the value after pixels with another value."""
    after_others = ~same[:, :-1]
    count = np.count_nonzero(after_others)
    return np.count_nonzero(same[:, 1:] & after_others) / count if count else 1.0
