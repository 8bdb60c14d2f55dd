# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad pixels: hot and dead pixels that electrons and lenses cannot have made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]
    Mask = NDArray[np.bool_]
    Places = NDArray[np.intp]  # (2, pixel)

_NEAR = np.array([(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)])
_FAR = np.array(
    [(y, x) for y in range(-2, 3) for x in range(-2, 3) if max(abs(y), abs(x)) == 2]
)

# Largest difference of a pixel from its neighbors. A step is the increase from the
# difference of one pixel in ten to that of one in a hundred. Noise with an exponential
# distribution, which falls more slowly than that of electrons, exceeds this by eight
# steps in one of 1e10 pixels.
_STEPS = 8

# Single electrons differ by whole numbers; their steps are at least one electron, which
# is most of the difference of one pixel in a hundred.
_DISCRETE = 0.25

# A point that lenses make extends over its neighbors: of a spot with a full width of
# two pixels at half of its height, half of the eight neighbors have 25 % of it or more.
# Hot pixels, squares of 2 x 2 of them, and lines of them do not have such neighbors.
_SHARED = 0.2

# The shoulder of a point is not hot either; hotter pixels are replaced first.
_SHOULDER = 2.0

# Single electrons above readout noise: more than this number and share of pixels, half
# of them within a factor, and less than this share with the same value.
_FEW = 20
_RARE = 5e-4
_ALIKE = 2.0
_STUCK = 0.95

# Two pixels at this distance are not in one cluster.
_APART = 3

_SAMPLE = 40_000
_ROUNDS = 4  # rounds in which clusters are removed from their corners
_MOST = 0.3  # largest share of pixels that are checked: the extrema of a strong lattice
_AT_ONCE = 100_000  # pixels at a time, whose neighbors take 20 MB
_SMALLEST_SIDE = 8  # of images with enough neighbors to compare with
_ROWS = 64  # rows that are compared at a time, in the cache of a processor


def replace_bad_pixels(
    image: Image,
    missing: Mask | None = None,
    valid: Mask | None = None,
    *,
    search: bool = True,
) -> Mask:
    """Replace hot, dead and missing pixels by the median of their neighbors, in place.

    A pixel is hot or dead if it is much farther from the median of its eight neighbors
    than others in the image are, and its neighbors do not share its excess, as they
    would for anything that lenses have imaged. Single electrons at low dose and the
    points of a lattice are not hot.

    Parameters
    ----------
    image
        Finite values, shape (y, x).
    missing
        True for pixels without a value.
    valid
        True where the image is data; by default everywhere.
    search
        Whether to search for hot and dead pixels, and not only replace missing ones.

    Returns
    -------
    True for the pixels that were replaced, shape (y, x).
    """
    bad = np.zeros(image.shape, bool) if missing is None else missing.copy()
    if min(image.shape) < _SMALLEST_SIDE:
        return bad
    usable = ~bad if valid is None else valid & ~bad
    whole = valid is None and missing is None
    if not search:
        _fill(image, bad, usable)
        return bad
    limit, usual = _limit(image, usable, whole=whole)
    places = _candidates(image, limit - usual)
    places = places[:, usable[places[0], places[1]]]
    if places.shape[1] <= _MOST * image.size:
        hot = _are_hot(image, usable, places, limit)
        value = image[tuple(places[:, hot])]
        excess = value - _median(image, usable, places[:, hot], _NEAR)
        if _are_electrons(value, excess, image.size):
            limit = _STEPS * float(np.median(excess))
        for _ in range(_ROUNDS):
            hot = _are_hot(image, usable, places, limit)
            if not hot.any():
                break
            bad[tuple(places[:, hot])] = True
            usable[tuple(places[:, hot])] = False
            places = places[:, ~hot]
    _fill(image, bad, usable)
    return bad


def _limit(image: Image, usable: Mask, *, whole: bool) -> tuple[float, float]:
    """Return the smallest difference of hot pixels, and that of one pixel in 100."""
    height, width = image.shape
    generator = np.random.default_rng(0)
    count = min(_SAMPLE, image.size)
    places = np.stack([generator.integers(n, size=count) for n in (height, width)])
    if not whole:
        places = places[:, usable[places[0], places[1]]]
    if not places.size:
        return np.inf, 0.0
    near = _median(image, usable, places, _NEAR)
    off = np.abs(image[places[0], places[1]] - near)
    off = off[np.isfinite(off)]
    often, usual = (float(q) for q in np.quantile(off, (0.9, 0.99)))
    if usual == 0:
        # There are so few electrons that nearly all pixels are 0.
        usual = float(off[off > 0].min(initial=np.inf))
    step = usual - often
    if step < _DISCRETE * usual:
        step = usual
    return usual + _STEPS * step, usual


