# SPDX-License-Identifier: GPL-3.0-or-later
"""The value of an exit wave where it went through nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Neighborhood in which a wave is flat or not, standard deviation [Å].
_NEIGHBORHOOD = 2.0

# Share of the pixels that are taken for vacuum.
_SHARE = 0.03


def vacuum_value(wave: NDArray[np.complexfloating], sampling: float) -> complex:
    """Return the mean of a wave over the 3 % of its pixels where it is flattest.

    Flat is where the wave varies least within 2 Å. Without vacuum in the field this is
    the flattest part of the sample, and what is found is as arbitrary as the phase.

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
