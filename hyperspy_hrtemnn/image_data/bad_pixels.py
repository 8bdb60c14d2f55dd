# SPDX-License-Identifier: GPL-3.0-or-later
"""Hot and dead pixels, found where electrons and optics cannot have made them."""

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

# How far off its neighbors a pixel may be: each step is from one pixel in ten to one in
# a hundred being as far off. Noise of a distribution that falls exponentially, slower
# than that of electrons, goes eight steps beyond in one pixel of 1e10.
_STEPS = 8

# Electrons one by one differ by whole numbers; their steps are at least one electron,
# which is most of what one pixel in a hundred is off.
_DISCRETE = 0.25

# A point that lenses make has neighbors: of a spot as narrow as two pixels at half of
# its height, half of the eight neighbors have 25 % of it or more. Hot pixels, two by
# two of them, and lines of them have none.
_SHARED = 0.2

# The shoulder of a point is not hot either; what is hotter goes first.
_SHOULDER = 2.0

# Electrons on the noise of a readout: more than so many pixels and share of all, half
# of them within a factor, and less than this share of one value.
_FEW = 20
_RARE = 5e-4
_ALIKE = 2.0
_STUCK = 0.95

# Two pixels this far apart are not of one cluster.
_APART = 3

_SAMPLE = 40_000
_ROUNDS = 4  # in which clusters are eaten from their corners
_MOST = 0.3  # share of the pixels that are looked at, the extrema of a strong lattice
_AT_ONCE = 100_000  # pixels, whose neighbors take 20 MB
_SMALLEST_SIDE = 8  # of images in which there are neighbors to compare with
_ROWS = 64  # that are compared at a time, in the cache of a processor


def replace_bad_pixels(
    image: Image,
    missing: Mask | None = None,
    valid: Mask | None = None,
    *,
    search: bool = True,
) -> Mask:
    """Replace hot, dead and missing pixels by the median of their neighbors, in place.

    A pixel is hot or dead if it is much farther off the median of its eight neighbors
    than others in the image are, and these neighbors do not share what it has more, as
    they would of anything that lenses have drawn. Single electrons at low dose and the
    points of a lattice are not.

    Parameters
    ----------
    image
        Finite values, shape (y, x).
    missing
        Pixels that have no value.
    valid
        Where the image is data; by default everywhere.
    search
        Whether to look for others than the missing ones.

    Returns
    -------
    The pixels that were replaced, shape (y, x).
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
    """Return how far off hot pixels are at least, and how far one pixel in 100 is."""
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
        # So few electrons that nearly all pixels have none.
        usual = float(off[off > 0].min(initial=np.inf))
    step = usual - often
    if step < _DISCRETE * usual:
        step = usual
    return usual + _STEPS * step, usual


def _candidates(image: Image, limit: float) -> Places:
    """Return pixels that differ from both of those three farther along an axis."""
    found = [np.zeros((2, 0), np.intp)]
    height = image.shape[0]
    for start in range(0, height, _ROWS):
        stop = min(start + _ROWS, height)
        first, last = max(start - _APART, 0), min(stop + _APART, height)
        part = image[first:last]
        # Along y, and along x.
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
    """Return the pixels that differ from those before and behind, where there are."""
    differs = np.moveaxis(differs, axis, 0)
    both = np.ones((shape[axis], *differs.shape[1:]), bool)
    both[_APART:] &= differs
    both[: len(both) - _APART] &= differs
    return np.moveaxis(both, 0, axis)


def _are_electrons(value: Image, excess: Image, size: int) -> bool:
    """Return whether what is above the noise of a readout is single electrons.

    They are many and nearly alike; what is stuck is exactly alike, and what is hot is
    not alike at all.
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
    """Return which pixels differ from half or more of their neighbors, and how."""
    value = image[places[0], places[1]]
    far = _median(image, usable, places, _FAR)
    sign = np.where(value < far, np.float32(-1), np.float32(1))
    # Times the sign, so that less is more like the image.
    values, count = _sorted_around(image, usable, places, _NEAR, sign)
    index = np.arange(len(value))
    # Of an even number the one that is less off: half of them may be hot.
    near = sign * values[index, np.maximum(count - 1, 0) // 2]
    largest = sign * values[index, np.maximum(count - 1, 0)]
    # One whose neighbors all were hot has only the farther ones.
    near, largest = (np.where(count > 0, each, far) for each in (near, largest))
    off = np.abs(value - far)
    hot: Mask = (
        (np.abs(value - near) > limit)
        & (np.abs(near - far) < _SHARED * off)
        & (np.abs(largest - far) < _SHOULDER * off)
    )
    return hot


def _fill(image: Image, bad: Mask, usable: Mask) -> None:
    """Replace pixels, those with good neighbors first."""
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
    """Return the median of the usable pixels around places, NaN without any."""
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
    """Return the pixels around places, ascending, and how many of them are usable.

    Others come last. Beyond its edges the image is continued by reflection. With a sign
    for each place the pixels are multiplied by it.
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