def _candidates(image: Image, limit: float) -> Places:
    """Return pixels that differ from both pixels three steps away along an axis."""
    found = [np.zeros((2, 0), np.intp)]
    height = image.shape[0]
    for start in range(0, height, _ROWS):
        stop = min(start + _ROWS, height)
        first, last = max(start - _APART, 0), min(stop + _APART, height)
        part = image[first:last]
        # This is done along y, and along x.
        rows = np.abs(part[_APART:] - part[:-_APART]) > limit
        inner = image[start:stop]
        columns = np.abs(inner[:, _APART:] - inner[:, :-_APART]) > limit
        if not rows.any() and not columns.any():
            continue
        along_y = _on_both_sides(rows, 0, part.shape)[start - first : stop - first]
        along_x = _on_both_sides(columns, 1, inner.shape)
        places = np.stack(np.nonzero(along_y | along_x))
        places[0] += start
        found.append(places)
    return np.concatenate(found, axis=1)


def _on_both_sides(differs: Mask, axis: int, shape: tuple[int, ...]) -> Mask:
    """Return the pixels that differ from those before and behind, where these exist."""
    differs = np.moveaxis(differs, axis, 0)
    both = np.ones((shape[axis], *differs.shape[1:]), bool)
    both[_APART:] &= differs
    both[: len(both) - _APART] &= differs
    return np.moveaxis(both, 0, axis)


def _are_electrons(value: Image, excess: Image, size: int) -> bool:
    """Return whether the pixels above the readout noise are single electrons.

    Single electrons are many and nearly equal; stuck pixels are exactly equal, and hot
    pixels are not equal at all.
    """
    if len(excess) <= max(_FEW, _RARE * size):
        return False
    low, high = np.quantile(excess, (0.25, 0.75))
    _, counts = np.unique(value, return_counts=True)
    same = counts.max() / len(excess)
    return bool(low > 0 and high < _ALIKE * low and same < _STUCK)


def _are_hot(image: Image, usable: Mask, places: Places, limit: float) -> Mask:
    parts = [
        _are_hot_at_once(image, usable, places[:, start : start + _AT_ONCE], limit)
        for start in range(0, places.shape[1], _AT_ONCE)
    ]
    return np.concatenate([np.zeros(0, bool), *parts])


def _are_hot_at_once(image: Image, usable: Mask, places: Places, limit: float) -> Mask:
    """Return which pixels are hot: different from half or more of their neighbors."""
    value = image[places[0], places[1]]
    far = _median(image, usable, places, _FAR)
    sign = np.where(value < far, np.float32(-1), np.float32(1))
    # Multiplied by the sign, so that smaller values are more like the image.
    values, count = _sorted_around(image, usable, places, _NEAR, sign)
    index = np.arange(len(value))
    # Of an even number the less extreme middle is taken, because half of them may be
    # hot.
    near = sign * values[index, np.maximum(count - 1, 0) // 2]
    largest = sign * values[index, np.maximum(count - 1, 0)]
    # A pixel whose neighbors were all hot can only be compared with farther ones.
    near, largest = (np.where(count > 0, each, far) for each in (near, largest))
    off = np.abs(value - far)
    hot: Mask = (
        (np.abs(value - near) > limit)
        & (np.abs(near - far) < _SHARED * off)
        & (np.abs(largest - far) < _SHOULDER * off)
    )
    return hot


def _fill(image: Image, bad: Mask, usable: Mask) -> None:
    """Replace bad pixels, first those with good neighbors."""
    places = np.stack(np.nonzero(bad))
    while places.size:
        value = _median(image, usable, places, _NEAR)
        known = np.isfinite(value)
        if not known.any():
            value = np.full(len(value), np.median(image[usable]) if usable.any() else 0)
            known = np.ones(len(value), bool)
        image[tuple(places[:, known])] = value[known]
        usable[tuple(places[:, known])] = True
        places = places[:, ~known]


def _median(image: Image, usable: Mask, places: Places, around: Places) -> Image:
    """Return the median of the usable pixels around positions, NaN without any."""
    values, count = _sorted_around(image, usable, places, around)
    index = np.arange(len(values))
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, len(around) - 1)
    median = (values[index, low] + values[index, high]) / 2
    return np.asarray(np.where(count > 0, median, np.nan), np.float32)


def _sorted_around(
    image: Image,
    usable: Mask,
    places: Places,
    around: Places,
    sign: Image | None = None,
) -> tuple[Image, Places]:
    """Return the sorted pixels around positions, and the number of usable ones.

    Pixels that are not usable come last. The image is continued by reflection beyond
    its edges. If there is a sign for each position, the pixels are multiplied by it.
    """
    inside = places[:, :, np.newaxis] + around.T[:, np.newaxis]
    for index, size in zip(inside, image.shape, strict=True):
        np.abs(index, out=index)
        np.subtract(index, 2 * np.maximum(index - (size - 1), 0), out=index)
    values = image[inside[0], inside[1]]
    if sign is not None:
        values = values * sign[:, np.newaxis]
    good = usable[inside[0], inside[1]]
    return np.sort(np.where(good, values, np.inf), axis=1), good.sum(axis=1)
