# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions of vacuum in an image, with nothing but the noise of the detector."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import f, norm
from skimage.transform import downscale_local_mean

from hyperspy_hrtemnn.bad_frames import BadFrameError

from .hot_pixels import replace_hot_pixels
from .spectrum import SMALLEST_SIDE, chance_of_peak

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Side of the first region: a tile of the noise spectrum [pixels], or this share of the
# shorter side of the image.
_LEAST_SIDE = 128
_SHARE = 0.25

# Factor by which it then grows while it is vacuum, up to a side [pixels] that gives
# errors of a few permille; a larger region would only take longer.
_GROWTH = 1.25
_LARGEST_SIDE = 1024

# Width of its edges, which have to be like the inside [small blocks].
_EDGE = 4

# Share by which their mean may differ because of uneven illumination.
_UNEVEN = 0.05

# Sides of the blocks whose means are compared [pixels]; the small ones still show
# structure of a few nanometers and less.
_SMALL_BLOCK = 8
_LARGE_BLOCK = 32

# Probability that noise alone is taken for structure.
_CHANCE = 1e-4

# Largest variance of large blocks over that of small ones that the MTF of a detector
# makes, at c0 = 0.1: without it no large region would pass.
_CORRELATED = 3.0

# A saturated region has this share of its pixels at the highest value, which is this
# near to the mean [standard deviations].
_SATURATED_SHARE = 0.01
_SATURATED_HEIGHT = 3.0


