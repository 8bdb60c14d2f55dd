# SPDX-License-Identifier: GPL-3.0-or-later
"""Hot pixels in vacuum: hot, dead, or hit by X-rays."""

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

# Largest deviation of noise, in standard deviations and also in electrons: at low dose
# a single electron is many deviations off, and so is readout noise of single electrons.
_DEVIATIONS = 6
_ELECTRONS = 6

# Share of the pixels with the largest deviations that are left out where the counts of
# one electron are estimated.
_DOUBTFUL = 1e-3


def replace_hot_pixels(
    region: NDArray[np.floating], offset: float = 0.0
) -> tuple[NDArray[np.float64], int]:
    """Replace pixels far from the median of their neighbors by this median.

    One hot pixel adds a white spectrum, as readout noise does. The limit is 6 electrons
    plus 6 standard deviations of the noise, or of the electrons where these are more.
    The counts of one electron are the power of the noise towards frequency 0 over the
    mean, so that the gain need not be known. Single electrons, at the lowest doses, are
    kept.

    Parameters
    ----------
    region
        Counts of vacuum, shape (y, x), at least 64 pixels along each axis.
    offset
        Counts of a pixel without beam.

    Returns
    -------
    region
        The counts with hot pixels replaced, float64, shape (y, x).
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
