# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of an image that a program has filled: borders of alignment, scale bars.

They have no noise, and the image beside them has. What is constant in a smooth image,
or where an image is clipped, is not taken for filled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from .bars import BAR, RARE, bars, rows_of_bars, share_after_others, without_small_holes
from .compressed import compressed_boxes
from .outline import inside_hull
from .values import sampled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

# How seldom noise alone is taken for filled, of all places in an image.
_CHANCE = 1e-9

# Share of neighboring pixels that are equal, at most, in an image with noise: 0.56 of
# noise of half a gray level, and nearly all in masks and in smoothed images of 8 bits.
_EQUAL = 0.5

# Side of the squares of which constant areas are made [pixels], so that what is 7
# pixels wide has one; and how many shapes an area of so many squares may have: 7 for
# each square more.
_SQUARE = 4
_SHAPES = 7.0

# The image inside a filled border is convex, whether it was shifted, turned or seen
# through an aperture: so much of the border is outside of its hull. A clipped particle
# is not.
_OUTSIDE = 0.8

# Beside a clipped area the image is near to the value at which it is clipped. Beside a
# filled one it is as far from it as elsewhere, by this factor.
_AS_FAR = 0.4
_NEAR = 2  # pixels

# What is enclosed by filled areas and takes this share of the image may be a digit with
# any values; of what is larger the values tell.
_ISLAND = 2e-3

# Interpolation of shifted images mixes one pixel with the border.
_MIXED = 1


def filled(image: NDArray[Any], missing: Mask | None = None) -> Mask:
    """Return which pixels of an image a program has filled, shape (y, x).

    Parameters
    ----------
    image
        Finite values, shape (y, x).
    missing
        Pixels without a value; they are not returned.
    """
    if missing is not None:
        # A value that there is nowhere else.
        image = np.where(missing, np.float32(2) * np.abs(image).max() + 1, image)
    inner = _without_strips(image)
    mask = np.ones(image.shape, bool)
    mask[inner] = False
    rest, found = image[inner], mask[inner]
    if min(rest.shape) >= 2 * _SQUARE:
        for value in _suspects(rest):
            same = rest == value
            large, rows = _fills_a_corner(same), rows_of_bars(same)
            if (large or rows) and not is_flat(rest, value):
                if large:
                    found |= _borders(rest, value, same)
                if rows:
                    found |= bars(same, found, rows)
        if not is_flat(rest) and (boxes := compressed_boxes(rest, found)) is not None:
            found |= boxes
        # What is written into a filled area.
        found |= _islands(rest, found)
    if missing is not None:
        mask &= ~missing
    if mask.any():
        mask = ndimage.binary_dilation(mask, iterations=_MIXED)
    return mask


def _without_strips(image: NDArray[Any]) -> tuple[slice, slice]:
    """Return the rows and columns that are not, as a whole, copies or constant."""
    everything = (slice(0, image.shape[0]), slice(0, image.shape[1]))
    inner = everything
    for _ in range(2):
        rows = _ends(image[inner])
        columns = _ends(image[inner].T)
        if rows == columns == (0, 0):
            break
        inner = (_within(inner[0], rows), _within(inner[1], columns))
    if inner == everything:
        return everything
    rest = image[inner]
    if min(rest.shape) < _SQUARE:
        return everything
    count = image.size - rest.size
    equal = max(_share_equal(rest), _share_equal(rest.T))
    by_chance = image.size * equal**count > _CHANCE if equal else False
    return everything if (equal > _EQUAL and by_chance) or is_flat(rest) else inner


def _ends(image: NDArray[Any]) -> tuple[int, int]:
    """Return how many rows at both ends are constant or equal to the next one."""
    counts = []
    for rows in (image, image[::-1]):
        count = 0
        while count < len(rows) - 1 and (
            (rows[count] == rows[count, 0]).all()
            or np.array_equal(rows[count], rows[count + 1])
        ):
            count += 1
        counts.append(count)
    return (counts[0], counts[1]) if sum(counts) < len(image) else (0, 0)


def _within(part: slice, ends: tuple[int, int]) -> slice:
    return slice(part.start + ends[0], part.stop - ends[1])


def _share_equal(image: NDArray[Any]) -> float:
    """Return the share of pixels that are equal to the next one in their row."""
    return float(np.mean(image[:, 1:] == image[:, :-1])) if image.shape[1] > 1 else 0.0


def is_flat(image: NDArray[Any], value: Any = None) -> bool:
    """Return whether an image has no noise, apart from pixels of a value."""
    before, after = image[:, :-1], image[:, 1:]
    equal = before == after
    if value is None:
        return bool(np.count_nonzero(equal) > _EQUAL * equal.size)
    other = (before != value) | (after != value)
    return bool(np.count_nonzero(equal & other) >= _EQUAL * np.count_nonzero(other))


