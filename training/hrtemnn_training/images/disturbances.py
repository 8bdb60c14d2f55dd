# SPDX-License-Identifier: GPL-3.0-or-later
"""Disturbances of an exposure: motion, uneven illumination, hot and dead pixels.

They are neither the lenses' nor the camera's, which `Optics` and `Detector` describe:
motion during the exposure adds up intensities, not waves, and loses no electron.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .keys import ImageKeys

# What a hot pixel reads [means of the image]; one that reads less is hardly seen in the
# noise, and one that reads more is found by any cleaning.
_HOT = (2.0, 10.0)


@dataclass(frozen=True)
class Disturbances:
    """What disturbs the images of one input; nothing by default.

    Parameters
    ----------
    vibration_blur
        Standard deviation of the blur of the intensity along all directions [Å].
    drift_blur
        Standard deviation of the blur along one more [Å].
    drift_angle
        That direction, from x towards y [rad].
    illumination
        Largest relative deviation of the illumination from its mean.
    slopes
        Form of the illumination: weights of x, y, x², xy and y².
    hot_pixels
        Share of the pixels that are hot or dead.
    """

    vibration_blur: float = 0.0
    drift_blur: float = 0.0
    drift_angle: float = 0.0
    illumination: float = 0.0
    slopes: tuple[float, ...] = ()
    hot_pixels: float = 0.0

    def known_values(self) -> dict[str, float]:
        """Return those that are on, by the name of their key."""
        values = {
            "vibration_blur": self.vibration_blur,
            "drift_blur": self.drift_blur,
            "illumination": self.illumination,
            "hot_pixels": self.hot_pixels,
        }
        return {name: value for name, value in values.items() if value}


UNDISTURBED = Disturbances()
"""No disturbances."""


def draw_disturbances(parameters: ImageKeys, rng: np.random.Generator) -> Disturbances:
    """Draw the disturbances of one input; what is off draws nothing.

    Parameters
    ----------
    parameters
        The ranges.
    rng
        Source of the draws.
    """
    vibration = drift = angle = illumination = hot = 0.0
    slopes: tuple[float, ...] = ()
    if parameters.vibration_blur[1] > 0:
        vibration = rng.uniform(*parameters.vibration_blur)
    if parameters.drift_blur[1] > 0:
        drift, angle = rng.uniform(*parameters.drift_blur), rng.uniform(0, np.pi)
    if parameters.illumination[1] > 0:
        illumination = rng.uniform(*parameters.illumination)
        slopes = tuple(rng.normal(size=5).tolist())
    if parameters.hot_pixels[1] > 0:
        hot = rng.uniform(*parameters.hot_pixels)
    return Disturbances(vibration, drift, angle, illumination, slopes, hot)


def blur_by_motion(
    image: NDArray[np.float32], extent: tuple[float, float], disturbances: Disturbances
) -> NDArray[np.float32]:
    """Return an image blurred by vibrations, and by drift along its direction.

    Parameters
    ----------
    image
        Intensity, shape (y, x), periodic.
    extent
        Its lengths along (y, x) [Å].
    disturbances
        Widths and direction.
    """
    if not (disturbances.vibration_blur or disturbances.drift_blur):
        return image
    ky = scipy.fft.fftfreq(image.shape[0], extent[0] / image.shape[0])
    kx = scipy.fft.rfftfreq(image.shape[1], extent[1] / image.shape[1])
    angle = disturbances.drift_angle
    along = kx * np.cos(angle) + ky[:, np.newaxis] * np.sin(angle)
    squared = (disturbances.drift_blur * along) ** 2
    squared += disturbances.vibration_blur**2 * (kx**2 + ky[:, np.newaxis] ** 2)
    # The Fourier transform of a Gaussian of these standard deviations.
    damping = np.exp(-2 * np.pi**2 * squared)
    spectrum = scipy.fft.rfft2(image) * damping.astype(np.float32)
    return np.asarray(scipy.fft.irfft2(spectrum, image.shape), np.float32)


def illumination(
    shape: tuple[int, int], margin: int, disturbances: Disturbances
) -> NDArray[np.float32]:
    """Return the illumination of an image, whose mean is 1.

    Parameters
    ----------
    shape
        Shape (y, x) of the image with its margin.
    margin
        Pixels on each side where the illumination goes on, but does not count for mean
        and deviation.
    disturbances
        Deviation and form.
    """
    if not disturbances.illumination:
        return np.ones((1, 1), np.float32)
    # From -1 to 1 over the longer side of the image.
    half = (max(shape) - 2 * margin - 1) / 2
    y, x = (np.arange(n, dtype=np.float32) - (n - 1) / 2 for n in shape)
    y, x = y[:, np.newaxis] / half, x / half
    form = np.zeros(shape)
    for weight, term in zip(
        disturbances.slopes, (x, y, x**2, x * y, y**2), strict=True
    ):
        form += weight * term
    inner = form[margin : shape[0] - margin, margin : shape[1] - margin]
    form = form - inner.mean()
    largest = np.abs(inner - inner.mean()).max()
    return np.asarray(
        np.maximum(1 + disturbances.illumination / largest * form, 0), np.float32
    )


def spoil_pixels(
    counts: NDArray[np.float32], share: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return counts of which some pixels, the same in all images, are hot or dead.

    Dead ones read nothing, hot ones, about as many, 2 to 10 times the mean.

    Parameters
    ----------
    counts
        Shape (image, y, x).
    share
        Share of the pixels.
    rng
        Source of the places and the values; a share of 0 draws nothing.
    """
    if not share:
        return counts
    pixels = counts.shape[1] * counts.shape[2]
    places = rng.integers(pixels, size=rng.binomial(pixels, share))
    values = rng.uniform(*_HOT, len(places)) * (rng.random(len(places)) < 0.5)
    spoiled = counts.reshape(len(counts), pixels).copy()
    spoiled[:, places] = spoiled.mean(axis=1, keepdims=True) * values
    return np.asarray(spoiled.reshape(counts.shape), np.float32)
