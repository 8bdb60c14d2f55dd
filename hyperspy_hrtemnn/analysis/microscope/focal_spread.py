# SPDX-License-Identifier: GPL-3.0-or-later
r"""Focal spread: an image that is the sum of images of many foci, as that of few waves.

A microscope adds up intensities over a Gaussian distribution of focus. So each product
of two frequencies of the wave, with the squares :math:`u_1` and :math:`u_2`, fades by

.. math:: K(u_1, u_2) = e^{-a (u_1 - u_2)^2}, \quad a = (\pi \lambda \Delta / 2)^2

with the focal spread :math:`\Delta`. The temporal envelope of equation 1.21 of the
thesis, :math:`e^{-a u_1^2} e^{-a u_2^2}`, is this for products with the unscattered
beam only. K is smooth, and so it is the sum of few products
:math:`\varphi_j(u_1) \varphi_j(u_2)`: the image is the sum of the intensities of as
many waves, each passed by its :math:`\varphi_j`. The first one is the envelope, and all
others are 0 at the unscattered beam, so that the linear image is exact with any number
of them.

The products are found by the Cholesky decomposition with pivots, on shells: rings of
frequencies of one u. See Harbrecht, Peters and Schneider, Applied Numerical
Mathematics 62, 428 (2012).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_WAVES = 96
"""Most waves that are added to that of the envelope."""

# Brightness that may be lacking, over that of the whole image: that of frequencies
# beyond the last shell, and that of more waves. The first is amplitudes that others add
# to, so that it has to be less: images of gold are right to 1e-4 (RMS) with these.
_BEYOND, _REST = 1e-6, 3e-5

# Shells up to the highest frequency of a wave.
_SHELLS = 2**16


def fading(wavelength: float, focal_spread_squared: float) -> float:
    """Return a of the kernel [Å⁴], negative for a square that is.

    Parameters
    ----------
    wavelength
        Wavelength of the electrons [Å].
    focal_spread_squared
        Square of the half width at 1/e of the distribution of focus [Å²].
    """
    return (math.pi * wavelength / 2) ** 2 * focal_spread_squared


def beyond_envelope(
    one: NDArray[np.float64], other: NDArray[np.float64] | float, a: float
) -> NDArray[np.float64]:
    """Return what the kernel is more than the product of two envelopes.

    Parameters
    ----------
    one, other
        Squares of frequencies [1/Å²], which are broadcast.
    a
        As of `fading`.
    """
    apart, product = one - other, one * other
    # The difference of two exponentials would be rounding where a is small.
    more: NDArray[np.float64] = -np.exp(-a * apart**2) * np.expm1(-2 * a * product)
    return more


@dataclass(frozen=True)
class Shells:
    """The shells of frequencies that count, from 0 on.

    Parameters
    ----------
    width
        Difference of their squares of frequencies [1/Å²].
    power
        Power of the wave on each, shape (shell,).
    whole
        Power of the whole wave.
    """

    width: float
    power: NDArray[np.float64]
    whole: float

    @property
    def squared(self) -> NDArray[np.float64]:
        """Squares of their frequencies [1/Å²], shape (shell,)."""
        return np.arange(len(self.power), dtype=np.float64) * self.width

    @property
    def highest(self) -> float:
        """Highest frequency on the last shell [1/Å]."""
        return math.sqrt(self.width * (len(self.power) - 0.5))

    def numbers(self, squared: NDArray[np.float32]) -> NDArray[np.intp]:
        """Return the shell of each frequency, the number of them beyond the last one.

        Parameters
        ----------
        squared
            Squares of the frequencies [1/Å²], shape (y, x).
        """
        return np.minimum(_shell_numbers(squared, self.width), len(self.power))


def find_shells(squared: NDArray[np.float32], power: NDArray[np.floating]) -> Shells:
    """Return the shells on which a wave is, but for what is too weak to matter.

    Parameters
    ----------
    squared
        Squares of frequencies [1/Å²], shape (y, x).
    power
        Power of the wave behind the lenses at each, without the temporal envelope.
    """
    width = float(squared.max()) / _SHELLS
    number = _shell_numbers(squared, width).ravel()
    powers = np.asarray(np.bincount(number, power.ravel()), np.float64)
    whole = float(powers.sum())
    within = np.cumsum(powers) < (1 - _BEYOND) * whole
    return Shells(width, powers[: np.count_nonzero(within) + 1], whole)


def focal_factors(
    shells: Shells, wavelength: float, focal_spread: float
) -> list[NDArray[np.float32]]:
    """Return by what shells pass into each wave that is added to that of the envelope.

    Parameters
    ----------
    shells
        Shells of the wave.
    wavelength
        Wavelength of the electrons [Å].
    focal_spread
        Half width at 1/e of the distribution of focus [Å].

    Returns
    -------
    An array of the shape (shell + 1,) for each wave, 0 at last, for what is beyond the
    shells; none without focal spread.

    Raises
    ------
    ValueError
        If more than `MOST_WAVES` were needed.
    """
    a, squared = fading(wavelength, focal_spread**2), shells.squared
    rest = beyond_envelope(squared, squared, a)
    factors: list[NDArray[np.float64]] = []
    while rest @ shells.power > _REST * shells.whole:
        if len(factors) == MOST_WAVES:
            raise ValueError(
                f"The focal spread is {focal_spread:.4g} Å; an image of this wave "
                f"would be the sum of more than {MOST_WAVES} waves. Is its unit right? "
                "Microscopes have 5 to 100 Å."
            )
        pivot = int(np.argmax(rest * shells.power))
        factor = beyond_envelope(squared, float(squared[pivot]), a)
        for each in factors:
            factor -= each * each[pivot]
        factor /= math.sqrt(rest[pivot])
        rest = np.maximum(rest - factor**2, 0)
        factors.append(factor)
    return [np.append(each, 0).astype(np.float32) for each in factors]


def _shell_numbers(squared: NDArray[np.float32], width: float) -> NDArray[np.intp]:
    return (squared * np.float32(1 / width) + np.float32(0.5)).astype(np.intp)
