# SPDX-License-Identifier: GPL-3.0-or-later
"""Repeated error: what an error of the wave that all columns have does to the lenses.

The errors of a network are alike at all columns, that is, smooth in reciprocal space:
neighboring frequencies err together, and twenty parameters of lenses follow such errors
much better than those of independent frequencies. The relative error of the wave is
therefore taken for a random function with a Gaussian correlation between frequencies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

from .wave_error import rings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .residuals import SeriesResiduals
    from .wave_error import WavePower
    from .working_grid import WorkingGrid

# Distance over which frequencies err together [1/Å], that is, errors of 3 Å in width
# that each column has. The errors of 24 lenses from waves of mos2-exitwave hold with
# it at all doses, within 5 %; with 0.1 they are too large by a fifth, with 0.02 too
# small.
_TOGETHER = 0.05


def repeated_error(
    residuals: SeriesResiduals,
    vector: NDArray[np.float64],
    power: WavePower,
    covariance: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the covariance of the parameters by an error alike at all columns.

    Parameters
    ----------
    residuals
        Residuals with their mixing.
    vector
        Parameters of the lenses.
    power
        Power of the error.
    covariance
        Covariance of the parameters by the normal equations.

    Returns
    -------
    Shape (parameter, parameter).
    """
    series, model = residuals.series, residuals.model
    relative = np.sqrt(power.error / np.maximum(power.wave, 1e-30))
    # No frequency is more wrong than it is strong.
    wrong = np.minimum(relative, 1)[rings(series.grid)] * model.spectrum
    wrong[0, 0] = 0
    window = _window(series.grid)
    kept = window > 1e-9 * window.max()
    pulls = np.array(
        [
            scipy.fft.ifft2(each.conj() * wrong, norm="forward", workers=-1)[kept]
            for each in _wave_gradients(residuals, vector)
        ]
    )
    forces = 0.5 * ((pulls * window[kept]) @ pulls.conj().T).real
    return np.asarray(covariance @ forces @ covariance, np.float64)


def _wave_gradients(
    residuals: SeriesResiduals, vector: NDArray[np.float64]
) -> list[NDArray[np.complex64]]:
    """Return what each frequency of the wave does to the gradient of each parameter."""
    series, model = residuals.series, residuals.model
    images = range(len(series))
    lensed = [model.lensed(vector, image) for image in images]
    gradients = []
    for derivative in residuals.derivatives(vector):
        compared = [
            None if each is None else series.spectrum(each)
            for each in residuals.compared(derivative)
        ]
        gradient = np.zeros(series.grid.shape, np.complex64)
        for image in images:
            unmixed = _unmixed(residuals, compared, image)
            if unmixed is None:
                continue
            weighted = scipy.fft.irfft2(
                series.weights[image] * unmixed, series.grid.shape, workers=-1
            )
            pulls = lensed[image].pulls(model.stretch(vector, image) * weighted)
            gradient += lensed[image].transfer.conj() * lensed[image].pull(pulls)
        gradients.append(gradient)
    return gradients


def _unmixed(
    residuals: SeriesResiduals,
    spectra: list[NDArray[np.complex64] | None],
    image: int,
) -> NDArray[np.complex64] | None:
    """Return the adjoint of the mixing of spectra, for one image."""
    if residuals.mixing is None:
        return spectra[image]
    parts = [
        residuals.mixing[row, image].conj() * each
        for row, each in enumerate(spectra)
        if each is not None and row >= image
    ]
    return sum(parts[1:], parts[0]) if parts else None


def _window(grid: WorkingGrid) -> NDArray[np.float64]:
    """Return the transform of the correlation between frequencies, with the sum 1."""
    y, x = (
        scipy.fft.fftfreq(n, 1 / length)
        for n, length in zip(grid.shape, grid.field, strict=True)
    )
    squared = y[:, np.newaxis] ** 2 + x**2
    window = np.exp(-2 * (np.pi * _TOGETHER) ** 2 * squared)
    return np.asarray(window / window.sum())
