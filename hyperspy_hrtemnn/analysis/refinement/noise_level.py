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
from scipy.ndimage import distance_transform_edt

from hyperspy_hrtemnn.analysis.microscope.detector import parametric_mtf
from hyperspy_hrtemnn.user_warnings import warn_user

from .fitted_optics import Measured
from .working_grid import HIGHEST, half

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis.microscope.detector import Detector

    from .residuals import SeriesResiduals
    from .whitening import WhitenedSeries

NOISE_ONLY = (0.8, 0.97)
"""Frequencies of which nothing passes the lenses, as shares of the highest one."""

LESS = (
    "All standard errors are too large; of images that were smoothed or compressed "
    "nobody knows them: take the images as they were recorded."
)
"""What less noise than the detector's does to the errors."""

# Share by which the noise may differ from the detector's.
_OFF = 0.1

# Frequencies at which images with their contrast are only noise [1/Å]: at lower ones
# of 10^5 e⁻/Å² there is a tenth more.
_BEYOND = (0.9 * HIGHEST, 1.2 * HIGHEST)

# Noise behind the MTF as a share of the variance of an image below which it was
# smoothed, and has none to measure: of 10^6 e⁻/Å² it is some 10^-3.
_LEAST = 1e-5

# Width over which images fade at their border, which would ring otherwise [Å].
_TAPER = 2.0


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


def with_noise_of_dose(
    images: NDArray[np.floating], valid: NDArray[np.bool_], detector: Detector
) -> NDArray[np.floating]:
    """Return images, each stretched about its mean so that it has the detector's noise.

    Of images of an unknown contrast, as stretched ones or roots of counts, no dose
    tells the noise. Beyond what lenses pass it is all that there is, and is measured.

    Parameters
    ----------
    images
        Electrons in each pixel by their mean, shape (image, y, x).
    valid
        Pixels that are data, shape (y, x).
    detector
        Pixel size, MTF and readout noise.

    Returns
    -------
    The images as they are, where their noise is that of the dose; where the pixels are
    too large for such frequencies; and where nothing is there: of images that were
    smoothed nobody knows the noise.
    """
    nyquist = 0.5 / detector.sampling
    if nyquist < HIGHEST:
        return images
    ky, kx = (scipy.fft.fftfreq(n, detector.sampling) for n in valid.shape)
    k = np.hypot(ky[:, np.newaxis], kx)
    alone = (k > _BEYOND[0]) & (k < min(_BEYOND[1], NOISE_ONLY[1] * nyquist))
    response = np.ones(alone.sum())
    if detector.has_mtf:
        c0, c3, floor = detector.mtf_c0, detector.mtf_c3, detector.mtf_floor
        response = np.asarray(parametric_mtf(k[alone] / nyquist, c0, c3, floor))
    window = _window(valid, detector.sampling)
    error = math.sqrt(2 / (alone.sum() * np.mean(window**2)))
    found = []
    for image in images:
        mean = float(image[valid].mean())
        spectrum = scipy.fft.fft2(window * (image - mean))[alone]
        power = float(np.sum(np.abs(spectrum) ** 2) / np.sum(window**2))
        expected = float(np.sum(mean * response**2 + detector.readout))
        least = _LEAST * float(image[valid].var() * np.sum(response**2))
        level = Measured(power / expected, error)
        wrong = power > least and is_off(level)
        found.append(mean + (image - mean) / math.sqrt(level.value) if wrong else image)
    return np.array(found)


def _window(valid: NDArray[np.bool_], sampling: float) -> NDArray[np.float64]:
    """Return a window that falls smoothly to 0 where there is no data."""
    away = distance_transform_edt(np.pad(valid, 1))[1:-1, 1:-1] * sampling
    return np.asarray(np.sin(np.pi / 2 * np.clip(away / _TAPER, 0, 1)) ** 2)


def warn_of_noise(noise: Measured, more: str) -> None:
    """Warn if the noise of images is not that of their detector.

    Parameters
    ----------
    noise
        As of `noise_level`.
    more
        What more noise does to the errors, a sentence. Less makes them too large: no
        fit takes images for better than their detector.

    Warns
    -----
    UserWarning
        If it differs by more than 10 % and more than four standard errors.
    """
    if is_off(noise):
        warn_user(
            f"The noise of the images is {noise.value:.2f} times that of the detector "
            f"at this dose. {more if noise.value > 1 else LESS} Check "
            "counts_per_electron, dose, mtf and readout."
        )


def is_off(noise: Measured) -> bool:
    """Return whether noise is not that of the detector, nor is so by chance."""
    return bool(abs(noise.value - 1) > max(_OFF, 4 * noise.error))


def _expected_power(series: WhitenedSeries) -> NDArray[np.float64]:
    """Return the power of noise of 1 where it is compared, shape (y, x // 2 + 1).

    What is not compared smears the spectrum beyond the highest frequency.
    """
    window = np.abs(scipy.fft.fft2(series.mask.astype(np.float64))) ** 2
    band = series.grid.band.astype(np.float64)
    smeared = scipy.fft.fft2(scipy.fft.ifft2(window) * scipy.fft.ifft2(band))
    return np.asarray(half(smeared.real) / band.size)
