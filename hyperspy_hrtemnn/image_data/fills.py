# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills: parts of an image that a program has filled, such as borders and scale bars.

They do not have noise, but the image beside them does. Constant areas in a smooth
image, or where an image is clipped, do not count as filled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from .bars import BAR, RARE, bars, rows_of_bars, share_after_others, without_small_holes
from .compressed import compressed_boxes
from .convex_hull import inside_hull
from .scaling import sampled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

# Probability that noise alone is taken for filled, anywhere in an image.
_CHANCE = 1e-9

# Largest share of equal neighboring pixels in an image with noise: it is 0.56 for noise
# of half a gray level, and nearly 1 in masks and in smoothed images of 8 bits.
_EQUAL = 0.5

# Side of the squares that make up constant areas [pixels], so that areas 7 pixels wide
# have one; and the factor in the number of shapes for each additional square.
_SQUARE = 4
_SHAPES = 7.0

# Smallest share of a filled border outside of the convex hull of the image: the image
# inside the border is convex after a shift or a rotation, and inside an aperture.
# Clipped particles are mostly inside the hull.
_OUTSIDE = 0.8

# Beside a clipped area the image is near to the value of the area. Beside a filled area
# it is as far from this value as elsewhere, within this factor.
_AS_FAR = 0.4
_NEAR = 2  # width of the zone beside an area [pixels]

# What is enclosed by filled areas and takes this share of the image may be a digit with
# any values; of what is larger the values tell.
_ISLAND = 2e-3

# Interpolation of shifted images mixes one pixel with the border.
_MIXED = 1


def filled(image: NDArray[Any], missing: Mask | None = None) -> Mask:
    """Find the pixels of an image that a program has filled, shape (y, x).

    Parameters
    ----------
    image
        Finite values, shape (y, x).
    missing
        True for pixels without a value; they are not returned.
    """
    if missing is not None:
        # This value does not occur anywhere else.
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
    """Return the rows and columns between those at the ends that are filled."""
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
    """Return whether an image is without noise, apart from pixels with one value."""
    before, after = image[:, :-1], image[:, 1:]
    equal = before == after
    if value is None:
        return bool(np.count_nonzero(equal) > _EQUAL * equal.size)
    other = (before != value) | (after != value)
    return bool(np.count_nonzero(equal & other) >= _EQUAL * np.count_nonzero(other))


def _suspects(image: NDArray[Any]) -> NDArray[Any]:
    """Return the values with which a part of an image may be filled."""
    values, counts = np.unique(sampled(image), return_counts=True)
    common = values[np.argsort(-counts)[:2]]
    corners = image[[0, 0, -1, -1], [0, -1, 0, -1]]
    return np.unique([*corners, image.min(), image.max(), *common])


def _fills_a_corner(same: Mask) -> bool:
    """Return whether the square in one of the corners has the value."""
    first, last = slice(None, _SQUARE), slice(-_SQUARE, None)
    return any(same[y, x].all() for y in (first, last) for x in (first, last))


def _borders(image: NDArray[Any], value: Any, same: Mask) -> Mask:
    """Return the areas filled with one value that reach into a corner."""
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
                # At few electrons, zeros beside a border belong to the image.
                rare = share < RARE
                result |= border if rare else _at_pixels(of_area, same, grow=False)
    # The tips of the areas, which are too narrow for a square, are added.
    return result | ~inside_hull(~same & ~result) if result.any() else result


def _is_a_border(area: Mask, outside: Mask) -> bool:
    """Return whether an area is outside of the image, apart from boxes at its edge."""
    inner = without_small_holes(area) & ~outside
    if np.count_nonzero(inner) <= (1 - _OUTSIDE) * np.count_nonzero(area):
        return True
    rows, columns = (np.flatnonzero(inner.any(axis=axis)) for axis in (1, 0))
    around = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    box = (inner | outside)[around]
    wide = box.shape[1] * _SQUARE >= BAR[1]
    return bool(wide and (area & outside).any() and box.mean() >= _OUTSIDE)


def _is_clipped(image: NDArray[Any], value: Any, border: Mask) -> bool:
    """Return whether the image is clipped at a value: its pixels come near to it."""
    if image.min() < value < image.max():
        return False
    beside = ndimage.binary_dilation(border, iterations=_NEAR) & ~border
    near, all_of_it = (
        np.abs(image[part] - float(value)).sum() / max(np.count_nonzero(part), 1)
        for part in (beside, ~border)
    )
    return bool(near < _AS_FAR * all_of_it)


def _all_in_squares(same: Mask) -> Mask:
    """Return which squares of the image have only the value."""
    rows, columns = (n // _SQUARE for n in same.shape)
    whole = same[: rows * _SQUARE, : columns * _SQUARE]
    squares = whole.reshape(rows, _SQUARE, columns, _SQUARE)
    return np.asarray(squares.all(axis=(1, 3)))


def _outside_hull(areas: Mask) -> Mask:
    """Return the pixels outside of the convex hull of the image without some areas."""
    others, count = ndimage.label(~areas)
    if not count:
        return areas
    # Digits in a bar do not belong to the image.
    largest = np.argmax(np.bincount(others.ravel())[1:]) + 1
    return ~inside_hull(others == largest)


def _at_pixels(squares: Mask, same: Mask, *, grow: bool) -> Mask:
    """Return the pixels in some squares and, if asked, equal pixels beside these."""
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
