# SPDX-License-Identifier: GPL-3.0-or-later
"""Propagation of a wave through empty space to another height."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

from .optics import Optics, transfer_function

if TYPE_CHECKING:
    from numpy.typing import NDArray


def propagate_wave(
    wave: NDArray[np.complexfloating], sampling: float, energy: float, distance: float
) -> NDArray[np.complex64]:
    """Propagate a wave through empty space.

    Parameters
    ----------
    wave
        Wave, shape (y, x), periodic; 1 = vacuum.
    sampling
        Pixel size [Å].
    energy
        Beam energy [keV].
    distance
        Distance, positive along the beam [Å]. Going back is the same as underfocus.
    """
    extent = (wave.shape[0] * sampling, wave.shape[1] * sampling)
    transfer = transfer_function(wave.shape, extent, Optics(energy, defocus=-distance))
    spectrum = scipy.fft.fft2(np.asarray(wave, np.complex64), workers=-1)
    return np.asarray(scipy.fft.ifft2(spectrum * transfer, workers=-1), np.complex64)
