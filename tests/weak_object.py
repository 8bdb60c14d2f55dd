# SPDX-License-Identifier: GPL-3.0-or-later
"""A weak amorphous object, whose image shows the rings of its lens and nothing else."""

from __future__ import annotations

import numpy as np
import scipy.fft

from hyperspy_hrtemnn.analysis import Aberration, Optics, image_intensity

ENERGY = 200.0
"""Beam energy [keV]."""


def weak_wave(
    shape: tuple[int, int] = (520, 480), pixel: float = 0.25, strength: float = 0.05
) -> np.ndarray:
    """Return the wave of a random phase with the same power at all frequencies."""
    noise = np.random.default_rng(3).standard_normal(shape)
    frequency = np.hypot(
        scipy.fft.fftfreq(shape[0], pixel)[:, np.newaxis],
        scipy.fft.fftfreq(shape[1], pixel),
    )
    spectrum = scipy.fft.fft2(noise) * (frequency < 1)
    phase = scipy.fft.ifft2(spectrum).real
    return np.exp(1j * strength * phase / phase.std()).astype(np.complex64)


def lens(
    defocus: float, magnitude: float = 0.0, angle: float = 0.0, Cs: float = 0.0
) -> Optics:
    """Return a lens with twofold astigmatism, lengths in Å, the angle in degrees."""
    twofold = Aberration(1, 2, magnitude, np.deg2rad(angle))
    return Optics(ENERGY, defocus, Cs, aberrations=(twofold,) if magnitude else ())


def weak_image(optics: Optics, pixel: float = 0.25) -> np.ndarray:
    """Return the image of the object without noise, 130 Å high and 120 Å wide."""
    wave = weak_wave(pixel=pixel)
    extent = (wave.shape[0] * pixel, wave.shape[1] * pixel)
    return image_intensity(wave, extent, optics, wave.shape)
