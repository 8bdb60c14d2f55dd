# SPDX-License-Identifier: GPL-3.0-or-later
"""Lattice filter: removal of a crystal, such as a support, by its Bragg spots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# Step between the orientations that are tried, much less than the width of a spot
# [degrees].
_STEP = 0.1


def hexagonal_spots(
    a: float, angle: float, limit: float | None = None
) -> NDArray[np.float64]:
    """Return the Bragg spots of a hexagonal lattice.

    Parameters
    ----------
    a
        Lattice constant [Å], 2.46 for graphene.
    angle
        Direction of a lattice vector from x towards y [degrees].
    limit
        Largest frequency [1/Å]; by default the first two orders are returned.

    Returns
    -------
    Frequency (y, x) of each spot [1/Å], without zero, shape (spot, 2).
    """
    first = 2 / (np.sqrt(3) * a)
    limit = 1.01 * np.sqrt(3) * first if limit is None else limit
    # The reciprocal vectors are at 30 degrees to those of the lattice.
    directions = np.deg2rad(angle + np.array([30.0, 90.0]))
    basis = first * np.stack([np.sin(directions), np.cos(directions)], axis=-1)
    reach = int(2 * limit / first) + 1
    orders = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1).T
    spots = orders @ basis
    length = np.hypot(*spots.T)
    return np.asarray(spots[(length > 0) & (length <= limit)])


def hexagonal_angle(
    wave: NDArray[np.complexfloating], sampling: float, a: float
) -> float:
    """Find the orientation of a hexagonal crystal in a wave, from its Bragg spots.

    Parameters
    ----------
    wave
        Exit wave, shape (y, x); 1 = vacuum.
    sampling
        Pixel size [Å].
    a
        Lattice constant [Å].

    Returns
    -------
    Direction of a lattice vector from x towards y, 0 to 60 [degrees].
    """
    window = np.outer(*(np.hanning(n) for n in wave.shape))
    change = (window * (wave - 1)).astype(np.complex64)
    y, x = (sampling * np.arange(n) for n in wave.shape)
    angles = np.arange(0, 60, _STEP)
    strength = []
    for angle in angles:
        ky, kx = -2j * np.pi * hexagonal_spots(a, angle).T[..., np.newaxis]
        # The spectrum is also computed between the frequencies of the Fourier
        # transform.
        along_y, along_x = (
            np.exp(k * at).astype(np.complex64) for k, at in ((ky, y), (kx, x))
        )
        spots = np.sum((along_y @ change) * along_x, axis=1)
        strength.append(np.vdot(spots, spots).real)
    return float(angles[np.argmax(strength)])


def remove_bragg_spots(
    wave: NDArray[np.complexfloating], sampling: float, spots: ArrayLike, width: float
) -> NDArray[np.complex64]:
    """Remove Bragg spots, the periodic parts of a wave with some frequencies.

    The mean of the wave stays, and with it 1 = vacuum far from the crystal.

    Parameters
    ----------
    wave
        Exit wave, shape (y, x); 1 = vacuum.
    sampling
        Pixel size [Å].
    spots
        Frequencies (y, x) [1/Å], shape (spot, 2); the opposite of each is removed, too.
    width
        Standard deviation of the Gaussian that is removed around each spot [1/Å].
    """
    ky, kx = (scipy.fft.fftfreq(n, sampling) for n in wave.shape)
    kept = np.ones(wave.shape, np.float32)
    found = np.reshape(np.asarray(spots, float), (-1, 2))
    for y, x in np.concatenate([found, -found]):
        along_y, along_x = (
            np.exp(-((k - at) ** 2) / (2 * width**2)) for k, at in ((ky, y), (kx, x))
        )
        kept = np.minimum(kept, 1 - np.outer(along_y, along_x))
    kept[0, 0] = 1
    spectrum = scipy.fft.fft2(np.asarray(wave, np.complex64), workers=-1)
    return np.asarray(scipy.fft.ifft2(spectrum * kept, workers=-1), np.complex64)
