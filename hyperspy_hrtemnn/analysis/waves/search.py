# SPDX-License-Identifier: GPL-3.0-or-later
"""Wave search: the iterations from vacuum to the exit wave of a focal series."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

from .weak_object import WeakObject

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Number of first steps in which all frequencies are equally likely; their power is
# known only later.
_FREE = 10

# Power of a frequency in these steps, and the smallest power later, so that no
# frequency is lost forever; 1 is as strong as vacuum in one pixel.
_FIRST_POWER, _LEAST_POWER = 1.0, 1e-3

# Damping of the steps at the beginning and at the end, the factor of each step, and the
# factor after a step that raised the error.
_FIRST_DAMPING, _LEAST_DAMPING, _LESS, _MORE = 0.1, 0.03, 0.9, 4.0

# Factor in the squares above which the error has risen; noise and momentum stay below.
_UPHILL = 1.1

# Error of single precision in the amplitudes. Smaller differences do not mean that more
# can be deconvolved.
_ROUNDING = 3e-6


class WaveSearch:
    """The search for the exit wave; `reconstruct_exit_wave` says what a step is.

    Parameters
    ----------
    amplitudes
        Amplitudes of the images, float32, shape (image, y, x); 1 = vacuum.
    transfer
        Transfer function of each image, complex64, shape (image, y, x) of the wave,
        which is as large as the images or continues beyond their ends.
    extent
        Lengths of the wave along (y, x) [Å].
    noisy
        Share of the frequencies of the images that have noise, less than 1 where the
        images were filtered.
    start
        Spectrum from which the search starts, shape (y, x); by default vacuum.

    Attributes
    ----------
    transfer
        Transfer functions as given; they may be multiplied by a ramp of phase, for a
        drift of the images.
    spectrum
        Spectrum of the wave, zero frequency first, complex64, shape (y, x).
    """

    def __init__(
        self,
        amplitudes: NDArray[np.float32],
        transfer: NDArray[np.complex64],
        extent: tuple[float, float],
        noisy: float = 1.0,
        start: NDArray[np.complex64] | None = None,
    ) -> None:
        self.amplitudes = amplitudes
        shape = transfer.shape[1:]
        ky, kx = (
            scipy.fft.fftfreq(n, length / n)
            for n, length in zip(shape, extent, strict=True)
        )
        frequency = np.hypot(ky[:, np.newaxis], kx)
        self._ring = (frequency * min(extent) / 1.5 + 0.5).astype(np.intp)
        self._in_ring = np.bincount(self._ring.ravel())
        self.transfer = transfer
        self._sensitivity = WeakObject(transfer)
        self._vacuum = np.zeros(shape, np.complex64)
        self._vacuum[0, 0] = 1
        self.spectrum = self._vacuum if start is None else start
        self._reached = self._kept = self.spectrum
        self._noisy = noisy
        self._kept_noise = math.inf
        self._momentum = 1.0
        self._damping = _FIRST_DAMPING
        self._steps = 0

    def step(self) -> float:
        """Correct the wave by all images, and return how much they differ from it.

        Returns
        -------
        Root mean square difference of the amplitudes before the step.
        """
        squares = 0.0
        descent = np.zeros_like(self._vacuum)
        for transfer, measured in zip(self.transfer, self.amplitudes, strict=True):
            wave = self._in_frame(transfer)
            amplitude = np.abs(wave)
            difference = measured - amplitude
            squares += float(np.vdot(difference, difference))
            wave *= difference / np.maximum(amplitude, np.finfo(np.float32).tiny)
            # Beyond the images nothing is known, and the wave is not changed.
            padded = scipy.fft.fft2(wave, descent.shape, norm="forward", workers=-1)
            descent += transfer.conj() * padded
        error = math.sqrt(squares / self.amplitudes.size)
        noise = max(error, _ROUNDING) ** 2 / self._noisy
        self._steps += 1
        if noise > _UPHILL * self._kept_noise:
            self._return()
        else:
            self._advance(descent, noise)
        return error

    def amplitude(self, transfer: NDArray[np.complex64]) -> NDArray[np.float32]:
        """Return the amplitude of the image of a transfer function, shape (y, x)."""
        return np.asarray(np.abs(self._in_frame(transfer)), np.float32)

    def _in_frame(self, transfer: NDArray[np.complex64]) -> NDArray[np.complex64]:
        """Return the wave behind a transfer function, within the images."""
        wave: NDArray[np.complex64] = scipy.fft.ifft2(
            self.spectrum * transfer, norm="forward", workers=-1, overwrite_x=True
        )
        height, width = self.amplitudes.shape[1:]
        return wave[:height, :width]

    def _power(self) -> NDArray[np.float32]:
        """Return the power of the wave at each frequency, the mean of its ring."""
        if self._steps <= _FREE:
            return np.full(self._ring.shape, _FIRST_POWER, np.float32)
        squares = np.abs(self.spectrum - self._vacuum) ** 2 * self._ring.size
        mean = np.bincount(self._ring.ravel(), squares.ravel()) / self._in_ring
        powers: NDArray[np.float32] = np.maximum(mean, _LEAST_POWER).astype(np.float32)
        power: NDArray[np.float32] = powers[self._ring]
        return power

    def _advance(self, descent: NDArray[np.complex64], noise: float) -> None:
        """Step downhill, and in the direction of the last step while it helps."""
        self._kept, self._kept_noise = self.spectrum, noise
        self._damping = max(self._damping * _LESS, _LEAST_DAMPING)
        weight = np.float32(noise) / self._power()
        descent += weight * (self._vacuum - self.spectrum)
        change = self._sensitivity.change(descent, self._damping, weight)
        reached = self.spectrum + change
        direction = reached - self._reached
        if np.vdot(change, direction).real < 0:
            self._momentum = 1.0
        following = (1 + math.sqrt(1 + 4 * self._momentum**2)) / 2
        beyond = np.float32((self._momentum - 1) / following)
        self.spectrum = reached + beyond * direction
        self._reached, self._momentum = reached, following

    def _return(self) -> None:
        """Return to the last wave before the error rose; the next step is smaller."""
        self.spectrum = self._reached = self._kept
        self._kept_noise, self._momentum = math.inf, 1.0
        self._damping *= _MORE
