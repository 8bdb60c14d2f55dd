# SPDX-License-Identifier: GPL-3.0-or-later
"""From an exit wave to the image a microscope and its camera make of it.

Noise-free intensity by the contrast transfer function and its envelopes, then shot
noise spread by the camera's MTF, then readout noise. numpy and scipy only, single
precision; for images formed on the fly this is the inner loop of training.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.fft
from scipy.constants import c, e, h, m_e


@dataclass(frozen=True)
class Optics:
    """What the lenses do to the exit wave.

    Parameters
    ----------
    energy
        Beam energy [keV].
    defocus
        Positive = underfocus [Å].
    Cs
        Spherical aberration [Å].
    focal_spread
        1/e width of the distribution of focus [Å].
    blur
        Width of the Gaussian envelope of equation 1.22 [Å].
    """

    energy: float
    defocus: float = 0.0
    Cs: float = 0.0
    focal_spread: float = 0.0
    blur: float = 0.0


@dataclass(frozen=True)
class Camera:
    """What the camera does to the intensity.

    Parameters
    ----------
    sampling
        Pixel size [Å].
    dose
        Frame dose [e-/Å²].
    c0, c3, C
        Half-maximum, in Nyquist frequencies, steepness and noise floor of the MTF.
    readout
        Mean of the readout noise, N0 [e-/pixel].
    noise
        Whether there is shot and readout noise.
    has_mtf
        Whether the MTF is applied.
    """

    sampling: float
    dose: float
    c0: float = 0.5
    c3: float = 2.0
    C: float = 0.0
    readout: float = 0.0
    noise: bool = True
    has_mtf: bool = True


def wavelength(energy: float) -> float:
    """Return the relativistic wavelength of electrons of `energy` [keV] in Å."""
    joules = energy * 1e3 * e
    return float(h * c / math.sqrt(joules * (2 * m_e * c**2 + joules)) * 1e10)


def transfer_function(
    shape: tuple[int, int], extent: tuple[float, float], optics: Optics
) -> np.ndarray:
    """Return the contrast transfer function with its envelopes.

    Equations 1.9 to 1.23 of the thesis: the phase of defocus and spherical aberration,
    the temporal envelope of the focal spread, and the Gaussian envelope of vibrations.

    Parameters
    ----------
    shape
        (y, x) of the wave.
    extent
        Lengths of the wave along (y, x) [Å].
    optics
        The lenses.

    Returns
    -------
    complex64, shape (y, x), zero frequency first, as `scipy.fft.fft2` has it.
    """
    ky, kx = (
        scipy.fft.fftfreq(n, length / n).astype(np.float32)
        for n, length in zip(shape, extent, strict=True)
    )
    k2 = ky[:, np.newaxis] ** 2 + kx**2
    lam = wavelength(optics.energy)
    # abTEM's sign: positive defocus is underfocus, C10 = -defocus.
    chi = np.pi * lam * k2 * (0.5 * optics.Cs * lam**2 * k2 - optics.defocus)
    temporal = (np.pi * lam * optics.focal_spread / 2 * k2) ** 2
    gaussian = optics.blur**2 / 2 * k2
    envelope = np.exp(-temporal - gaussian)
    return np.asarray(envelope * np.exp(-1j * chi), np.complex64)


def intensity(
    wave: np.ndarray,
    extent: tuple[float, float],
    optics: Optics,
    shape: tuple[int, int],
) -> np.ndarray:
    """Return the noise-free image of an exit wave.

    Parameters
    ----------
    wave
        Exit wave, shape (y, x); 1 = vacuum.
    extent
        Its lengths along (y, x) [Å].
    optics
        The lenses.
    shape
        Pixels (y, x) of the image over the same field of view.

    Returns
    -------
    float32, shape `shape`; 1 = vacuum.
    """
    spectrum = scipy.fft.fft2(wave) * transfer_function(wave.shape, extent, optics)
    # The intensity has twice the frequencies of the wave.
    fine = tuple(scipy.fft.next_fast_len(2 * n) for n in wave.shape)
    image = scipy.fft.ifft2(_fit_spectrum(spectrum, fine))
    squared = image.real**2 + image.imag**2
    half = scipy.fft.rfft2(squared)[:, : min(shape[1], fine[1]) // 2 + 1]
    rows = _fit_axis(half, 0, shape[0]) * np.float32(shape[1] / fine[1])
    return np.asarray(np.maximum(scipy.fft.irfft2(rows, shape), 0), np.float32)


def _fit_spectrum(spectrum: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Cut or pad a spectrum to the frequencies of another grid; values keep scale."""
    return _fit_axis(_fit_axis(spectrum, 0, shape[0]), 1, shape[1])


def _fit_axis(spectrum: np.ndarray, axis: int, n: int) -> np.ndarray:
    old = spectrum.shape[axis]
    if n == old:
        return spectrum
    kept = min(old, n)
    spectrum = np.moveaxis(spectrum, axis, 0)
    fitted = np.zeros((n, *spectrum.shape[1:]), spectrum.dtype)
    positive, negative = (kept + 1) // 2, kept // 2
    fitted[:positive] = spectrum[:positive]
    if negative:
        fitted[-negative:] = spectrum[-negative:]
    return np.moveaxis(fitted, 0, axis) * np.float32(n / old)


def mtf(frequency: np.ndarray, c0: float, c3: float, C: float = 0.0) -> np.ndarray:
    """Return the parametric modulation transfer function, equation 1.25.

    Parameters
    ----------
    frequency
        Spatial frequency in Nyquist frequencies, any shape.
    c0, c3, C
        Half-maximum, steepness and noise floor.
    """
    return (1 - C) / (1 + (frequency / c0) ** c3) + C


def detect(image: np.ndarray, camera: Camera, rng: np.random.Generator) -> np.ndarray:
    """Return what a camera reads from a noise-free image.

    Equation 3 of the noise paper, ``MTF[P(N_D)] + P(N_0)``: the shot noise is spread
    by the MTF, the readout noise comes after it and is not.

    Parameters
    ----------
    image
        Intensity, shape (y, x); 1 = vacuum. Its pixels are the camera's.
    camera
        The camera.
    rng
        Source of the noise.

    Returns
    -------
    Counts in electrons, float32, shape (y, x).
    """
    counts = image * np.float32(camera.dose * camera.sampling**2)
    if camera.noise:
        counts = rng.poisson(counts).astype(np.float32)
    if camera.has_mtf:
        ky = scipy.fft.fftfreq(image.shape[0], 0.5).astype(np.float32)
        kx = scipy.fft.rfftfreq(image.shape[1], 0.5).astype(np.float32)
        response = mtf(np.hypot(ky[:, np.newaxis], kx), camera.c0, camera.c3, camera.C)
        counts = scipy.fft.irfft2(scipy.fft.rfft2(counts) * response, image.shape)
    if camera.noise and camera.readout:
        counts += rng.poisson(camera.readout, image.shape)
    return np.asarray(counts, np.float32)