def _suspects(image: NDArray[Any]) -> NDArray[Any]:
    """Return the values that may fill a part of an image."""
    values, counts = np.unique(sampled(image), return_counts=True)
    common = values[np.argsort(-counts)[:2]]
    corners = image[[0, 0, -1, -1], [0, -1, 0, -1]]
    return np.unique([*corners, image.min(), image.max(), *common])


def _fills_a_corner(same: Mask) -> bool:
    """Return whether the square in a corner is constant."""
    first, last = slice(None, _SQUARE), slice(-_SQUARE, None)
    return any(same[y, x].all() for y in (first, last) for x in (first, last))


def _borders(image: NDArray[Any], value: Any, same: Mask) -> Mask:
    """Return the filled areas of one value that reach into a corner."""
    result = np.zeros(image.shape, bool)
    share = share_after_others(same)
    grown = _SHAPES * share ** (_SQUARE**2)
    if grown >= 1:
        return result
    areas, count = ndimage.label(_all_in_squares(same))
    corners = np.unique(areas[[0, 0, -1, -1], [0, -1, 0, -1]])
    sizes = np.bincount(areas.ravel(), minlength=count + 1)
    least = np.log(_CHANCE / image.size) / np.log(max(grown, 1e-30))
    large = corners[(corners > 0) & (sizes[corners] >= least)]
    if not len(large):
        return result
    outside = _outside_hull(np.isin(areas, large))
    for number in large:
        of_area = areas == number
        if _is_a_border(of_area, outside):
            border = _at_pixels(of_area, same, grow=True)
            if not _is_clipped(image, value, border):
                # Zeros of few electrons beside a border are of the image.
                rare = share < RARE
                result |= border if rare else _at_pixels(of_area, same, grow=False)
    # Their tips, too, in which there is no square.
    return result | ~inside_hull(~same & ~result) if result.any() else result


def _is_a_border(area: Mask, outside: Mask) -> bool:
    """Return whether an area is outside of the image, but for a box that touches it."""
    inner = without_small_holes(area) & ~outside
    if np.count_nonzero(inner) <= (1 - _OUTSIDE) * np.count_nonzero(area):
        return True
    rows, columns = (np.flatnonzero(inner.any(axis=axis)) for axis in (1, 0))
    around = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    box = (inner | outside)[around]
    wide = box.shape[1] * _SQUARE >= BAR[1]
    return bool(wide and (area & outside).any() and box.mean() >= _OUTSIDE)


def _is_clipped(image: NDArray[Any], value: Any, border: Mask) -> bool:
    """Return whether the image comes up to a value, its lowest or highest, slowly."""
    if image.min() < value < image.max():
        return False
    beside = ndimage.binary_dilation(border, iterations=_NEAR) & ~border
    near, all_of_it = (
        np.abs(image[part] - float(value)).sum() / max(np.count_nonzero(part), 1)
        for part in (beside, ~border)
    )
    return bool(near < _AS_FAR * all_of_it)


def _all_in_squares(same: Mask) -> Mask:
    """Return which squares of the image are all of the value."""
    rows, columns = (n // _SQUARE for n in same.shape)
    whole = same[: rows * _SQUARE, : columns * _SQUARE]
    squares = whole.reshape(rows, _SQUARE, columns, _SQUARE)
    return np.asarray(squares.all(axis=(1, 3)))


def _outside_hull(areas: Mask) -> Mask:
    """Return what is outside of the convex hull of all but some areas."""
    others, count = ndimage.label(~areas)
    if not count:
        return areas
    # Digits in a bar are not the image.
    largest = np.argmax(np.bincount(others.ravel())[1:]) + 1
    return ~inside_hull(others == largest)


def _at_pixels(squares: Mask, same: Mask, *, grow: bool) -> Mask:
    """Return the pixels in some squares, or also those of the value beside these."""
    near = squares
    if grow:
        near = ndimage.binary_dilation(squares, np.ones((3, 3), bool))
    rows, columns = same.shape
    pixels = near.repeat(_SQUARE, axis=0).repeat(_SQUARE, axis=1)
    pad = [(0, n - m) for n, m in zip(same.shape, pixels.shape, strict=True)]
    pixels = np.pad(pixels, pad, mode="edge")[:rows, :columns]
    return pixels & same


def _islands(image: NDArray[Any], found: Mask) -> Mask:
    """Return what is enclosed by filled areas, or by these and the image's edges.

    These are digits. What a line or a gap cuts off the image is large, and has noise.
    """
    if not found.any():
        return found
    others, _ = ndimage.label(~found)
    sizes = np.bincount(others.ravel())
    islands = sizes <= _ISLAND * found.size
    sizes[0] = 0
    places = ndimage.find_objects(others)
    for number in np.flatnonzero(~islands):
        if 0 < sizes[number] < sizes.max():
            islands[number] = is_flat(image[places[number - 1]])
    islands[0] = False
    return np.asarray(islands[others])
