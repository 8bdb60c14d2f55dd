# SPDX-License-Identifier: GPL-3.0-or-later
"""The readout noise of a camera from the noise floor at several doses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import least_squares

from .goodness import coefficient_of_determination

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class ReadoutFit:
    """The readout noise, equation 2 of the noise paper.

    Parameters
    ----------
    N0
        Its variance, in the paper's model also its mean [e-/pixel].
    N0_error
        Standard error.
    R2
        Coefficient of determination of C; NaN for one frame.
    """

    N0: float
    N0_error: float
    R2: float


def noise_floor(electrons: ArrayLike, N0: float) -> NDArray[np.float64]:
    """Return C, the floor of the noise's amplitude, of equation 2 of the noise paper.

    ``C² = N0 / (N0 + N_D)``: both noises are Poissonian, so that this is the share of
    the readout noise in the power towards frequency 0, where the MTF is 1. C itself is
    thus a ratio of amplitudes. A floor fitted to the power would be the share without a
    square, and equation 2 would give an N0 that is far too small.

    Parameters
    ----------
    electrons
        N_D, any shape [e-/pixel].
    N0
        Readout noise [e-/pixel].
    """
    return np.sqrt(N0 / (N0 + np.asarray(electrons, float)))


def fit_readout(C: ArrayLike, electrons: ArrayLike, C_error: ArrayLike) -> ReadoutFit:
    """Fit the readout noise to the noise floor at one dose or several.

    Parameters
    ----------
    C
        Floor over the amplitude towards frequency 0, from `fit_mtf`, shape (frame,).
    electrons
        N_D of each, without the readout noise [e-/pixel].
    C_error
        Standard error of each C.

    Raises
    ------
    ValueError
        If a number of electrons is not positive.
    """
    floors, doses, errors = (
        np.asarray(each, float) for each in (C, electrons, C_error)
    )
    if not np.all(doses > 0):
        raise ValueError(
            f"There are {np.min(doses):.3g} electrons a pixel in a frame; a fit of the "
            "readout noise needs frames with the beam on. Is the offset too large?"
        )
    share = np.minimum(floors**2, 0.99)

    def misfit(ln_readout: NDArray[np.float64]) -> NDArray[np.float64]:
        model = noise_floor(doses, float(np.exp(ln_readout[0])))
        scaled: NDArray[np.float64] = (floors - model) / errors
        return scaled

    start = np.median(doses * share / (1 - share))
    found = least_squares(misfit, [np.log(max(start, 1e-9))])
    N0 = float(np.exp(found.x[0]))
    scatter = max(2 * found.cost / max(len(floors) - 1, 1), 1.0)
    information = np.sum(found.jac**2)
    error = N0 * np.sqrt(scatter / information) if information > 0 else np.inf
    R2 = coefficient_of_determination(floors, noise_floor(doses, N0))
    return ReadoutFit(N0, float(error), R2)
