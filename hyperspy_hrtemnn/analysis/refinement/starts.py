# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts: from where a fit of lenses begins, and which end is the best.

A fit begins where the user's guess is, and then farther and farther from it, until the
images of the wave look like the measured ones. Low frequencies suffice for that, and
have wider valleys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .image_drift import find_image_drift
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

# Twofold astigmatism (x, y) where none of these is right [Å].
_ASTIGMATIC = ((60, 0), (0, 60), (-60, 0), (0, -60))

# Share of the contrast that is unexplained where a minimum is surely right. Waves of
# networks leave 0.01, seldom 0.05, wrong minima 0.06 and more.
_SURE = 0.02

# Share with which a minimum is taken that several starts have found.
_LIKELY, _SEVERAL = 0.1, 3

# Trials of each search, its last fall of chi² a degree of freedom, and searches until
# the drift is right.
_ITERATIONS, _FALL, _ALIGNMENTS = 12, 1e-3, 3

# Share of the depth of chi² by which shifts differ that are vectors of a lattice, while
# lenses and classes of columns are guessed.
_ALIKE = 0.02

# Distance from where an image fits best beyond which it is moved there [Å].
_FAR = 0.3


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
    best, lowest = start, np.inf
    vector = aligned(residuals, start, _ALIKE)
    for _ in range(_ALIGNMENTS):
        vector, equations = minimize(
            residuals,
            vector,
            residuals.model.parameters.steps,
            iterations=_ITERATIONS,
            tolerance=_FALL * residuals.series.freedom,
        )
        if equations.chi2 < lowest:
            best, lowest = vector, equations.chi2
        # With better lenses the drift may turn out to be another.
        moved = aligned(residuals, vector, _ALIKE)
        if moved is vector:
            break
        vector = moved
    return best, lowest


def _starts(
    residuals: SeriesResiduals, guess: NDArray[np.float64]
) -> Iterator[NDArray[np.float64]]:
    parameters = residuals.model.parameters
    for defocus, Cs in _OFF:
        start = guess.copy()
        start[parameters.places("defocus")] += defocus
        start[parameters.place("Cs")] += Cs
        yield start
    for x, y in _ASTIGMATIC:
        start = guess.copy()
        start[parameters.place("C12_x")] += x
        start[parameters.place("C12_y")] += y
        yield start


def aligned(
    residuals: SeriesResiduals, vector: NDArray[np.float64], alike: float = 0.0
) -> NDArray[np.float64]:
    """Return parameters with each image where it fits best, the same if it is there.

    Parameters
    ----------
    residuals
        Residuals without mixing.
    vector
        Parameters of the lenses.
    alike
        As of `find_image_drift`.
    """
    parameters = residuals.model.parameters
    moved = vector.copy()
    for image in range(len(residuals.series)):
        y, x = find_image_drift(residuals, vector, image, alike)
        # Less than this is found by the search itself.
        if np.hypot(y, x) > _FAR:
            moved[parameters.place("shift_y", image)] += y
            moved[parameters.place("shift_x", image)] += x
    return vector if np.array_equal(moved, vector) else moved
