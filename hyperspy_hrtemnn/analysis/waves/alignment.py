# SPDX-License-Identifier: GPL-3.0-or-later
"""Alignment: drift of the sample from image to image of a focal series.

Images at different defocus do not look alike, and their correlation depends on their
contrast as well as on their shift. Each image is therefore registered to the image that
the wave, as far as it is known, makes at its defocus.
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

# Steps of the search after each added image.
_STEPS = 4

# Smallest part of an image that its neighbor also shows.
_SHARED = 0.5

# Images are registered to 1 over this number of a pixel.
_PARTS = 200


def align(
    amplitudes: NDArray[np.float32],
    transfer: NDArray[np.complex64],
    extent: tuple[float, float],
    sampling: float,
    noisy: float,
) -> NDArray[np.float64]:
    """Find the drift of all images, from the middle one outwards.

    The wave of the images that are already aligned predicts the next image.

    Parameters
    ----------
    amplitudes
        Amplitudes of the images, shape (image, y, x).
    transfer
        Transfer function of each image, shape (image, y, x) of the wave; the drift is
        multiplied onto them in place.
    extent
        Lengths of the wave along (y, x) [Å].
    sampling
        Pixel size of the images [Å].
    noisy
        See `WaveSearch`.

    Returns
    -------
    Drift (y, x) of each image relative to the middle one [Å], shape (image, 2).
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
    """Find the remaining drift of all images, against the wave.

    Parameters
    ----------
    search
        Search for the wave; the drift is multiplied onto its transfer functions.
    extent
        Lengths of the wave along (y, x) [Å].
    sampling
        Pixel size of the images [Å].

    Returns
    -------
    Drift (y, x) of each image in addition to the known drift [Å], shape (image, 2).
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
    """Return the drift (y, x) of an image [Å] and add it to its transfer function."""
    drift = np.zeros(2)
    for estimate in (_coarse_drift, _fine_drift):
        moved = estimate(measured, search.amplitude(transfer)) * sampling
        transfer *= ramp(transfer.shape, extent, moved)
        drift += moved
    return drift


def _coarse_drift(
    measured: NDArray[np.float32], expected: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return how far (y, x) an image has moved from the expected one [whole pixels].

    For each drift, only the parts that both images show are correlated: the correlation
    of whole images would prefer a shift by a period of the crystal.
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
    """Return how far (y, x) an image has moved from the expected one [pixels]."""
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
    """Return the factor by which a drift changes a transfer function, or a spectrum.

    Parameters
    ----------
    shape
        Shape (y, x) of the spectrum.
    extent
        Lengths along (y, x) [Å].
    drift
        Drift (y, x) [Å].

    Returns
    -------
    The factor for each frequency, zero first, shape (y, x).
    """
    along_y, along_x = (
        np.exp(-2j * np.pi * distance * scipy.fft.fftfreq(n, length / n))
        for n, length, distance in zip(shape, extent, np.asarray(drift), strict=True)
    )
    return np.asarray(along_y[:, np.newaxis] * along_x, np.complex64)
