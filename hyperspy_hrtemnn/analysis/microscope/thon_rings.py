# SPDX-License-Identifier: GPL-3.0-or-later
"""Thon rings: the lens that fits the rings of a power spectrum best, without a network.

As programs of electron microscopy do [1]_: over a grid of defocus and astigmatism the
squared sine of the lens is correlated with the logarithm of the power, both without
their smooth background, and the best of it is refined.

References
----------
.. [1] A. Rohou and N. Grigorieff, CTFFIND4, J. Struct. Biol. 192, 216 (2015).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage, optimize

from .ring_spectrum import ring_coordinates, ring_directions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .ring_spectrum import RingSpectrum

# Width of the background, as a standard deviation [steps of u].
_BACKGROUND = 8.0

# Steps of the grid: less than half a ring at the largest u [Å].
_STEP = 25.0

# Magnitudes and directions of astigmatism of the grid [Å].
_MAGNITUDES, _TURNS = (0.0, 60.0, 120.0), 6

# Best of the grid that are refined.
_STARTS = 4


class ThonRings(NamedTuple):
    """Lens of a fit.

    Attributes
    ----------
    defocus
        Defocus, positive = underfocus [Å].
    cosine, sine
        Twofold astigmatism times the cosine and the sine of twice its angle [Å].
    correlation
        Correlation of the fitted with the measured rings.
    """

    defocus: float
    cosine: float
    sine: float
    correlation: float


def fit_thon_rings(
    rings: RingSpectrum,
    *,
    Cs: float = 0.0,
    defocus: tuple[float, float] = (-1500.0, 1500.0),
) -> ThonRings:
    """Fit defocus and twofold astigmatism to the rings of a power spectrum.

    Parameters
    ----------
    rings
        Ring spectrum of an image.
    Cs
        Spherical aberration [Å]. Where it is 0 both signs of the lens fit alike, and
        the defocus is given as positive.
    defocus
        Range that is searched [Å].
    """
    u, angles = ring_coordinates()[rings.known], ring_directions()[:, np.newaxis]
    power = np.log(np.maximum(rings.power[:, rings.known], 1e-30))
    measured = _normalized(power)
    shape = np.cos(2 * angles), np.sin(2 * angles)

    def loss(lens: NDArray[np.float64]) -> float:
        local = lens[0] - lens[1] * shape[0] - lens[2] * shape[1]
        phase = np.pi * u * (Cs * rings.wavelength * u / 2 - local)
        return -float(np.mean(measured * _normalized(np.sin(phase) ** 2)))

    grid = [
        np.array([each, size * np.cos(turn), size * np.sin(turn)])
        for each in np.arange(defocus[0], defocus[1] + _STEP / 2, _STEP)
        for size in _MAGNITUDES
        for turn in 2 * np.pi * np.arange(_TURNS if size else 1) / _TURNS
        # Without spherical aberration the others are the same with the other sign.
        if Cs or each >= 0
    ]
    losses = np.array([loss(lens) for lens in grid])
    found = [
        optimize.minimize(
            loss,
            grid[number],
            method="Nelder-Mead",
            options={"xatol": 1, "fatol": 1e-5},
        )
        for number in np.argsort(losses)[:_STARTS]
    ]
    best = min(found, key=lambda each: each.fun)
    defocus_of_best, cosine, sine = map(float, best.x)
    return ThonRings(defocus_of_best, cosine, sine, -float(best.fun))


def _normalized(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values without their background along u, of mean 0 and deviation 1."""
    values = values - ndimage.gaussian_filter1d(values, _BACKGROUND, axis=1)
    values = values - values.mean()
    return values / max(float(values.std()), 1e-12)
