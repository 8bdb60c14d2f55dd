# SPDX-License-Identifier: GPL-3.0-or-later
"""The parametric MTF of a camera from the spectrum of its noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from scipy.optimize import least_squares

from hyperspy_hrtemnn.analysis.microscope.camera import mtf

from .goodness import coefficient_of_determination

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .spectrum import NoiseSpectrum

Floor = Literal["quadrature", "linear"]

# Of ln(c1), c0, c3 and C.
_LOWEST = (-np.inf, 0.02, 0.2, 0.0)
_HIGHEST = (np.inf, 5.0, 20.0, 1.0)
_STEPS = (0.1, 0.05, 0.3, 0.05)


@dataclass(frozen=True)
class MTFFit:
    """The parameters of equation A.1 of the noise paper, with standard errors.

    Parameters
    ----------
    c0
        Half-maximum of the MTF [Nyquist frequencies].
    c1
        Amplitude of the noise towards frequency 0 [counts].
    c2
        Amplitude of its floor, towards high frequencies [counts].
    c3
        Steepness of the MTF.
    c0_error, c3_error, C_error
        Standard errors.
    R2
        Coefficient of determination of the amplitude against frequency.
    floor
        How noise behind the MTF and floor add up; see `fit_mtf`.
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
        return self.c1 * _shape(frequency, self.c0, self.c3, self.C, self.floor)


def fit_mtf(spectrum: NoiseSpectrum, floor: Floor = "quadrature") -> MTFFit:
    """Fit the parametric MTF to the amplitude of the noise.

    Equation A.1 of the noise paper, ``(c1 - c2) MTF + c2`` with the MTF of equation 1
    at C = 0, is what ``floor="linear"`` fits. But shot noise behind the MTF and readout
    noise are independent, so that their powers add, not their amplitudes. The
    default fits that, ``sqrt((c1² - c2²) MTF² + c2²)``, with the same four parameters
    and limits, and gets c0 and c3 of a simulated camera back at any dose; the linear
    form gives a c0 that rises with dose and a c3 that falls towards that of the camera.

    What is fitted is the amplitude, the root of the power spectral density: the MTF
    acts on amplitudes, and only then the square of C is the share of the readout noise,
    equation 2. A flat spectrum, of a camera without an MTF, has a low R2 and
    arbitrary c0, c3 and C.

    Parameters
    ----------
    spectrum
        From `noise_spectrum`.
    floor
        Which of the two.

    Raises
    ------
    ValueError
        If there is no such `floor`.
    """
    if floor not in get_args(Floor):
        raise ValueError(f"floor is {floor!r}; it is 'quadrature' or 'linear'.")
    amplitude, frequency = spectrum.amplitude, spectrum.frequency

    def misfit(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        ln_c1, c0, c3, C = parameters
        model = ln_c1 + np.log(_shape(frequency, c0, c3, C, floor))
        # The logarithm of a power is as certain as its number of samples says, whatever
        # the power.
        scaled: NDArray[np.float64] = np.log(amplitude) - model
        return 2 * np.sqrt(spectrum.samples) * scaled

    found = least_squares(
        misfit, _guess(spectrum), bounds=(_LOWEST, _HIGHEST), x_scale=_STEPS
    )
    freedom = max(len(amplitude) - len(found.x), 1)
    scatter = max(2 * found.cost / freedom, 1.0)
    variance = np.diag(np.linalg.pinv(found.jac.T @ found.jac)) * scatter
    c1, (c0, c3, C) = float(np.exp(found.x[0])), map(float, found.x[1:])
    c0_error, c3_error, C_error = map(float, np.sqrt(variance[1:]))
    fitted = c1 * _shape(frequency, c0, c3, C, floor)
    R2 = coefficient_of_determination(amplitude, fitted)
    return MTFFit(c0, c1, C * c1, c3, c0_error, c3_error, C_error, R2, floor)


def _shape(
    frequency: NDArray[np.floating], c0: float, c3: float, C: float, floor: Floor
) -> NDArray[np.floating]:
    """Return the amplitude of a camera's noise, 1 towards frequency 0."""
    if floor == "linear":
        return mtf(frequency, c0, c3, C)
    return np.sqrt((1 - C**2) * mtf(frequency, c0, c3) ** 2 + C**2)


def _guess(spectrum: NoiseSpectrum) -> tuple[float, float, float, float]:
    amplitude = spectrum.amplitude
    top = amplitude[:3].mean()
    C = float(np.clip(amplitude[-5:].mean() / top, 0.01, 0.95))
    below = np.flatnonzero(amplitude < top * (1 + C) / 2)
    c0 = float(spectrum.frequency[below[0]]) if len(below) else 0.5
    return float(np.log(top)), c0, 2.0, C
