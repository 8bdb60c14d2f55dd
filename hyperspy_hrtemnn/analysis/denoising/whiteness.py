# SPDX-License-Identifier: GPL-3.0-or-later
"""Whiteness: whether what was taken out of an image is noise alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft
from scipy.signal.windows import hann

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Cameras spread the noise, alike in all directions, so rings are compared with
# themselves; of fewer values a mean says little.
_SMALLEST_RING = 24


@dataclass(frozen=True)
class Whiteness:
    """What is left of the image in a residual.

    Parameters
    ----------
    largest
        Largest power of a spatial frequency over the mean of its ring.
    expected
        That of noise in as many frequencies, which is exceeded in one of a hundred
        residuals.
    correlation
        Correlation of the residual with the answer, -1 to 1; 0 for noise.
    """

    largest: float
    expected: float
    correlation: float

    @property
    def is_white(self) -> bool:
        """Whether no frequency of the residual is stronger than noise has them."""
        return self.largest <= self.expected


def residual_whiteness(
    image: NDArray[np.floating], clean: NDArray[np.floating]
) -> Whiteness:
    """Return what is left of an image in its difference from an answer without noise.

    The spectrum of noise is that of the camera's MTF, so that its power depends on the
    length of a frequency and not on its direction. A lattice that was taken out with
    the noise is a peak among the frequencies of its ring. The power of noise is spread
    exponentially about the mean of its ring, so that the largest of n values is above
    ``log(100 n)`` in one of a hundred residuals.

    Parameters
    ----------
    image, clean
        Image and answer, finite, shape (y, x), at least 32 pixels each way.
    """
    image, clean = (np.asarray(each, np.float64) for each in (image, clean))
    residual = image - clean
    residual -= residual.mean()
    fading = [hann(n, sym=False) for n in residual.shape]
    spectrum = scipy.fft.rfft2(residual * fading[0][:, np.newaxis] * fading[1])
    ky = scipy.fft.fftfreq(residual.shape[0])[:, np.newaxis]
    kx = scipy.fft.rfftfreq(residual.shape[1])
    # Half of the frequencies along the edge kx = 0 are those of the other half.
    counted = (kx > 0) & (np.hypot(ky, kx) < 0.5)
    step = 1 / min(residual.shape)
    ring = (np.hypot(ky, kx) / step).astype(int)[counted]
    power = (np.abs(spectrum) ** 2)[counted]
    number = np.bincount(ring)
    mean = np.bincount(ring, power) / np.maximum(number, 1)
    used = number[ring] >= _SMALLEST_RING
    relative = power[used] / np.maximum(mean[ring[used]], 1e-300)
    centered = clean - clean.mean()
    norm = np.linalg.norm(residual) * np.linalg.norm(centered)
    return Whiteness(
        largest=float(relative.max()),
        expected=float(np.log(100 * used.sum())),
        correlation=float(np.sum(residual * centered) / norm) if norm else 0.0,
    )
