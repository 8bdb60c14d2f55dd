# SPDX-License-Identifier: GPL-3.0-or-later
r"""Focal shells: three waves whose intensities add up to an image over all foci.

Between two frequencies with the squares :math:`u` and :math:`v`, a focal spread has the
factor of `hyperspy_hrtemnn.analysis.microscope.focal_spread`, which is that of two
envelopes times :math:`e^{2 a u v}`. With pivots that stay where they are, Gauss'
elimination makes of it

.. math:: e^{2 a u v} \approx 1 + d_1 f_1(u) f_1(v) + d_2 f_2(u) f_2(v)

where all functions are smooth in a, through 0 and below: an image is a smooth function
of the square of the focal spread, which noise may make negative in a fit. The functions
are 0 at the unscattered beam, so that the linear image is that of the envelope.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.analysis.microscope.focal_spread import fading
from hyperspy_hrtemnn.analysis.microscope.optics import wavelength

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .working_grid import WorkingGrid

# Squares of frequencies at which the factor is exact [1/Å²]. Of MoS2 and graphene, 50
# to 300 keV and focal spreads from 5 to 17 Å, they leave 14 % of the brightness that
# the envelope is short of at most, 0.04 % of the whole.
_PIVOTS = (0.25, 0.9)

# Shells in the band, far finer than the functions.
_SHELLS = 2048

# Smallest a, where the functions have their limits but for rounding, half the distance
# over which they are differentiated, and the logarithm of the largest number [Å⁴].
_LEAST, _STEP, _LARGEST = 1e-7, 1e-4, 80.0


@dataclass(frozen=True)
class FocalTerms:
    """The factor of a focal spread, apart from the envelope, and its derivative.

    Parameters
    ----------
    weights
        Factor of the intensity of each wave, 1 of the first, shape (wave,).
    factors
        By what frequencies pass into each beside the envelope, 1 for the first, shape
        (wave, y, x).
    weight_slopes, factor_slopes
        Their derivatives by the square of the focal spread [1/Å²].
    """

    weights: NDArray[np.float32]
    factors: NDArray[np.float32]
    weight_slopes: NDArray[np.float32]
    factor_slopes: NDArray[np.float32]


class FocalShells:
    """The terms of focal spreads on a grid.

    Parameters
    ----------
    grid
        The grid.
    energy
        Beam energy [keV].
    """

    def __init__(self, grid: WorkingGrid, energy: float) -> None:
        highest = grid.highest**2
        number = np.round(grid.squared * np.float32(_SHELLS / highest))
        # Nothing passes beyond the band.
        self._number = np.minimum(number.astype(np.intp), _SHELLS)
        self._squared = np.linspace(0, highest, _SHELLS + 1)
        self._per_square = fading(wavelength(energy), 1.0)
        self._limit = _LARGEST / (2 * max(_PIVOTS) * max(highest, *_PIVOTS))
        self._known: tuple[float, FocalTerms] | None = None

    def terms(self, focal_spread_squared: float) -> FocalTerms:
        """Return the terms of the square of a focal spread [Å²], which may be < 0."""
        # All images of a series have the same.
        known = self._known
        if known is None or known[0] != focal_spread_squared:
            known = focal_spread_squared, self._terms(focal_spread_squared)
            self._known = known
        return known[1]

    def _terms(self, focal_spread_squared: float) -> FocalTerms:
        a = self._per_square * focal_spread_squared
        weights, factors = self._eliminated(a)
        (more, high), (less, low) = (
            self._eliminated(a + step) for step in (_STEP, -_STEP)
        )
        size = self._per_square / (2 * _STEP)
        return FocalTerms(
            weights.astype(np.float32),
            self._on_grid(factors),
            (size * (more - less)).astype(np.float32),
            self._on_grid(size * (high - low)),
        )

    def _eliminated(self, a: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return weights, shape (wave,), and factors, shape (wave, shell)."""
        # Beyond, numbers overflow where the envelope lets nothing pass.
        a = float(np.clip(a, -self._limit, self._limit))
        if abs(a) < _LEAST:
            a = _LEAST
        at = np.append(_PIVOTS, self._squared)
        rest = np.expm1(2 * a * np.outer(_PIVOTS, at))
        weights, factors = [1.0], [np.ones(len(self._squared))]
        for number in range(len(_PIVOTS)):
            weight = rest[number, number]
            factor = rest[number] / weight
            weights.append(float(weight))
            factors.append(factor[len(_PIVOTS) :])
            rest = rest - weight * np.outer(factor[: len(_PIVOTS)], factor)
        return np.array(weights), np.array(factors)

    def _on_grid(self, factors: NDArray[np.float64]) -> NDArray[np.float32]:
        return np.take(factors.astype(np.float32), self._number, axis=1)
