# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a sample has drifted from image to image of a focal series.

Images at different defocus do not look alike, and correlating them with each other
finds their contrast as well as their shift. Each is therefore registered to the image
that the wave, as far as it is known, makes at its defocus.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.fft
from scipy.signal.windows import hann
from skimage.registration import phase_cross_correlation

from .search import WaveSearch

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# Steps of the search with each image that is added.
_STEPS = 4

# Least part of an image that its neighbor shows as well.
_SHARED = 0.5

# Parts of a pixel to which images are registered.
_PARTS = 200


def align(
    amplitudes: NDArray[np.float32],
    transfer: NDArray[np.complex64],
    extent: tuple[float, float],
    sampling: float,
    noisy: float,
) -> NDArray[np.float64]:
    """Find the drift of all images, from the middle one outwards.

    The wave of the images that are already aligned is taken to the next.

    Parameters
    ----------
    amplitudes
        Of the images, shape (image, y, x).
    transfer
        Transfer function of each, shape (image, y, x) of the wave; they come back
        with the drift.
    extent
        Lengths of the wave along (y, x) [Å].
    sampling
        Pixel size of the images [Å].
    noisy
        As of `WaveSearch`.

    Returns
    -------
    Drift (y, x) of each image against the middle one [Å], shape (image, 2).
    """
    count = len(amplitudes)
    drift = np.zeros((count, 2))
    outwards = sorted(range(count), key=lambda number: abs(number - count // 2))
    wave = None
    for known in range(1, count):
        aligned, number = outwards[:known], outwards[known]
        search = WaveSearch(amplitudes[aligned], transfer[aligned], extent, noisy, wave)
        for _ in range(_STEPS):
            search.step()
        wave = search.spectrum
        drift[number] = _register(
            amplitudes[number], transfer[number], search, extent, sampling
        )
    return drift


def refine(
    search: WaveSearch, extent: tuple[float, float], sampling: float
) -> NDArray[np.float64]:
    """Find what is left of the drift of all images, against the wave.

    Parameters
    ----------
    search
        The search for the wave, whose transfer functions come back with the drift.
    extent
        Lengths of the wave along (y, x) [Å].
    sampling
        Pixel size of the images [Å].

    Returns
    -------
    Drift (y, x) of each image beside what was known [Å], shape (image, 2).
    """
    drift = np.zeros((len(search.amplitudes), 2))
    for number, transfer in enumerate(search.transfer):
        drift[number] = _register(
            search.amplitudes[number], transfer, search, extent, sampling
        )
    return drift


def _register(
    measured: NDArray[np.float32],
    transfer: NDArray[np.complex64],
    search: WaveSearch,
    extent: tuple[float, float],
    sampling: float,
) -> NDArray[np.float64]:
    """Return the drift (y, x) of an image [Å] and put it on its transfer function."""
    drift = np.zeros(2)
    for estimate in (_coarse_drift, _fine_drift):
        moved = estimate(measured, search.amplitude(transfer)) * sampling
        transfer *= ramp(transfer.shape, extent, moved)
        drift += moved
    return drift


def _coarse_drift(
    measured: NDArray[np.float32], expected: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return how far (y, x) an image has moved from what is expected [whole pixels].

    By the correlation of what the two share, whatever the drift: that of the whole
    images prefers the crystal to lie on itself to their edges doing so.
    """
    everywhere = np.ones(measured.shape, bool)
    shift, _, _ = phase_cross_correlation(  # type: ignore[no-untyped-call]
        measured,
        expected,
        reference_mask=everywhere,
        moving_mask=everywhere,
        overlap_ratio=_SHARED,
    )
    return np.asarray(shift, float)


def _fine_drift(
    measured: NDArray[np.float32], expected: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return how far (y, x) an image has moved from what is expected [pixels]."""
    window = np.outer(*(hann(n) for n in measured.shape))
    shift, _, _ = phase_cross_correlation(  # type: ignore[no-untyped-call]
        window * (measured - measured.mean()),
        window * (expected - expected.mean()),
        upsample_factor=_PARTS,
        normalization=None,
    )
    return np.asarray(shift, float)


def ramp(
    shape: tuple[int, ...], extent: tuple[float, float], drift: ArrayLike
) -> NDArray[np.complex64]:
    """Return what a drift makes of a transfer function, or of a spectrum.

    Parameters
    ----------
    shape
        Pixels along (y, x).
    extent
        Lengths along (y, x) [Å].
    drift
        (y, x) [Å].

    Returns
    -------
    A factor for each frequency, zero first, shape (y, x).
    """
    along_y, along_x = (
        np.exp(-2j * np.pi * distance * scipy.fft.fftfreq(n, length / n))
        for n, length, distance in zip(shape, extent, np.asarray(drift), strict=True)
    )
    return np.asarray(along_y[:, np.newaxis] * along_x, np.complex64)
