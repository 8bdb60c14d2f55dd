# SPDX-License-Identifier: GPL-3.0-or-later
"""Optics: contrast transfer function (CTF), and the noise-free image of an exit wave.

Thesis equations 1.9 to 1.23, in single precision, with numpy and scipy only: this is
the inner loop of training, which forms images on the fly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import scipy.fft
from scipy.constants import c, e, h, m_e

from .focal_spread import fading, find_shells, focal_factors


@dataclass(frozen=True)
class Aberration:
    """A non-round aberration, C_nm in Krivanek's notation.

    Parameters
    ----------
    n, m
        Order and symmetry: 1, 2 is twofold astigmatism, 2, 1 axial coma, 2, 3
        threefold astigmatism, 3, 2 star, 3, 4 and 4, 5 four- and fivefold astigmatism.
    magnitude
        Magnitude C_nm [Å].
    angle
        Azimuth phi_nm, from x towards y [rad].
    """

    n: int
    m: int
    magnitude: float
    angle: float

    @property
    def name(self) -> str:
        """Name of the coefficient in abTEM."""
        return f"C{self.n}{self.m}"


@dataclass(frozen=True)
class Optics:
    """Beam energy and lenses: defocus, aberrations, focal spread and blur.

    Parameters
    ----------
    energy
        Beam energy [keV].
    defocus
        Defocus, positive = underfocus [Å].
    Cs
        Spherical aberration [Å].
    focal_spread
        Half width at 1/e of the distribution of focus, 1.41 standard deviations [Å].
    blur
        Standard deviation of the Gaussian that blurs the image, in real space [Å]. The
        blur acts on the wave; for a weak object it is the blur of the image. The number
        in equation 1.22 is 2 pi times as large.
    aberrations
        All other aberrations, each order at most once.
    angular_spread
        1/e width of the distribution of beam directions, beta in equation 1.20
        [mrad].
    """

    energy: float
    defocus: float = 0.0
    Cs: float = 0.0
    focal_spread: float = 0.0
    blur: float = 0.0
    aberrations: tuple[Aberration, ...] = ()
    angular_spread: float = 0.0


def wavelength(energy: float) -> float:
    """Return the relativistic wavelength of electrons [Å] from their energy [keV]."""
    joules = energy * 1e3 * e
    return float(h * c / math.sqrt(joules * (2 * m_e * c**2 + joules)) * 1e10)


def transfer_function(
    shape: tuple[int, int], extent: tuple[float, float], optics: Optics
) -> np.ndarray:
    """Return the contrast transfer function with its envelopes.

    Equations 1.9 to 1.23 of the thesis: the phase of all aberrations, the temporal
    envelope of the focal spread, the spatial envelope of the angular spread, and the
    Gaussian envelope of vibrations, whose width is given in the image: equation 1.22
    with sigma = 2 pi blur. There is no objective aperture. The temporal envelope is
    that of the linear image only; `image_intensity` adds up over focus.

    Parameters
    ----------
    shape
        Shape (y, x) of the wave.
    extent
        Lengths of the wave along (y, x) [Å].
    optics
        Energy and lenses.

    Returns
    -------
    The transfer function, complex64, shape (y, x), zero frequency first, as in
    `scipy.fft.fft2`.
    """
    ky, kx = _frequencies(shape, extent)
    k2 = ky**2 + kx**2
    lam = wavelength(optics.energy)
    # abTEM's sign: positive defocus is underfocus, C10 = -defocus.
    chi = np.pi * lam * k2 * (0.5 * optics.Cs * lam**2 * k2 - optics.defocus)
    temporal = (np.pi * lam * optics.focal_spread / 2 * k2) ** 2
    # The Fourier transform of a Gaussian of standard deviation `blur`.
    gaussian = 2 * np.pi**2 * optics.blur**2 * k2
    damping = temporal + gaussian
    if optics.aberrations or optics.angular_spread:
        alpha, phi = lam * np.sqrt(k2), np.arctan2(ky, kx)
        # The gradient of chi, in units of 2 pi / lam, along alpha and phi.
        radial = (optics.Cs * alpha**2 - optics.defocus) * alpha
        azimuthal = np.zeros_like(alpha)
        for a in optics.aberrations:
            gradient = np.float32(a.magnitude) * alpha**a.n
            turned = a.m * (phi - np.float32(a.angle))
            cosine = gradient * np.cos(turned)
            chi += 2 * np.pi / lam / (a.n + 1) * cosine * alpha
            radial += cosine
            azimuthal += a.m / (a.n + 1) * gradient * np.sin(turned)
        beta = optics.angular_spread * 1e-3
        damping += (np.pi * beta / lam) ** 2 * (radial**2 + azimuthal**2)
    return np.asarray(np.exp(-damping) * np.exp(-1j * chi), np.complex64)


def image_intensity(
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
        Lengths of the wave along (y, x) [Å].
    optics
        Energy and lenses.
    shape
        Shape (y, x) of the image, which has the same field of view.

    Returns
    -------
    The image, float32, of shape `shape`; 1 = vacuum. It is the sum of intensities over
    the distribution of focus, to 1e-4 (RMS), where `transfer_function` damps the wave.

    Raises
    ------
    ValueError
        If the focal spread is so large that no microscope has it.
    """
    without = transfer_function(wave.shape, extent, replace(optics, focal_spread=0))
    spectrum = scipy.fft.fft2(wave) * without
    squared = _squared_frequencies(wave.shape, extent)
    # The intensity has twice the frequencies of the wave.
    fine = tuple(scipy.fft.next_fast_len(2 * n) for n in wave.shape)
    a = np.float32(fading(wavelength(optics.energy), optics.focal_spread**2))
    enveloped = spectrum * np.exp(-a * squared**2)
    half = _half_spectrum(_intensity(enveloped, fine), shape)
    if optics.focal_spread:
        beyond = _beyond_envelope(spectrum, squared, extent, optics)
        more = _half_spectrum(beyond, shape)
        half[:, : more.shape[1]] += more
    return np.asarray(np.maximum(scipy.fft.irfft2(half, shape), 0), np.float32)


