# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels of vacuum that electrons do not explain: hot, dead or hit by X-rays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import median_filter
from scipy.stats import median_abs_deviation

from .spectrum import noise_spectrum

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Side of the square whose median a pixel is compared with.
_SQUARE = 5

# How far off noise is, at most, in standard deviations and besides in electrons: at
# low dose a single electron is many deviations off, and readout noise is single ones.
_DEVIATIONS = 6
_ELECTRONS = 6

# Share of the pixels, the farthest off, that may not tell what one electron makes.
_DOUBTFUL = 1e-3


def replace_hot_pixels(
    region: NDArray[np.floating], offset: float = 0.0
) -> tuple[NDArray[np.float64], int]:
    """Replace pixels that are too far off their neighbors by the median of those.

    One of them adds a white spectrum, as readout noise does. Too far is more than 6
    electrons and 6 standard deviations of the noise, or of the electrons where these
    are more. What an electron makes is the power of the noise towards frequency 0
    over the mean, so that no gain has to be known. Electrons one by one, at the lowest
    doses, stay.

    Parameters
    ----------
    region
        Counts of vacuum, shape (y, x), at least 64 pixels along each axis.
    offset
        Counts of a pixel without beam.

    Returns
    -------
    region
        The counts, float64, shape (y, x).
    count
        Number of pixels that were replaced.
    """
    usual = median_filter(region, _SQUARE, mode="mirror").astype(float)
    off = np.abs(region - usual)
    trimmed = np.where(off > np.quantile(off, 1 - _DOUBTFUL), usual, region)
    signal = trimmed.mean() - offset
    if not signal > 0:
        return region.astype(float), 0
    electron = noise_spectrum(trimmed).power.max() / signal
    deviation = max(
        median_abs_deviation(region - usual, axis=None, scale="normal"),
        np.sqrt(electron * signal),
    )
    hot = off > _DEVIATIONS * deviation + _ELECTRONS * electron
    return np.where(hot, usual, region).astype(float), int(np.count_nonzero(hot))
