# SPDX-License-Identifier: GPL-3.0-or-later
"""MTF fit: the parametric MTF of a detector from the spectrum of its noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from scipy.optimize import least_squares
from scipy.special import digamma, polygamma

from hyperspy_hrtemnn.analysis.microscope.detector import parametric_mtf

from .coefficient_of_determination import coefficient_of_determination

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .spectrum import NoiseSpectrum

Floor = Literal["quadrature", "linear"]

# Bounds of ln(c1), c0, c3 and the floor: C, or its square where powers add.
_LOWEST = (-np.inf, 0.02, 0.2, 0.0)
_HIGHEST = (np.inf, 5.0, 20.0, 1.0)
_STEPS = (0.1, 0.05, 0.3, 0.05)

# Share of the root of the information on the best known combination of parameters.
_LEAST_KNOWN = 1e-8


@dataclass(frozen=True)
class MTFFit:
    """Parameters of equation A.1 of the noise paper, with standard errors.

    Parameters
    ----------
    c0
        Half-maximum of the MTF [Nyquist frequencies].
    c1
        Amplitude of the noise towards frequency 0 [counts].
    c2
        Amplitude of the noise floor, towards high frequencies [counts].
    c3
        Steepness of the MTF.
    c0_error, c3_error, C_error
        Standard errors. That of C is the upper one where the square of C, which is
        fitted, may be 0.
    R2
        Coefficient of determination of the amplitude against frequency.
    floor
        Sum of the noise behind the MTF and the floor, see `fit_mtf`: "quadrature" or
        "linear".
    """

    c0: float
    c1: float
    c2: float
    c3: float
    c0_error: float
    c3_error: float
    C_error: float
    R2: float
    floor: Floor

    @property
    def C(self) -> float:  # noqa: N802 - the paper's name
        """Floor over the amplitude towards frequency 0, of equation 1."""
        return self.c2 / self.c1

    def amplitude(self, frequency: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the amplitude of the noise [counts], equation A.1.

        Parameters
        ----------
        frequency
            Spatial frequency [Nyquist frequencies], any shape.
        """
        level = self.C if self.floor == "linear" else self.C**2
        return self.c1 * _shape(frequency, self.c0, self.c3, level, self.floor)


def fit_mtf(spectrum: NoiseSpectrum, floor: Floor = "quadrature") -> MTFFit:
    """Fit the parametric MTF to the amplitude of the noise.

    Equation A.1 of the noise paper, ``(c1 - c2) MTF + c2`` with the MTF of equation 1
    at C = 0, is fitted with ``floor="linear"``. But shot noise behind the MTF and
    readout noise are independent, so that their powers add, not their amplitudes. The
    default fits this, ``sqrt((c1² - c2²) MTF² + c2²)``, with the same four parameters
    and limits. It finds c0 and c3 of a simulated detector at any dose; the linear form
    gives a c0 that rises with dose and a c3 that falls towards that of the detector.

    The fitted values are amplitudes, the root of the power spectral density: the MTF
    acts on amplitudes, and only then the square of C is the share of the readout noise,
    equation 2. The flat spectrum of a detector without an MTF has a low R2 and
    arbitrary c0, c3 and C.

    Parameters
    ----------
    spectrum
        Noise spectrum from `noise_spectrum`.
    floor
        Form of the fit: "quadrature" or "linear".

    Raises
    ------
    ValueError
        If `floor` is neither.
    """
    if floor not in get_args(Floor):
        raise ValueError(f"floor is {floor!r}; it is 'quadrature' or 'linear'.")
    frequency, samples = spectrum.frequency, spectrum.samples
    # The error of the logarithm of a mean of powers depends only on their number; it is
    # biased to low values where they are few.
    measured = np.log(spectrum.power) - (digamma(samples) - np.log(samples))
    certainty = 1 / np.sqrt(polygamma(1, samples))

    def misfit(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        ln_c1, c0, c3, level = parameters
        model = 2 * (ln_c1 + np.log(_shape(frequency, c0, c3, level, floor)))
        scaled: NDArray[np.float64] = (measured - model) * certainty
        return scaled

    found = least_squares(
        misfit, _guess(spectrum, floor), bounds=(_LOWEST, _HIGHEST), x_scale=_STEPS
    )
    freedom = max(len(frequency) - len(found.x), 1)
    scatter = max(2 * found.cost / freedom, 1.0)
    _, known, directions = np.linalg.svd(found.jac, full_matrices=False)
    # Parameters that the spectrum does not determine are unknown; a pseudoinverse would
    # call them certain.
    known = np.maximum(known, _LEAST_KNOWN * known[0])
    variance = np.sum((directions / known[:, np.newaxis]) ** 2, axis=0) * scatter
    c1, (c0, c3, level) = float(np.exp(found.x[0])), map(float, found.x[1:])
    c0_error, c3_error, level_error = map(float, np.sqrt(variance[1:]))
    fitted = c1 * _shape(frequency, c0, c3, level, floor)
    R2 = coefficient_of_determination(spectrum.amplitude, fitted)
    C, C_error = level, level_error
    if floor == "quadrature":
        C = float(np.sqrt(level))
        C_error = float(np.sqrt(level + level_error)) - C
    return MTFFit(c0, c1, C * c1, c3, c0_error, c3_error, C_error, R2, floor)


def _shape(
    frequency: NDArray[np.floating], c0: float, c3: float, level: float, floor: Floor
) -> NDArray[np.floating]:
    """Return the amplitude of a detector's noise, 1 towards frequency 0.

    The floor is C in the linear form. Where powers add it is C², the share of the
    readout noise: powers do not change with C at C = 0, and C would look certain there.
    """
    if floor == "linear":
        return parametric_mtf(frequency, c0, c3, level)
    return np.sqrt((1 - level) * parametric_mtf(frequency, c0, c3) ** 2 + level)


def _guess(spectrum: NoiseSpectrum, floor: Floor) -> tuple[float, float, float, float]:
    amplitude = spectrum.amplitude
    top = amplitude[:3].mean()
    C = float(np.clip(amplitude[-5:].mean() / top, 0.01, 0.95))
    below = np.flatnonzero(amplitude < top * (1 + C) / 2)
    c0 = float(spectrum.frequency[below[0]]) if len(below) else 0.5
    return float(np.log(top)), c0, 2.0, C if floor == "linear" else C**2
