# SPDX-License-Identifier: GPL-3.0-or-later
"""Lensed wave: the waves behind the lenses of an image, whose intensities add up.

The first is damped by the temporal envelope, as in the documents. The others are what
a focal spread adds to its intensity; see `focal_shells`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .focal_shells import FocalTerms


@dataclass(frozen=True)
class LensedWave:
    """A wave behind the lenses of one image.

    Parameters
    ----------
    transfer
        Transfer function with the envelope, shape (y, x).
    spectrum
        Spectrum of the wave behind it.
    focal
        What the focal spread does beside the envelope.
    waves
        The waves, shape (wave, y, x).
    """

    transfer: NDArray[np.complex64]
    spectrum: NDArray[np.complex64]
    focal: FocalTerms
    waves: NDArray[np.complex64]

    @property
    def transfers(self) -> NDArray[np.complex64]:
        """Transfer function of each wave, shape (wave, y, x)."""
        return np.asarray(self.transfer * self.focal.factors)

    def intensities(self) -> NDArray[np.float32]:
        """Return the intensity of each wave, shape (wave, y, x)."""
        return np.asarray(self.waves.real**2 + self.waves.imag**2)

    def brightness(self) -> NDArray[np.float32]:
        """Return the sum of the intensities, shape (y, x); 1 = vacuum."""
        return _summed(self.focal.weights, self.intensities())

    def change(self, spectrum: NDArray[np.complex64]) -> NDArray[np.float32]:
        """Return how the brightness changes with what passes the transfer function.

        Parameters
        ----------
        spectrum
            Change of `spectrum`, shape (y, x).
        """
        return self._change(self.focal.factors * spectrum)

    def focal_change(self) -> NDArray[np.float32]:
        """Return how the brightness changes by the square of the focal spread [1/Å²].

        Apart from what the envelope does.
        """
        stronger = _summed(self.focal.weight_slopes, self.intensities())
        return stronger + self._change(self.focal.factor_slopes * self.spectrum)

    def pulls(self, by_brightness: NDArray[np.float32]) -> NDArray[np.complex64]:
        """Return the gradient by the spectrum of each wave from that by the brightness.

        Parameters
        ----------
        by_brightness
            Gradient by the pixels of the brightness, shape (y, x).

        Returns
        -------
        Shape (wave, y, x): the real part of the sum of the product of its conjugate
        with a change of the spectra is the change of the value.
        """
        sizes = 2 * self.focal.weights[:, np.newaxis, np.newaxis]
        back: NDArray[np.complex64] = scipy.fft.fft2(
            sizes * by_brightness * self.waves, workers=-1
        )
        return back

    def pull(self, pulls: NDArray[np.complex64]) -> NDArray[np.complex64]:
        """Return the gradient by `spectrum`, of all waves together, shape (y, x)."""
        return np.asarray(np.einsum("wyx,wyx->yx", self.focal.factors, pulls))

    def focal_pull(
        self, by_brightness: NDArray[np.float32], pulls: NDArray[np.complex64]
    ) -> float:
        """Return the gradient by the square of the focal spread, as `focal_change`.

        Parameters
        ----------
        by_brightness, pulls
            Gradient by the brightness, and what `pulls` makes of it.
        """
        found = 0.0
        for number in range(1, len(self.waves)):
            wave, slope = self.waves[number], self.focal.factor_slopes[number]
            power = wave.real**2 + wave.imag**2
            stronger = np.sum(by_brightness * power, dtype=np.float64)
            along = np.sum(slope * (pulls[number].conj() * self.spectrum).real)
            found += float(self.focal.weight_slopes[number] * stronger + along)
        return found

    def _change(self, spectra: NDArray[np.complex64]) -> NDArray[np.float32]:
        changes = wave_of(spectra)
        along = self.waves.real * changes.real + self.waves.imag * changes.imag
        return 2 * _summed(self.focal.weights, along)


def wave_of(spectrum: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Return waves of spectra in which that of 1 is 1, shape (..., y, x)."""
    wave: NDArray[np.complex64] = scipy.fft.ifft2(spectrum, norm="forward", workers=-1)
    return wave


def _summed(
    weights: NDArray[np.float32], images: NDArray[np.float32]
) -> NDArray[np.float32]:
    return np.asarray(np.tensordot(weights, images, 1))
