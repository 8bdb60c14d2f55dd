# SPDX-License-Identifier: GPL-3.0-or-later
"""Readout noise of a detector, from the noise floor at several doses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import least_squares

from .coefficient_of_determination import coefficient_of_determination

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class ReadoutFit:
    """Fit of the readout noise, equation 2 of the noise paper.

    Parameters
    ----------
    N0
        Variance of the readout noise, in the paper's model also its mean [e-/pixel].
    N0_error
        Standard error of N0.
    R2
        Coefficient of determination of C; NaN for one frame, and near 0 for frames of
        the same dose.
    deviation
        Root mean square deviation of the frames from equation 2 [their standard
        errors]: 1 if the equation holds.
    """

    N0: float
    N0_error: float
    R2: float
    deviation: float


def noise_floor(electrons: ArrayLike, N0: float) -> NDArray[np.float64]:
    """Return C, the floor of the noise's amplitude, of equation 2 of the noise paper.

    ``C² = N0 / (N0 + N_D)``: both noises are Poissonian, so that this is the share of
    the readout noise in the power towards frequency 0, where the MTF is 1. C itself is
    therefore a ratio of amplitudes. A floor fitted to the power would be the share
    itself, not its root, and equation 2 would give an N0 that is far too small.

    Parameters
    ----------
    electrons
        Number of electrons N_D, any shape [e-/pixel].
    N0
        Readout noise [e-/pixel].
    """
    return np.sqrt(N0 / (N0 + np.asarray(electrons, float)))


def fit_readout(C: ArrayLike, electrons: ArrayLike, C_error: ArrayLike) -> ReadoutFit:
    """Fit the readout noise to the noise floor at one dose or several.

    The fitted value is C², the share of the readout noise: its errors are symmetric,
    also where C is near 0.

    Parameters
    ----------
    C
        Floor over the amplitude towards frequency 0, from `fit_mtf`, shape (frame,).
    electrons
        Number of electrons N_D of each frame, without the readout noise [e-/pixel].
    C_error
        Standard error of each C: C² is less certain by 2 C C_error + C_error².

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
            f"A frame has {np.min(doses):.3g} electrons per pixel; a fit of the "
            "readout noise needs frames with the beam on. Is the offset too large?"
        )
    shares = floors**2
    share_errors = _usual_errors(doses, (floors + errors) ** 2 - shares)

    def misfit(N0: NDArray[np.float64]) -> NDArray[np.float64]:
        scaled: NDArray[np.float64] = (shares - N0 / (N0 + doses)) / share_errors
        return scaled

    readout = np.minimum(shares, 0.99)
    start = max(np.median(doses * readout / (1 - readout)), 1e-6)
    found = least_squares(misfit, [start], bounds=(0, np.inf), x_scale="jac")
    N0 = float(found.x[0])
    deviation = float(np.sqrt(2 * found.cost / max(len(floors) - 1, 1)))
    error = max(deviation, 1) / np.sqrt(np.sum(found.jac**2))
    R2 = coefficient_of_determination(floors, noise_floor(doses, N0))
    return ReadoutFit(N0, float(error), R2, deviation)


def _usual_errors(
    electrons: NDArray[np.float64], errors: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the usual error at each number of electrons, a power of this number.

    The error of a frame grows with its own floor. Without this, frames whose floor is
    too low by chance would count most, and N0 would be too low.
    """
    x, y = np.log(electrons), np.log(errors)
    x -= x.mean()
    power = np.sum(x * y) / max(np.sum(x**2), np.finfo(float).tiny)
    shape = np.exp(power * x)
    usual: NDArray[np.float64] = shape * np.sqrt(np.mean((errors / shape) ** 2))
    return usual
