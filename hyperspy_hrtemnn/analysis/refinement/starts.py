# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts: from where a fit of lenses begins, and which end is the best.

A fit begins where the user's guess is, and then farther and farther from it, until the
images of the wave look like the measured ones. Low frequencies suffice for that, and
have wider valleys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

from .least_squares import minimize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from .residuals import SeriesResiduals

# How far off defocus and Cs may be [Å], the nearest first.
_OFF = (
    (0, 0),
    (20, 0),
    (-20, 0),
    (0, 1.5e4),
    (0, -1.5e4),
    (20, 1.5e4),
    (-20, -1.5e4),
    (20, -1.5e4),
    (-20, 1.5e4),
)

# Share of the contrast that is unexplained where a minimum is surely right. Waves of
# networks leave 0.01, seldom 0.04, wrong minima leave 0.3, or 0.03 more where a single
# image is at a wrong place.
_SURE = 0.02

# Share with which a minimum is taken that several starts have found.
_LIKELY, _SEVERAL = 0.1, 3

# Trials of each search, its last fall of chi² a degree of freedom, and searches until
# the drift is right.
_ITERATIONS, _FALL, _ALIGNMENTS = 12, 1e-3, 3

# Largest drift between wave and images that is looked for [Å].
_LARGEST_DRIFT = 12.0


def best_start(
    residuals: SeriesResiduals, guess: NDArray[np.float64], contrast: float
) -> NDArray[np.float64]:
    """Return the best of the minima near a guess.

    Parameters
    ----------
    residuals
        Residuals of low frequencies.
    guess
        Parameters that the user expects.
    contrast
        Sum of squares that a right fit explains.

    Returns
    -------
    Parameters of the minimum that explains most, of all starts or of those up to which
    it was clear.
    """
    freedom = residuals.series.freedom
    best, lowest, found = guess, np.inf, 0
    for start in _starts(residuals, guess):
        vector, chi2 = _search(residuals, start)
        if chi2 < lowest - _FALL * freedom:
            found = 0
        found += abs(chi2 - lowest) <= _FALL * freedom or found == 0
        if chi2 < lowest:
            best, lowest = vector, chi2
        unexplained = (lowest - freedom) / contrast
        if unexplained < _SURE or (unexplained < _LIKELY and found >= _SEVERAL):
            break
    return best


def _search(
    residuals: SeriesResiduals, start: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Return the minimum near a start, and its sum of squares."""
    vector, chi2 = start, np.inf
    for _ in range(_ALIGNMENTS):
        # With better lenses the drift may turn out to be another.
        aligned = _aligned(residuals, vector)
        if aligned is vector and chi2 < np.inf:
            break
        vector, equations = minimize(
            residuals,
            aligned,
            residuals.model.parameters.steps,
            iterations=_ITERATIONS,
            tolerance=_FALL * residuals.series.freedom,
        )
        chi2 = equations.chi2
    return vector, chi2


def _starts(
    residuals: SeriesResiduals, guess: NDArray[np.float64]
) -> Iterator[NDArray[np.float64]]:
    parameters = residuals.model.parameters
    for defocus, Cs in _OFF:
        start = guess.copy()
        start[parameters.places("defocus")] += defocus
        start[parameters.place("Cs")] += Cs
        yield start


def _aligned(
    residuals: SeriesResiduals, start: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return a start with the drift of the images, where this fits them better.

    With wrong lenses the correlation may be highest between the columns.
    """
    parameters = residuals.model.parameters
    moved = start.copy()
    for image in range(len(residuals.series)):
        y, x = _drift(residuals, start, image)
        moved[parameters.place("shift_y", image)] += y
        moved[parameters.place("shift_x", image)] += x
    return moved if residuals.chi2(moved) < residuals.chi2(start) else start


def _drift(
    residuals: SeriesResiduals, start: NDArray[np.float64], image: int
) -> tuple[float, float]:
    """Return how far (y, x) an image is from that of the wave [Å]."""
    series = residuals.series
    expected = series.weights[image] * residuals.model.image(start, image)
    spectra = [
        series.spectrum(_without_mean(series.compared(each), series.mask))
        for each in (expected, series.measured[image])
    ]
    correlation = scipy.fft.irfft2(
        spectra[0].conj() * spectra[1], series.grid.shape, workers=-1
    )
    y, x = (
        scipy.fft.fftfreq(n, 1 / length)
        for n, length in zip(series.grid.shape, series.grid.field, strict=True)
    )
    near = np.hypot(y[:, np.newaxis], x) <= _LARGEST_DRIFT
    row, column = np.unravel_index(
        np.argmax(np.where(near, correlation, -np.inf)), correlation.shape
    )
    return float(y[row]), float(x[column])


def _without_mean(
    image: NDArray[np.float32], mask: NDArray[np.float32]
) -> NDArray[np.float32]:
    return np.asarray(image - mask * (image.sum() / mask.sum()), np.float32)
