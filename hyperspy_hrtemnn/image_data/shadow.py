# SPDX-License-Identifier: GPL-3.0-or-later
"""Shadow of an aperture: dark corners with hardly any noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from .convex_hull import inside_hull

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]
    Mask = NDArray[np.bool_]

# Blocks whose mean and noise are compared: their number along the shorter side, and
# their smallest side [pixels].
_BLOCKS = 48
_LEAST_BLOCK = 16

# Largest variance of the noise in the shadow over that in the image: with a tenth of
# the electrons it is a tenth. Thick supports are also dark, but not as dark.
_NOISE = 0.15

# The shadow is darker than the image by at least this factor times the deviation of the
# darkest blocks of the image.
_DARKER = 2.0
_LOW = 0.05

# Least noise of the blocks beside the edge over that in the shadow: a beam ends there.
_BESIDE = 3.0

# Most counts in the shadow over those in the image, where counts are known: a camera
# adds some everywhere. Beside a lattice of coarse pixels vacuum has hardly any noise,
# and uneven light makes it darker, but not as dark.
_COUNTS = 0.7

# Smallest share of the shadow outside of the convex hull of the image, because the
# image inside an aperture is convex.
_OUTSIDE = 0.9

# Largest and smallest share of an image that is shadow.
_MOST = 0.8
_LEAST = 0.002

# Filled areas are dark, too. In a shadow with few electrons some areas have none.
_KNOWN = 0.1

_SMOOTHED = 15  # side of the means that show the edge [pixels]
_FRINGES = 4  # width of the fringes at the edge that are left out, too [pixels]


def shadow(image: Image, valid: Mask, zero: float) -> Mask | None:
    """Find the shadow of an aperture that reaches into a corner, None if there is none.

    Parameters
    ----------
    image
        Image with hot pixels replaced, shape (y, x).
    valid
        True where it is data, as far as is known.
    zero
        The value of no electrons.
    """
    block = max(_LEAST_BLOCK, min(image.shape) // _BLOCKS)
    if min(image.shape) < 8 * block or not _has_dark_corner(image, block):
        return None
    mean, noise = _mean_and_noise(image, block)
    bright_noise, bright = _typical(noise, mean)
    quiet = noise < _NOISE * bright_noise
    # Blocks at the edge contain shadow and image.
    inner = ~ndimage.binary_dilation(quiet, np.ones((3, 3), bool))
    if not inner.any():
        return None
    lowest = float(np.quantile(mean[inner], _LOW))
    dark = quiet & (mean < bright - _DARKER * (bright - lowest))
    areas, _ = ndimage.label(dark)
    corners = np.unique(areas[[0, 0, -1, -1], [0, -1, 0, -1]])
    dark = np.isin(areas, corners[corners > 0])
    if not _LEAST < dark.mean() < _MOST:
        return None
    # Below zero there are no counts of electrons.
    is_counted = bright > zero and float(image.min()) >= zero
    counts = np.median(mean[dark]) - zero
    if (
        inside_hull(~dark)[dark].mean() > 1 - _OUTSIDE
        or not _ends_at_an_edge(dark, noise)
        or (is_counted and counts > _COUNTS * (bright - zero))
    ):
        return None
    found = _at_pixels(dark, block, image.shape)
    if valid[found].mean() < _KNOWN:
        return None
    level = float(np.median(mean[dark]) + np.median(mean[~dark])) / 2
    near = ndimage.binary_dilation(dark, np.ones((3, 3), bool), iterations=2)
    smooth = ndimage.uniform_filter(image, _SMOOTHED, mode="nearest")
    found = (smooth < level) & _at_pixels(near, block, image.shape)
    return np.asarray(ndimage.binary_dilation(found, iterations=_FRINGES))


def _has_dark_corner(image: Image, block: int) -> bool:
    """Return whether a corner is darker and has less noise than most of the image."""
    size = 2 * block
    ends = ((0, size), (-size, None))
    corners = [image[slice(*y), slice(*x)] for y in ends for x in ends]
    generator = np.random.default_rng(0)
    rows, columns = (generator.integers(n - size + 1, size=48) for n in image.shape)
    places = zip(rows.tolist(), columns.tolist(), strict=True)
    others = [image[y : y + size, x : x + size] for y, x in places]
    noise, mean = _typical(
        np.array([_noise(part) for part in others]),
        np.array([float(part.mean()) for part in others]),
    )
    return any(_noise(part) < _NOISE * noise and part.mean() < mean for part in corners)


def _ends_at_an_edge(dark: Mask, noise: NDArray[np.float64]) -> bool:
    """Return whether blocks beside dark ones, behind those at the edge, have noise."""
    square = np.ones((3, 3), bool)
    near, far = (ndimage.binary_dilation(dark, square, iterations=n) for n in (1, 3))
    beside = far & ~near
    if not beside.any():
        return False
    return bool(np.median(noise[beside]) > _BESIDE * np.median(noise[dark]))


def _typical(
    noise: NDArray[np.float64], mean: NDArray[np.float64]
) -> tuple[float, float]:
    """Return noise and mean of typical blocks, where a few may be dark or empty."""
    usual = noise >= np.quantile(noise, 0.9) / 4
    return float(np.median(noise[usual])), float(np.median(mean[usual]))


def _noise(part: Image) -> float:
    return float(np.mean(np.diff(part, axis=1) ** 2, dtype=np.float64))


def _mean_and_noise(
    image: Image, block: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows, columns = (n // block for n in image.shape)
    whole = image[: rows * block, : columns * block]
    shape = (rows, block, columns, block)
    mean = whole.reshape(shape).mean(axis=(1, 3), dtype=np.float64)
    squares = np.zeros(whole.shape, np.float32)
    squares[:, 1:] = np.diff(whole, axis=1) ** 2
    return mean, squares.reshape(shape).mean(axis=(1, 3), dtype=np.float64)


def _at_pixels(blocks: Mask, block: int, shape: tuple[int, ...]) -> Mask:
    pixels = blocks.repeat(block, axis=0).repeat(block, axis=1)
    pad = [(0, n - m) for n, m in zip(shape, pixels.shape, strict=True)]
    return np.pad(pixels, pad, mode="edge")
