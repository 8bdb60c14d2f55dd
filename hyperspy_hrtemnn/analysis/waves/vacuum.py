# SPDX-License-Identifier: GPL-3.0-or-later
"""Vacuum value: the value of an exit wave in vacuum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Standard deviation of the neighborhood in which the flatness is measured [Å].
_NEIGHBORHOOD = 2.0

# Share of the pixels taken for vacuum.
_SHARE = 0.03


def vacuum_value(wave: NDArray[np.complexfloating], sampling: float) -> complex:
    """Return the mean of a wave over the 3 % of its pixels where it is flattest.

    The wave is flattest where it varies least within 2 Å. Without vacuum in the field
    of view this is the flattest part of the sample, and the value is arbitrary, as is
    the phase.

    Parameters
    ----------
    wave
        Exit wave, shape (y, x).
    sampling
        Pixel size [Å].
    """
    sigma = _NEIGHBORHOOD / sampling
    mean = gaussian_filter(wave, sigma)
    variance = gaussian_filter(np.abs(wave) ** 2, sigma) - np.abs(mean) ** 2
    flattest = variance <= np.quantile(variance, _SHARE)
    return complex(wave[flattest].mean())
