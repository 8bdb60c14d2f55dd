# SPDX-License-Identifier: GPL-3.0-or-later
"""Working grid: the frequencies of a focal series that carry information.

Images have finer pixels than their lenses resolve. A fit of lenses needs the
frequencies up to 2 /Å only, and a grid on which their products hardly alias.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import scipy.fft

if TYPE_CHECKING:
    from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.generic)

HIGHEST = 2.0
"""Highest frequency that a fit looks at [1/Å]: lenses and atoms pass hardly more."""

# Nyquist frequency of the grid over the highest frequency. At 1.5 nothing would alias;
# beyond 1.35 of the highest frequency products are too weak to matter.
_ROOM = 1.35


@dataclass(frozen=True)
class WorkingGrid:
    """Pixels over the field of view of images, coarser than theirs.

    Parameters
    ----------
    field
        Lengths of the images along (y, x) [Å].
    highest
        Highest frequency that is kept [1/Å].
    """

    field: tuple[float, float]
    highest: float

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Pixels along (y, x)."""
        # Even ones: half spectra of real images are mirrored.
        y, x = (
            2 * int(scipy.fft.next_fast_len(math.ceil(_ROOM * self.highest * length)))
            for length in self.field
        )
        return y, x

    @cached_property
    def frequencies(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Frequencies (y, x) [1/Å], zero first, shapes (y, 1) and (1, x)."""
        ky, kx = (
            scipy.fft.fftfreq(n, length / n).astype(np.float32)
            for n, length in zip(self.shape, self.field, strict=True)
        )
        return ky[:, np.newaxis], kx[np.newaxis]

    @cached_property
    def squared(self) -> NDArray[np.float32]:
        """Squares of the frequencies [1/Å²], shape (y, x)."""
        ky, kx = self.frequencies
        return np.asarray(ky**2 + kx**2, np.float32)

    @cached_property
    def band(self) -> NDArray[np.bool_]:
        """Whether a frequency is kept, shape (y, x)."""
        return np.asarray(self.squared <= self.highest**2)

    def spectrum(self, image: NDArray[np.inexact]) -> NDArray[np.complex64]:
        """Return the spectrum of an image or a wave on this grid.

        Parameters
        ----------
        image
            Image or wave over the same field of view, shape (..., y, x).

        Returns
        -------
        The spectrum, complex64, shape (..., y, x) of the grid, zero frequency first.
        That of 1 is 1 at frequency zero.
        """
        whole = scipy.fft.fft2(image, norm="forward", workers=-1)
        for axis, n in zip((-2, -1), self.shape, strict=True):
            whole = _cut(whole, axis, n)
        return np.asarray(np.where(self.band, whole, 0), np.complex64)

    def spectrum_of_grid(self, wave: NDArray[np.complex64]) -> NDArray[np.complex64]:
        """Return the spectrum of a wave on the pixels of this grid, as `spectrum`."""
        whole: NDArray[np.complex64] = scipy.fft.fft2(wave, norm="forward", workers=-1)
        whole[~self.band] = 0
        return whole

    def on_grid(self, valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return a mask of the images at the nearest pixels of the grid."""
        rows, columns = (
            np.minimum(np.round(np.arange(n) * (old / n)).astype(int), old - 1)
            for n, old in zip(self.shape, valid.shape, strict=True)
        )
        return np.asarray(valid[np.ix_(rows, columns)])


def half(spectrum: NDArray[Number]) -> NDArray[Number]:
    """Return the half of a spectrum that tells a real image, as `scipy.fft.rfft2`."""
    return spectrum[..., : spectrum.shape[-1] // 2 + 1]


def mirrored(spectrum: NDArray[Number]) -> NDArray[Number]:
    """Return the values at the opposite frequencies, shape (..., y, x)."""
    return np.roll(spectrum[..., ::-1, ::-1], 1, axis=(-2, -1))


def _cut(spectrum: NDArray[np.inexact], axis: int, n: int) -> NDArray[np.inexact]:
    """Cut or pad an axis of a spectrum to the n lowest frequencies."""
    spectrum = np.moveaxis(spectrum, axis, 0)
    kept = min(n, len(spectrum))
    result = np.zeros((n, *spectrum.shape[1:]), spectrum.dtype)
    positive, negative = (kept + 1) // 2, kept // 2
    result[:positive] = spectrum[:positive]
    if negative:
        result[-negative:] = spectrum[-negative:]
    return np.moveaxis(result, 0, axis)
