# SPDX-License-Identifier: GPL-3.0-or-later
"""Noise of an amplitude spectrum, and the threshold above which a peak is not noise.

Where there is no reflection, the Fourier transform of an image is a sum over many
independent pixels: its intensity has an exponential distribution, whose mean depends
on the spatial frequency through the lenses, the detector and the amorphous support
(Goodman, Speckle Phenomena in Optics, 2007, section 3.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Spectrum = NDArray[np.float64]

# Width of the rings in which the mean is found [speckles]: many speckles are needed for
# a mean, but it changes with the frequency through the transfer function.
_RING = 3.0

_FIRST_RING = 4.0  # width while the size of a speckle is not known yet [pixels]

# Brightness to which brighter speckles are cut when their size is found, because these
# may be reflections.
_BRIGHT = 5.0


@dataclass(frozen=True)
class Noise:
    """The noise of one amplitude spectrum.

    Parameters
    ----------
    intensity
        Mean squared amplitude of the noise at each pixel, shape (ky, kx); NaN where it
        is not known.
    samples
        Number of independent values in this mean, shape (ky, kx).
    speckle
        Side of a square as large as a speckle [pixels].
    """

    intensity: Spectrum
    samples: Spectrum
    speckle: float

    def threshold(self, false_alarms: float, searched: NDArray[np.bool_]) -> Spectrum:
        r"""Return the intensity above which there are so few pixels of noise.

        The probability that the intensity of noise exceeds :math:`u` times its mean,
        when the mean was found from :math:`n` samples, is :math:`(1 + u/n)^{-n}`; for
        all pixels together it is at most the sum of these.

        Parameters
        ----------
        false_alarms
            Expected number of pixels of noise above the threshold in one spectrum.
        searched
            True for the pixels that are searched, shape (ky, kx).

        Returns
        -------
        The threshold, shape (ky, kx).
        """
        pixels = max(int(np.count_nonzero(searched)), 1)
        n = self.samples
        factor = n * np.expm1(np.log(pixels / false_alarms) / n)
        return np.asarray(self.intensity * factor)


def find_noise(
    spectrum: Spectrum, radius: Spectrum, inside: NDArray[np.bool_]
) -> Noise:
    """Measure the noise of a spectrum as a function of the frequency.

    In rings around the center the mean is found from the median, which reflections do
    not shift as long as they cover a small part of a ring.

    Parameters
    ----------
    spectrum
        Amplitudes, shape (ky, kx).
    radius
        Spatial frequency of each pixel [pixels], shape (ky, kx).
    inside
        True where there can be reflections, shape (ky, kx).

    Returns
    -------
    The noise where `inside` is true.
    """
    intensity = spectrum**2
    speckle = 1.0
    for width in (_FIRST_RING, None):
        step = _RING * speckle if width is None else width
        mean, samples = _rings(intensity, radius, inside, step)
        speckle = _speckle(intensity / mean, inside)
    # One half of the pixels repeats the other, because an image is real. A median is as
    # good as a mean of half as many values.
    samples = np.maximum(samples * np.log(2) ** 2 / 2 / speckle**2, 1)
    return Noise(mean, samples, speckle)


def _rings(
    intensity: Spectrum, radius: Spectrum, inside: NDArray[np.bool_], width: float
) -> tuple[Spectrum, Spectrum]:
    """Return the mean of the noise at each pixel, and the number of pixels in it."""
    first, last = radius[inside].min(), radius[inside].max()
    count = max(int((last - first) / width), 1)
    edges = np.linspace(first, last, count + 1)
    ring = np.digitize(radius[inside], edges[1:-1])
    # Sorting by ring is far faster than sorting by intensity, as ndimage.median does.
    ordered = intensity[inside][np.argsort(ring.astype(np.int16), kind="stable")]
    pixels = np.bincount(ring, minlength=count)
    of_rings = np.split(ordered, np.cumsum(pixels)[:-1])
    middle = np.array([np.median(one) for one in of_rings]) / np.log(2)
    # Rounding leaves small values in an empty spectrum.
    middle = np.maximum(middle, 1e-14 * intensity.max())
    centers = (edges[1:] + edges[:-1]) / 2
    mean = np.exp(np.interp(radius, centers, np.log(middle)))
    samples = np.interp(radius, centers, pixels.astype(float))
    return np.where(inside, mean, np.nan), samples


def _speckle(relative: Spectrum, inside: NDArray[np.bool_]) -> float:
    """Return the size of a speckle, from the correlation of neighboring pixels."""
    bounded = np.where(inside, np.minimum(relative, _BRIGHT), 0)
    excess = np.where(inside, bounded - bounded[inside].mean(), 0)
    power = (excess**2).sum()
    size = 1.0
    for shifted, kept in (
        (excess[1:], excess[:-1]),
        (excess[:, 1:], excess[:, :-1]),
    ):
        likeness = np.clip((shifted * kept).sum() / power, 1e-3, 1 - 1e-3)
        # The area below a Gaussian that has this value one pixel away from its center.
        size *= max(1.0, np.sqrt(-np.pi / np.log(likeness)))
    return float(np.sqrt(size))
