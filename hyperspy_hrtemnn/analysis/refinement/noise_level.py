# SPDX-License-Identifier: GPL-3.0-or-later
"""Noise level: the noise of images where nothing else is, over that of their detector.

Whether dose, gain, MTF and readout noise are right shows at frequencies that no lens
passes, whatever the wave is.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

from hyperspy_hrtemnn.user_warnings import warn_user

from .fitted_optics import Measured
from .working_grid import HIGHEST, half

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .residuals import SeriesResiduals
    from .whitening import WhitenedSeries

NOISE_ONLY = (0.8, 0.97)
"""Frequencies of which nothing passes the lenses, as shares of the highest one."""

# Share by which the noise may differ from the detector's.
_OFF = 0.1


def noise_level(residuals: SeriesResiduals, vector: NDArray[np.float64]) -> Measured:
    """Return the power of noise beyond what lenses pass, over the detector's.

    Parameters
    ----------
    residuals
        Residuals without mixing.
    vector
        Parameters of the lenses.

    Returns
    -------
    1 within its standard error, if the detector is right; NaN where the pixels are too
    large for such frequencies.
    """
    series = residuals.series
    grid = series.grid
    if grid.highest < HIGHEST:
        return Measured(math.nan, math.nan)
    low, high = (share * grid.highest for share in NOISE_ONLY)
    outside = half((grid.squared > low**2) & (grid.squared < high**2))
    powers = [
        float(np.sum(np.abs(series.spectrum(image)[outside]) ** 2, dtype=np.float64))
        for image in residuals.compared(residuals.spectra(vector))
        if image is not None
    ]
    expected = float(_expected_power(series)[outside].sum())
    independent = 2 * len(powers) * expected
    return Measured(float(np.mean(powers)) / expected, math.sqrt(2 / independent))


def expected_noise(noise: Measured, *, any_contrast: bool) -> float:
    """Return the noise that images are expected to have, over the detector's.

    Parameters
    ----------
    noise
        As of `noise_level`.
    any_contrast
        Whether the contrast of the images is fitted: of stretched ones, or with an
        unknown zero, the dose does not tell the noise, and it is that which is found.
    """
    return float(noise.value) if any_contrast and np.isfinite(noise.value) else 1.0


def warn_of_noise(noise: Measured) -> None:
    """Warn if the noise of images is not that of their detector.

    Parameters
    ----------
    noise
        As of `noise_level`.

    Warns
    -----
    UserWarning
        If it differs by more than 10 % and more than four standard errors.
    """
    if abs(noise.value - 1) > max(_OFF, 4 * noise.error):
        warn_user(
            f"The noise of the images is {noise.value:.2f} times that of the detector "
            "at this dose, and all errors are wrong by its root: check "
            "counts_per_electron, dose, mtf and readout."
        )


def _expected_power(series: WhitenedSeries) -> NDArray[np.float64]:
    """Return the power of noise of 1 where it is compared, shape (y, x // 2 + 1).

    What is not compared smears the spectrum beyond the highest frequency.
    """
    window = np.abs(scipy.fft.fft2(series.mask.astype(np.float64))) ** 2
    band = series.grid.band.astype(np.float64)
    smeared = scipy.fft.fft2(scipy.fft.ifft2(window) * scipy.fft.ifft2(band))
    return np.asarray(half(smeared.real) / band.size)
