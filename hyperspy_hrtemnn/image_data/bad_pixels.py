# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad pixels: hot and dead pixels that electrons and lenses cannot have made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .neighbors import FAR, NEAR, fill, median, sorted_around

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]
    Mask = NDArray[np.bool_]
    Places = NDArray[np.intp]  # (2, pixel)

# How far off its neighbors a pixel may be: each step is from one pixel in ten to one in
# a hundred being as far off. Noise of a distribution that falls exponentially, slower
# than that of electrons, goes eight steps beyond in one pixel of 1e10.
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

_WING = 8  # pixels that a hit reaches from its core

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
        fill(image, bad, usable)
        return bad
    limit, usual = _limit(image, usable, whole=whole)
    places = _candidates(image, limit - usual)
    places = places[:, usable[places[0], places[1]]]
    if places.shape[1] <= _MOST * image.size:
        hot = _are_hot(image, usable, places, limit)
        value = image[tuple(places[:, hot])]
        excess = value - median(image, usable, places[:, hot], NEAR)
        if _are_electrons(value, excess, image.size):
            limit = _STEPS * float(np.median(excess))
        for _ in range(_ROUNDS):
            hot = _are_hot(image, usable, places, limit)
            if not hot.any():
                break
            bad[tuple(places[:, hot])] = True
            usable[tuple(places[:, hot])] = False
            places = places[:, ~hot]
        _add_wings(image, bad, usable, limit)
    fill(image, bad, usable)
    return bad


def _add_wings(image: Image, bad: Mask, usable: Mask, limit: float) -> None:
    """Add what is beside bad pixels and as far off: the rest of one hit.

    Shifted by part of a pixel, a hot pixel has wings that neighbors share; splines let
    them ring, to 7 pixels of one of 60 000 counts.
    """
    places = np.stack(np.nonzero(bad))
    for _ in range(_WING):
        beside = (places[:, :, np.newaxis] + NEAR.T[:, np.newaxis]).reshape(2, -1)
        inside = np.all((beside >= 0) & (bad.shape > beside.T).T, axis=0)
        places = np.unique(beside[:, inside], axis=1)
        places = places[:, usable[tuple(places)]]
        if not places.size:
            return
        far = median(image, usable, places, FAR)
        places = places[:, np.abs(image[tuple(places)] - far) > limit]
        bad[tuple(places)] = True
        usable[tuple(places)] = False


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
    near = median(image, usable, places, NEAR)
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
    far = median(image, usable, places, FAR)
    sign = np.where(value < far, np.float32(-1), np.float32(1))
    # Times the sign, so that less is more like the image.
    values, count = sorted_around(image, usable, places, NEAR, sign)
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
