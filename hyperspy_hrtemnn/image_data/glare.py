# SPDX-License-Identifier: GPL-3.0-or-later
"""What is far brighter than lenses can make: hits of X-rays, blocks of hot pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from .openings import connected, opened
from .scaling import sampled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]
    Mask = NDArray[np.bool_]

# Interference of an electron wave with itself makes columns a few times as bright as
# the mean of an image, whatever the specimen.
_BRIGHTER = 10.0

# Where all is dark, also so many times farther off than one pixel in twenty: 66
# deviations of noise.
_FARTHER = 40.0

# More of an image is not hits; vacuum beside a thick specimen, for example.
_MOST = 5e-3

# Around a hit, what is farther off than noise and lattice get, to so many pixels.
_BESIDE = 2.0
_REACH = 16

# Squares of this side cannot be told from what is around them.
_SOLID = 5


def glare(image: Image, usable: Mask, zero: float) -> tuple[Mask, Mask] | None:
    """Return small and large parts of an image that are far too bright, if any.

    Looks only at images of counts, none of which is below zero.

    Parameters
    ----------
    image
        Finite values, shape (y, x).
    usable
        Where it is data, as far as that is known.
    zero
        The value of no electrons.

    Returns
    -------
    Parts to be replaced, and those that are no data because they are larger; each of
    shape (y, x).
    """
    pixels = sampled(image)[sampled(usable)].astype(np.float64)
    if not pixels.size:
        return None
    lowest, low, middle, high = (
        float(q) for q in np.quantile(pixels, (0.01, 0.05, 0.5, 0.95))
    )
    if lowest < zero or middle <= zero:
        return None
    spread = max(high - middle, middle - low)
    limit = max(_BRIGHTER * (middle - zero), _FARTHER * spread)
    core = (image > middle + limit) & usable
    if not 0 < np.count_nonzero(core) <= _MOST * core.size:
        return None
    near = np.zeros(core.shape, bool)
    for y, x in zip(*np.nonzero(core), strict=True):
        first = max(y - _REACH, 0), max(x - _REACH, 0)
        near[first[0] : y + _REACH + 1, first[1] : x + _REACH + 1] = True
    near &= usable & (np.abs(image - middle) > _BESIDE * spread)
    found = connected(near, core)
    large = connected(found, opened(found, (_SOLID, _SOLID)))
    if large.any():
        large = ndimage.binary_dilation(large, np.ones((3, 3), bool)) & usable
    return found & ~large, large
