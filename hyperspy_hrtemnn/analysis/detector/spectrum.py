# SPDX-License-Identifier: GPL-3.0-or-later
"""Noise spectrum: power of the noise in vacuum against spatial frequency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft
from scipy.ndimage import median
from scipy.signal import windows
from scipy.stats import gamma

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALLEST_SIDE = 64
"""Smallest shorter side of a region [pixels].

Below 128 x 128 pixels and at 10 e-/Å² about one frame of thirteen has a c0 or C that is
off by more than three of its errors.
"""

# Side of the tiles whose spectra are averaged [pixels].
_TILE = 128

# Rings of lower frequency contain the rest of the mean and of uneven illumination.
_FIRST_RING = 3


@dataclass(frozen=True)
class NoiseSpectrum:
    """Power of the noise, averaged over rings of spatial frequency.

    Parameters
    ----------
    frequency
        Spatial frequency of each ring [Nyquist frequencies], shape (ring,).
    power
        Power of each ring [counts²], shape (ring,); for white noise it is the variance.
    samples
        Number of independent values in each mean, shape (ring,); the standard error is
        the power over the root of this number.
    """

    frequency: NDArray[np.float64]
    power: NDArray[np.float64]
    samples: NDArray[np.float64]

    @property
    def amplitude(self) -> NDArray[np.float64]:
        """Root of the power [counts], shape (ring,)."""
        return np.sqrt(self.power)


def noise_spectrum(region: NDArray[np.floating]) -> NoiseSpectrum:
    """Return the azimuthal average of the power spectrum of a region of vacuum.

    Appendix A.3 of the noise paper, after Vulović et al. (2010). The spectrum is
    averaged over tiles of 128 pixels, or of the shorter side of a smaller region, that
    overlap by half under a Hann window (Welch's method): the region is not periodic,
    and without a window its edges would lift the noise floor. Frequencies above
    Nyquist's, in the corners, are left out, and so are those below 3 periods per tile,
    which show uneven illumination.

    Parameters
    ----------
    region
        Counts, shape (y, x).

    Raises
    ------
    ValueError
        If the region is smaller than 64 pixels along an axis.
    """
    window = _window(region)
    side = len(window)
    frequency, ring = _rings(side)
    # The spectrum of a real image has only one of each pair of equal values.
    count = np.full(ring.shape, 2.0)
    count[:, 0] = 1
    if side % 2 == 0:
        count[:, -1] = 1
    in_ring = np.bincount(ring.ravel(), count.ravel())
    means = [
        np.bincount(ring.ravel(), (count * values).ravel()) / in_ring
        for values in (frequency, _mean_power(region, window))
    ]
    kept = slice(_FIRST_RING, side // 2 + 1)
    samples = in_ring[kept] / 2 * _independent_tiles(region, window)
    return NoiseSpectrum(means[0][kept], means[1][kept], samples)


def chance_of_peak(region: NDArray[np.floating]) -> float:
    """Return the probability that a spectrum of noise has a peak as high as this one.

    Parameters
    ----------
    region
        Counts, shape (y, x), at least 64 pixels along each axis.

    Returns
    -------
    The probability; below 1e-4 where there is a lattice.
    """
    window = _window(region)
    _, ring = _rings(len(window))
    ring[(ring < _FIRST_RING) | (ring > len(window) // 2)] = -1
    power = _mean_power(region, window)
    # A mean of exponentially distributed powers; a few peaks do not shift its median.
    tiles = max(_independent_tiles(region, window), 1.0)
    usual = median(power, ring, np.arange(ring.max() + 1)) / gamma.median(tiles)
    peak = np.max(np.where(ring < 0, 0, power / usual[ring]))
    return float(np.count_nonzero(ring >= 0) * gamma.sf(peak, tiles))


def _window(region: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the window of a tile, shape (side,)."""
    if min(region.shape) < SMALLEST_SIDE:
        height, width = region.shape
        raise ValueError(
            f"The region is {width} x {height} pixels; a noise spectrum needs "
            f"{SMALLEST_SIDE} x {SMALLEST_SIDE} or more."
        )
    window: NDArray[np.float64] = windows.hann(min(_TILE, *region.shape), sym=False)
    return window


def _rings(side: int) -> tuple[NDArray[np.float64], NDArray[np.int_]]:
    """Return frequency and ring of each value of a real spectrum of a tile."""
    frequency = np.hypot(
        scipy.fft.fftfreq(side, 0.5)[:, np.newaxis], scipy.fft.rfftfreq(side, 0.5)
    )
    return frequency, np.rint(frequency * side / 2).astype(int)


def _mean_power(
    region: NDArray[np.floating], window: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mean power of the tiles of a region, as a real spectrum."""
    side = len(window)
    weights = np.outer(window, window)
    rows, columns = (_starts(length, side) for length in region.shape)
    power = np.zeros((side, side // 2 + 1))
    for row in rows:
        for column in columns:
            tile = region[row : row + side, column : column + side]
            tile = (tile - np.average(tile, weights=weights)) * weights
            power += np.abs(scipy.fft.rfft2(tile)) ** 2
    return power / (len(rows) * len(columns) * np.sum(weights**2))


def _starts(length: int, side: int) -> NDArray[np.int_]:
    """Return where tiles begin that cover a length and overlap by half or more."""
    count = -(-(length - side) // (side // 2)) + 1
    return np.rint(np.linspace(0, length - side, count)).astype(int)


def _independent_tiles(
    region: NDArray[np.floating], window: NDArray[np.float64]
) -> float:
    """Return the number of independent tiles that equals those of a region.

    Under a window neighboring frequencies are correlated, and pixels at the edge of the
    region count little: a single tile is worth a quarter of its frequencies.
    """
    worth = 1.0
    for length in region.shape:
        cover = np.zeros(length)
        for start in _starts(length, len(window)):
            cover[start : start + len(window)] += window**2
        worth *= cover.sum() ** 2 / np.sum(cover**2) / len(window)
    return float(worth)
