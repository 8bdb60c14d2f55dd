# SPDX-License-Identifier: GPL-3.0-or-later
"""Wall pairs: where two parallel lines of an image may be the walls of a nanotube."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft, ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEP = 7.5
"""Step from one direction to the next [degrees]."""

# A line is the mean along its direction over this length: longer ones see weaker walls,
# shorter ones tubes of stronger bends; standard deviation [Å].
_ALONG = 14.0

# Width of a wall and its fringes, standard deviation [Å].
_ACROSS = 1.1


@dataclass(frozen=True)
class WallPairs:
    """How strong the weaker of two walls is, for each direction and place of the axis.

    Parameters
    ----------
    strength
        In standard deviations of noise, shape (direction, y, x); direction i is
        `STEP` i degrees from x towards y.
    distance
        Distance of the two walls, of the same shape [pixels].
    """

    strength: NDArray[np.float32]
    distance: NDArray[np.float32]


def find_wall_pairs(
    image: NDArray[np.floating], pixel: float, distances: tuple[float, float]
) -> WallPairs:
    """Return the strength of the best pair of walls for each direction and place.

    A wall is a line, dark or bright after the defocus, in the image averaged along the
    direction; a pair has two walls of the same sign.

    Parameters
    ----------
    image
        Image, shape (y, x), of about 1 Å per pixel.
    pixel
        Pixel size [Å].
    distances
        Least and largest distance of the walls [Å].
    """
    image = image - ndimage.gaussian_filter(image, 20 / pixel)
    count = round(180 / STEP)
    pad = int(3 * _ALONG / pixel)
    padded = np.pad(image, pad, mode="reflect")
    shape = [fft.next_fast_len(n, real=True) for n in padded.shape]
    spectrum = fft.rfft2(padded, shape)
    ky = fft.fftfreq(shape[0], pixel)[:, np.newaxis]
    kx = fft.rfftfreq(shape[1], pixel)
    offsets = np.arange(distances[0] / 2, distances[1] / 2 + 0.25, 0.5)
    strength = np.zeros((count, *image.shape), np.float32)
    distance = np.zeros_like(strength)
    for i in range(count):
        angle = np.radians(i * STEP)
        along = kx * np.cos(angle) + ky * np.sin(angle)
        across = ky * np.cos(angle) - kx * np.sin(angle)
        # A Gaussian along the line, and minus its second derivative across.
        line = np.exp(-2 * (np.pi * _ALONG * along) ** 2)
        line = line * across**2 * np.exp(-2 * (np.pi * _ACROSS * across) ** 2)
        response = fft.irfft2(spectrum * line, shape)[: padded.shape[0]]
        response = response[pad : pad + image.shape[0], pad : pad + image.shape[1]]
        response /= 1.4826 * np.median(np.abs(response)) + 1e-12
        normal = np.array([np.cos(angle), -np.sin(angle)]) / pixel
        for offset in offsets:
            one, other = (
                ndimage.shift(response, side * offset * normal, order=1)
                for side in (1, -1)
            )
            weaker = np.minimum(np.abs(one), np.abs(other)) * (one * other > 0)
            better = weaker > strength[i]
            strength[i][better] = weaker[better]
            distance[i][better] = 2 * offset / pixel
    return WallPairs(strength, distance)