def find_vacuum(
    image: NDArray[np.floating], valid: NDArray[np.bool_] | None = None
) -> tuple[slice, slice]:
    """Find the largest square region of an image that is vacuum.

    The search begins with the square in which the means of blocks of 8 x 8 pixels vary
    least for their number of counts; its side is a quarter of the shorter side of the
    image or 128 pixels. It is vacuum if neither a lattice nor large-scale structure
    stands out from its noise. Then it grows by a quarter as long as this holds, up to
    1024 pixels: the errors of the measurement are inverse to its side. Where the noise
    hides the specimen any region passes, and so does amorphous material without
    contrast on a large scale: give the mean of many frames, and check the result.

    Parameters
    ----------
    image
        Counts, shape (y, x).
    valid
        True where the image is data; by default everywhere.

    Returns
    -------
    Rows and columns, of whole blocks of 8 pixels.

    Raises
    ------
    ValueError
        If there is no vacuum, or the image is smaller than 64 pixels.
    """
    if isinstance(image, np.ma.MaskedArray):
        seen = ~np.ma.getmaskarray(image)
        image, valid = image.data, seen if valid is None else valid & seen
    shortest = min(image.shape)
    side = min(max(round(_SHARE * shortest), _LEAST_SIDE), shortest)
    if side < SMALLEST_SIDE:
        height, width = image.shape
        raise ValueError(f"The image of {width} x {height} pixels is too small.")
    if valid is not None:
        image = np.where(valid, image, np.median(image[valid]))
    # A hot pixel that is in all frames would end the region.
    image, _ = replace_hot_pixels(image)
    if valid is not None:
        image[~valid] = np.nan
    everywhere = (slice(0, image.shape[0]), slice(0, image.shape[1]))
    best = _flattest(image, everywhere, side, side // 4)
    structure = _structure(image[best])
    if structure:
        raise ValueError(
            "No region of vacuum was found: the flattest one, from pixel "
            f"({best[1].start}, {best[0].start}) on, has {structure}. Give one as roi, "
            "such as hs.roi.RectangularROI(left, top, right, bottom)."
        )
    longest = min(shortest, _LARGEST_SIDE)
    while _side(best) < longest - longest % _SMALL_BLOCK:
        side = min(round(_GROWTH * _side(best)), longest)
        around = tuple(
            slice(max(place.stop - side, 0), min(place.start + side, length))
            for place, length in zip(best, image.shape, strict=True)
        )
        larger = _flattest(image, (around[0], around[1]), side, side // 16)
        if _structure(image[larger]) or _has_other_edges(image[larger], image[best]):
            break
        best = larger
    return best


def check_region(region: NDArray[np.floating]) -> None:
    """Raise a BadFrameError where a region is not an image of a uniform beam.

    Parameters
    ----------
    region
        Counts, shape (y, x).
    """
    mean, deviation, highest = region.mean(), region.std(), region.max()
    if highest == region.min():
        raise BadFrameError(
            f"The region is constant: every pixel is {highest:g}. Leave blank frames "
            "out.",
            "constant",
        )
    share = np.count_nonzero(region == highest) / region.size
    if share > _SATURATED_SHARE and highest < mean + _SATURATED_HEIGHT * deviation:
        raise BadFrameError(
            f"The region is saturated: {share:.1%} of its pixels have the highest "
            f"value, {highest:g}. Give another region, or leave such frames out.",
            "saturated",
        )


def _flattest(
    image: NDArray[np.floating], within: tuple[slice, slice], side: int, step: int
) -> tuple[slice, slice]:
    """Return the flattest square, of whole blocks, inside a part of an image."""
    side -= side % _SMALL_BLOCK
    step = max(step // _SMALL_BLOCK, 1) * _SMALL_BLOCK
    starts = (
        range(part.start, max(part.stop - side, part.start) + 1, step)
        for part in within
    )
    places = [
        (slice(row, row + side), slice(column, column + side))
        for row, column in product(*starts)
    ]
    return min(places, key=lambda place: _unevenness(image[place], _SMALL_BLOCK))


def _has_other_edges(
    region: NDArray[np.floating], vacuum: NDArray[np.floating]
) -> bool:
    """Return whether one of the edges of a region is not like the vacuum inside it.

    A specimen that reaches into the region would hardly change the mean of all of it.
    """
    usual = np.var(_block_means(vacuum, _SMALL_BLOCK))
    flat = _block_means(region, _SMALL_BLOCK)
    raw = downscale_local_mean(region, (_SMALL_BLOCK, _SMALL_BLOCK)) - vacuum.mean()
    first, last = slice(None, _EDGE), slice(-_EDGE, None)
    for edge in ((first,), (last,), (slice(None), first), (slice(None), last)):
        free = (flat[edge].size, vacuum.size // _SMALL_BLOCK**2)
        chance = norm.isf(_CHANCE / 2) * np.sqrt(_CORRELATED * usual / free[0])
        if (
            np.var(flat[edge]) / usual > f.isf(_CHANCE, *free)
            or abs(flat[edge].mean()) > chance
            or abs(raw[edge].mean()) > chance + _UNEVEN * abs(vacuum.mean())
        ):
            return True
    return False


def _side(place: tuple[slice, slice]) -> int:
    return int(place[0].stop - place[0].start)


def _unevenness(region: NDArray[np.floating], block: int) -> float:
    """Return the variance of the means of blocks, about a plane, over the mean."""
    if not np.isfinite(region).all():
        return np.inf
    means = _block_means(region, block)
    return float(np.var(means) / max(abs(region.mean()), np.finfo(float).tiny))


def _block_means(region: NDArray[np.floating], block: int) -> NDArray[np.floating]:
    """Return the means of blocks less a plane, shape (y, x) of whole blocks."""
    whole = tuple(slice(0, length - length % block) for length in region.shape)
    means = downscale_local_mean(region[whole], (block, block))
    rows, columns = np.indices(means.shape)
    plane = np.stack([np.ones(means.size), rows.ravel(), columns.ravel()], axis=1)
    fitted = plane @ np.linalg.lstsq(plane, means.ravel(), rcond=None)[0]
    rest: NDArray[np.floating] = means - fitted.reshape(means.shape)
    return rest


def _structure(region: NDArray[np.floating]) -> str:
    """Return what stands out from the noise of a region, if anything."""
    if not np.isfinite(region).all():
        return "pixels without data"
    if chance_of_peak(region) < _CHANCE:
        return "a lattice"
    small, large = (
        _block_means(region, block) * block for block in (_SMALL_BLOCK, _LARGE_BLOCK)
    )
    free = tuple(max(means.size - 3, 1) for means in (large, small))
    ratio = np.sum(large**2) / free[0] / (np.sum(small**2) / free[1])
    # Noise that is not correlated over many pixels averages out alike in both.
    most = max(float(f.isf(_CHANCE, *free)), _CORRELATED)
    return "structure on a large scale" if ratio > most else ""
