# SPDX-License-Identifier: GPL-3.0-or-later
"""Optics: ring spectra as input of a network, and the lens in its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

OPTICS_INPUT = (
    "power",
    "power over its mean in all directions",
    "third moment",
    "place along u",
    "cosine of twice the direction",
    "sine of twice the direction",
)
"""Channels of the input of a network for the task image optics."""

MEASURED = 3
"""Channels that are measured; the others are where in the spectrum a pixel is."""

OPTICS = ("defocus", "astigmatism cos", "astigmatism sin", "blur")
"""Values that a network gives, in this order; then the log variance of each."""

OPTICS_SCALE = (100.0, 100.0, 100.0, 1.0)
"""Unit of each value in the answer of a network [Å]."""

OPTICS_ANSWER = (
    *OPTICS,
    *(f"log variance of {name}" for name in OPTICS),
    "log odds of the sign",
)
"""Channels of the answer of a network for the task image optics."""

# Natural logarithm of the power: that of a lattice is up to 8 above the noise. The
# third moment is mostly within 0.5.
_LOG_POWER, _THIRD_MOMENT = 1 / 3, 2.0

_UNKNOWN = -3.0  # of the power, far below what noise has


class PredictedOptics(NamedTuple):
    """Lens of one image.

    Attributes
    ----------
    values
        Defocus, positive = underfocus, cosine and sine part of the twofold astigmatism,
        and blur, shape (4,) [Å].
    errors
        Standard deviation of each, if the sign is right, shape (4,) [Å].
    sign
        Probability that the sign is right; with the other one the defocus and both
        parts of the astigmatism are their negatives.
    """

    values: NDArray[np.float64]
    errors: NDArray[np.float64]
    sign: float


def optics_input(
    power: NDArray[np.floating],
    third_moment: NDArray[np.floating],
    known: NDArray[np.bool_],
    directions: NDArray[np.floating],
) -> NDArray[np.float32]:
    """Return a ring spectrum as a network sees it, in training and in use.

    Parameters
    ----------
    power, third_moment, known
        See `hyperspy_hrtemnn.analysis.RingSpectrum`.
    directions
        Directions of the spectrum, shape (direction,) [rad].

    Returns
    -------
    The channels `OPTICS_INPUT`, shape (channel, direction, u). They do not depend on
    the dose or the gain: the first one is relative to the median.
    """
    shown = np.asarray(power[:, known], np.float64)
    logarithm = np.log(np.maximum(shown, 1e-12 * shown.max()))
    logarithm -= np.median(logarithm)
    result = np.zeros((len(OPTICS_INPUT), *power.shape), np.float32)
    result[0] = _UNKNOWN
    result[0][:, known] = _LOG_POWER * logarithm
    result[1][:, known] = _LOG_POWER * (logarithm - logarithm.mean(axis=0))
    result[2][:, known] = _THIRD_MOMENT * third_moment[:, known]
    result[3] = np.linspace(-1, 1, power.shape[1])
    result[4] = np.cos(2 * directions)[:, np.newaxis]
    result[5] = np.sin(2 * directions)[:, np.newaxis]
    return result


def read_optics(answer: NDArray[np.floating]) -> PredictedOptics:
    """Return the lens in the answer of a network.

    Parameters
    ----------
    answer
        Channels `OPTICS_ANSWER`, shape (channel,).
    """
    count = len(OPTICS)
    values = np.array(answer[:count], np.float64) * OPTICS_SCALE
    log_variance = np.asarray(answer[count : 2 * count], np.float64)
    odds = float(answer[-1])
    if odds < 0:
        values[:-1] *= -1
    return PredictedOptics(
        values,
        np.exp(log_variance / 2) * OPTICS_SCALE,
        float(1 / (1 + np.exp(-abs(odds)))),
    )
