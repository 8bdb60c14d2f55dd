# SPDX-License-Identifier: GPL-3.0-or-later
r"""Wave error: what a wave that is not quite right adds to the errors of the lenses.

The images of a network's wave differ from the measured ones by more than noise. This
difference is common to all images, for each of them is an image of the same wrong wave:
to first order a frequency of the wave changes that frequency of image n by its transfer
function :math:`T_n`. So the covariance of the whitened images at one frequency is

.. math:: 1 + S (t t^\dagger + t' t'^\dagger)

with t the transfer functions at the frequency, with the temporal envelope, which is
right to first order, t' the conjugates at its opposite, and
S the power of the error, which is found from what the residuals have above noise.
Residuals weighted by this covariance look at differences between the images that no
change of the wave explains, and are white again.

Errors that neighboring frequencies have in common count more: see `repeated_error`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .working_grid import half, mirrored

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .residuals import SeriesResiduals
    from .working_grid import WorkingGrid

# Width of the rings whose power is one number [1/Å].
_RING = 0.05


@dataclass(frozen=True)
class WaveError:
    """Standard errors of a wave that no image of it shows, because lenses do the same.

    A wave that is farther along the beam has the same images at another defocus, one
    that is shifted has shifted images, and a sharper one those of more blur.

    Parameters
    ----------
    plane
        Position along the beam [Å].
    place
        Position along y and x [Å].
    blur_squared
        Square of the standard deviation of a Gaussian that makes the wave too sharp or
        too blurred [Å²].
    focal_spread_squared
        The same of a focal spread [Å²].
    brightness
        Relative error of its intensity in vacuum.
    """

    plane: float = 0.0
    place: float = 0.0
    blur_squared: float = 0.0
    focal_spread_squared: float = 0.0
    brightness: float = 0.0


NETWORK = WaveError(
    plane=1.2,
    place=0.028,
    blur_squared=0.006,
    focal_spread_squared=15.0,
    brightness=0.0007,
)
"""Errors of the waves of mos2-exitwave, on 24 series of its recipe; of other networks
they are a guess."""


@dataclass(frozen=True)
class WavePower:
    """Power of the error of a wave, and of the wave, in rings of frequencies.

    Parameters
    ----------
    error
        Power of the error of the wave at a frequency, shape (ring,).
    wave
        Power of the wave itself, vacuum left out.
    """

    error: NDArray[np.float64]
    wave: NDArray[np.float64]


def wave_power(residuals: SeriesResiduals, vector: NDArray[np.float64]) -> WavePower:
    """Return the power of the wave's error, from residuals above the noise.

    Parameters
    ----------
    residuals
        Residuals without mixing.
    vector
        Parameters of the lenses.
    """
    series, model = residuals.series, residuals.model
    ring = half(rings(series.grid))
    inside = _twice(series.grid) * half(series.grid.band)
    count = np.maximum(np.bincount(ring.ravel(), inside.ravel()), 1)
    share = float(series.mask.mean())
    above, per_power = np.zeros(len(count)), np.zeros(len(count))
    for image, residual in enumerate(residuals.compared(residuals.spectra(vector))):
        assert residual is not None  # noqa: S101 - each image has a residual
        power = np.abs(series.spectrum(residual)) ** 2 / share
        above += np.bincount(ring.ravel(), (inside * power).ravel()) / count - 1
        for transfer in _transfers(residuals, vector, image):
            per_power += (
                np.bincount(ring.ravel(), (inside * np.abs(transfer) ** 2).ravel())
                / count
            )
    seen = per_power > 1e-6 * per_power.max()
    error = np.where(seen, np.maximum(above, 0) / np.where(seen, per_power, 1), 0)
    wave = np.abs(model.spectrum) ** 2
    wave[0, 0] = 0
    band, whole = series.grid.band, rings(series.grid)
    size = np.maximum(np.bincount(whole[band], minlength=len(count)), 1)
    return WavePower(error, np.bincount(whole[band], wave[band], len(count)) / size)


def wave_mixing(
    residuals: SeriesResiduals, vector: NDArray[np.float64], power: WavePower
) -> NDArray[np.complex64]:
    """Return the matrices that whiten the error of the wave along with the noise.

    Parameters
    ----------
    residuals, vector
        As of `wave_power`.
    power
        Power of the error.

    Returns
    -------
    Lower triangular matrices, shape (image, image, y, x // 2 + 1).
    """
    count = len(residuals.series)
    both = np.stack(
        [np.stack(_transfers(residuals, vector, image)) for image in range(count)]
    )
    error = power.error[half(rings(residuals.series.grid))].astype(np.float32)
    covariance = error * np.einsum("nsyx,msyx->nmyx", both, both.conj())
    covariance[range(count), range(count)] += 1
    factors = np.linalg.cholesky(np.moveaxis(covariance, (0, 1), (-2, -1)))
    return np.ascontiguousarray(
        np.moveaxis(np.linalg.inv(factors), (-2, -1), (0, 1)), np.complex64
    )


def _transfers(
    residuals: SeriesResiduals, vector: NDArray[np.float64], image: int
) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
    """Return how the wave at a frequency, and at its opposite, changes an image."""
    transfer = residuals.model.transfer(vector, image)
    factor = residuals.series.weights[image] * residuals.model.stretch(vector, image)
    return factor * half(transfer), factor * half(mirrored(transfer)).conj()


def rings(grid: WorkingGrid) -> NDArray[np.intp]:
    """Return the number of the ring of each frequency, shape (y, x)."""
    return np.asarray(np.sqrt(grid.squared) / _RING, np.intp)


def _twice(grid: WorkingGrid) -> NDArray[np.float64]:
    """Return how often a frequency of the half spectrum is in the whole one."""
    columns = np.full(grid.shape[1] // 2 + 1, 2.0)
    columns[[0, -1]] = 1
    return np.broadcast_to(columns, half(grid.squared).shape)
