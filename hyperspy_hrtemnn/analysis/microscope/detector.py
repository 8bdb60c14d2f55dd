# SPDX-License-Identifier: GPL-3.0-or-later
"""Detector: shot noise, MTF and readout noise of a simulated image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

# Smallest response that is undone.
_UNDONE = 0.05


@dataclass(frozen=True)
class Detector:
    """Dose, sampling, MTF and noise of a detector.

    Parameters
    ----------
    sampling
        Pixel size [Å].
    dose
        Frame dose [e-/Å²].
    mtf_c0, mtf_c3, mtf_floor
        Half-maximum [Nyquist frequencies], steepness and noise floor of the MTF: c0, c3
        and C of `parametric_mtf`.
    readout
        Mean of the readout noise, N0 [e-/pixel].
    noise
        Whether there is shot and readout noise.
    has_mtf
        Whether the MTF is applied.
    """

    sampling: float
    dose: float
    mtf_c0: float = 0.5
    mtf_c3: float = 2.0
    mtf_floor: float = 0.0
    readout: float = 0.0
    noise: bool = True
    has_mtf: bool = True


def parametric_mtf(
    frequency: np.ndarray, c0: float, c3: float, C: float = 0.0
) -> np.ndarray:
    """Return the parametric modulation transfer function, equation 1.25.

    Parameters
    ----------
    frequency
        Spatial frequency [Nyquist frequencies], any shape.
    c0, c3, C
        Half-maximum [Nyquist frequencies], steepness and noise floor.
    """
    return (1 - C) / (1 + (frequency / c0) ** c3) + C


def checked_mtf(parameters: tuple[float, float]) -> tuple[float, float]:
    """Return c0 and c3 of an MTF, or raise a ValueError if they are not valid."""
    if np.shape(parameters) != (2,) or not min(parameters) > 0:
        raise ValueError(f"mtf has to be c0 and c3, both positive, not {parameters}.")
    return parameters


def detect_electrons(
    image: np.ndarray, detector: Detector, rng: np.random.Generator
) -> np.ndarray:
    """Return the counts of a detector for a noise-free image.

    Equation 3 of the noise paper, ``MTF[P(N_D)] + P(N_0)``: the MTF spreads the shot
    noise, but not the readout noise, which comes after it.

    Parameters
    ----------
    image
        Intensity, shape (y, x); 1 = vacuum. Its pixels are those of the detector.
    detector
        Properties of the detector.
    rng
        Random generator of the noise.

    Returns
    -------
    Counts in electrons, float32, shape (y, x).
    """
    if not detector.noise:
        return expected_counts(image, detector)
    counts = rng.poisson(_arriving(image, detector)).astype(np.float32)
    counts = _spread(counts, detector)
    if detector.readout:
        counts += rng.poisson(detector.readout, image.shape)
    return np.asarray(counts, np.float32)


def undo_mtf(image: np.ndarray, c0: float, c3: float) -> np.ndarray:
    """Return an image as it arrived at the detector, its shot noise white again.

    Parameters
    ----------
    image
        Counts of the detector, shape (y, x).
    c0, c3
        Half-maximum [Nyquist frequencies] and steepness of its MTF.

    Returns
    -------
    The image, float32, shape (y, x). Frequencies of which the MTF left less than 5 %
    stay weak.
    """
    response = np.maximum(_response(image.shape, c0, c3), _UNDONE)
    spectrum = scipy.fft.rfft2(np.asarray(image, np.float32)) / response
    return np.asarray(scipy.fft.irfft2(spectrum, image.shape), np.float32)


def share_undone(shape: tuple[int, int], c0: float, c3: float) -> float:
    """Return the share of its power that white noise keeps after MTF and `undo_mtf`.

    Parameters
    ----------
    shape
        Shape (y, x) of the image.
    c0, c3
        Half-maximum [Nyquist frequencies] and steepness of the MTF.
    """
    response = _response(shape, c0, c3)
    return float(np.mean((response / np.maximum(response, _UNDONE)) ** 2))


def expected_counts(image: np.ndarray, detector: Detector) -> np.ndarray:
    """Return the mean counts of a detector for an image; see `detect_electrons`."""
    counts = _spread(_arriving(image, detector), detector)
    return counts + np.float32(detector.readout) if detector.noise else counts


def _arriving(image: np.ndarray, detector: Detector) -> np.ndarray:
    return image * np.float32(detector.dose * detector.sampling**2)


def _spread(counts: np.ndarray, detector: Detector) -> np.ndarray:
    """Apply the MTF."""
    if not detector.has_mtf:
        return counts
    response = _response(
        counts.shape, detector.mtf_c0, detector.mtf_c3, detector.mtf_floor
    )
    spread = scipy.fft.irfft2(scipy.fft.rfft2(counts) * response, counts.shape)
    return np.asarray(spread, np.float32)


def _response(
    shape: tuple[int, ...], c0: float, c3: float, C: float = 0.0
) -> np.ndarray:
    """Return the MTF at the frequencies of the spectrum of a real image."""
    ky = scipy.fft.fftfreq(shape[0], 0.5).astype(np.float32)
    kx = scipy.fft.rfftfreq(shape[1], 0.5).astype(np.float32)
    return parametric_mtf(np.hypot(ky[:, np.newaxis], kx), c0, c3, C)
