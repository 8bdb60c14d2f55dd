# SPDX-License-Identifier: GPL-3.0-or-later
"""Weak object: sensitivity of a focal series to amplitude and phase of the wave.

Where the wave is near 1, the amplitude of an image is a linear function of the real and
the imaginary part of the exit wave, separately at each frequency: of the first through
the cosine of the phase of the lenses, of the second through its sine. At long
wavelengths the sine is small, so that a search without this knowledge makes very small
steps there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

if TYPE_CHECKING:
    from numpy.typing import NDArray


class WeakObject:
    """The sensitivity of a focal series to a wave near 1.

    Parameters
    ----------
    transfer
        Transfer function of each image, shape (image, y, x). A drift of the images
        makes no difference.

    Attributes
    ----------
    passed
        Sum of the squared envelopes at each frequency, shape (y, x).
    """

    def __init__(self, transfer: NDArray[np.complex64]) -> None:
        shape = transfer.shape[1:]
        kept = shape[1] // 2 + 1  # columns of the spectrum of a real image
        self.passed = np.zeros(shape, np.float32)
        self._real = np.zeros((shape[0], kept), np.float32)
        self._imaginary = np.zeros_like(self._real)
        self._mixed = np.zeros_like(self._real, np.complex64)
        for each in transfer:
            self.passed += each.real**2 + each.imag**2
            opposite = np.roll(each[::-1, ::-1], 1, (0, 1)).conj()
            cosine = (each + opposite)[:, :kept] / 2
            sine = (each - opposite)[:, :kept] * np.complex64(0.5j)
            self._real += np.abs(cosine) ** 2
            self._imaginary += np.abs(sine) ** 2
            self._mixed += cosine.conj() * sine

    def change(
        self,
        descent: NDArray[np.complex64],
        damping: float,
        weight: NDArray[np.float32],
    ) -> NDArray[np.complex64]:
        """Return the change of a wave that corrects a difference of its images.

        Parameters
        ----------
        descent
            Spectrum of the steepest descent of half the squared difference, shape
            (y, x).
        damping
            Share of `passed` that is added to the sensitivity, because the wave is not
            as near to 1 as assumed.
        weight
            Number that is added to the sensitivity, the same at opposite frequencies,
            shape (y, x).

        Returns
        -------
        Spectrum of the change, shape (y, x).
        """
        kept = self._real.shape[1]
        added = (damping * self.passed + weight)[:, :kept]
        field = scipy.fft.ifft2(descent, workers=-1)
        along_real = scipy.fft.rfft2(field.real, workers=-1)
        along_imaginary = scipy.fft.rfft2(field.imag, workers=-1)
        a, b, c = self._real + added, self._imaginary + added, self._mixed
        determinant = a * b - np.abs(c) ** 2
        real = (b * along_real - c * along_imaginary) / determinant
        imaginary = (a * along_imaginary - c.conj() * along_real) / determinant
        field.real = scipy.fft.irfft2(real, field.shape, workers=-1)
        field.imag = scipy.fft.irfft2(imaginary, field.shape, workers=-1)
        change: NDArray[np.complex64] = scipy.fft.fft2(
            field, workers=-1, overwrite_x=True
        )
        return change