def _beyond_envelope(
    spectrum: np.ndarray,
    squared: np.ndarray,
    extent: tuple[float, float],
    optics: Optics,
) -> np.ndarray:
    """Return what the focal spread adds to the image of the envelope.

    On pixels that are as fine as it needs.
    """
    power = spectrum.real**2 + spectrum.imag**2
    shells = find_shells(squared, power)
    fine = tuple(
        scipy.fft.next_fast_len(min(2 * n, math.ceil(4 * shells.highest * length) + 2))
        for n, length in zip(spectrum.shape, extent, strict=True)
    )
    cut = _fit_spectrum(spectrum, fine)
    number = shells.numbers(_squared_frequencies(fine, extent))
    image = np.zeros(fine, np.float32)
    factors = focal_factors(shells, wavelength(optics.energy), optics.focal_spread)
    # One by one, for each is as large as the image.
    for factor in factors:
        image += _intensity(cut * factor[number], fine)
    return image


def _intensity(spectrum: np.ndarray, fine: tuple[int, int]) -> np.ndarray:
    """Return the intensity of a wave on finer pixels."""
    wave = scipy.fft.ifft2(_fit_spectrum(spectrum, fine))
    return np.asarray(wave.real**2 + wave.imag**2)


def _half_spectrum(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the half spectrum of an image on other pixels, for `scipy.fft.irfft2`."""
    half = scipy.fft.rfft2(image)[:, : min(shape[1], image.shape[1]) // 2 + 1]
    return _fit_axis(half, 0, shape[0]) * np.float32(shape[1] / image.shape[1])


def _frequencies(
    shape: tuple[int, int], extent: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the frequencies (y, x) [1/Å], zero first, shapes (y, 1) and (x,)."""
    ky, kx = (
        scipy.fft.fftfreq(n, length / n).astype(np.float32)
        for n, length in zip(shape, extent, strict=True)
    )
    return ky[:, np.newaxis], kx


def _squared_frequencies(
    shape: tuple[int, int], extent: tuple[float, float]
) -> np.ndarray:
    ky, kx = _frequencies(shape, extent)
    return np.asarray(ky**2 + kx**2)


def _fit_spectrum(spectrum: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Cut or pad a spectrum to the frequencies of another grid, and keep the scale."""
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
