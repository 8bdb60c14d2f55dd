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

    from .search_area import SearchArea

    Values = NDArray[np.float64]

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
        Mean squared amplitude of the noise at each pixel of the search area, in its
        order.
    samples
        Number of independent values in this mean, in the same order.
    speckle
        Side of a square as large as a speckle [pixels].
    """

    intensity: Values
    samples: Values
    speckle: float

    def is_below(self, intensity: Values, false_alarms: float) -> NDArray[np.bool_]:
        r"""Return where an intensity is so large that noise seldom reaches it.

        The probability that the intensity of noise exceeds :math:`u` times its mean,
        when the mean was found from :math:`n` samples, is :math:`(1 + u/n)^{-n}`; for
        all pixels together it is at most the sum of these.

        Parameters
        ----------
        intensity
            Squared amplitude at each pixel of the search area, in its order.
        false_alarms
            Expected number of pixels of noise in one spectrum for which this is true.
        """
        rarity = np.log(max(len(intensity), 1) / false_alarms)
        # No number of samples has a lower threshold, and few pixels are above this one.
        above: NDArray[np.bool_] = intensity > self.intensity * rarity
        n = self.samples[above]
        factor = n * np.expm1(rarity / n)
        above[above] = intensity[above] > self.intensity[above] * factor
        return above


def find_noise(intensity: Values, area: SearchArea) -> Noise:
    """Measure the noise of a spectrum as a function of the frequency.

    In rings around the center the mean is found from the median, which reflections do
    not shift as long as they cover a small part of a ring.

    Parameters
    ----------
    intensity
        Squared amplitude at each pixel of the search area, in its order.
    area
        The search area.
    """
    speckle = 1.0
    for width in (_FIRST_RING, None):
        step = _RING * speckle if width is None else width
        mean, samples = _rings(intensity, area.radius, step)
        speckle = _speckle(intensity / mean, area)
    # A median is as good as a mean of half as many values.
    samples = np.maximum(samples * np.log(2) ** 2 / speckle**2, 1)
    return Noise(mean, samples, speckle)


def _rings(intensity: Values, radius: Values, width: float) -> tuple[Values, Values]:
    """Return the mean of the noise at each pixel, and the number of pixels in it."""
    first, last = radius[0], radius[-1]
    count = max(int((last - first) / width), 1)
    edges = np.linspace(first, last, count + 1)
    of_rings = np.split(intensity, np.searchsorted(radius, edges[1:-1]))
    middle = np.array([_middle(one) for one in of_rings]) / np.log(2)
    # Rounding leaves small values in an empty spectrum.
    middle = np.maximum(middle, 1e-14 * intensity.max())
    centers = (edges[1:] + edges[:-1]) / 2
    mean = np.exp(np.interp(radius, centers, np.log(middle)))
    samples = np.interp(radius, centers, [float(len(one)) for one in of_rings])
    return mean, samples


def _middle(values: Values) -> float:
    """Return the median, of an even number of values the larger one in the middle.

    It takes a third of the time of `numpy.median`.
    """
    place = len(values) // 2
    return float(np.partition(values, place)[place]) if len(values) else np.nan


def _speckle(relative: Values, area: SearchArea) -> float:
    """Return the size of a speckle, from the correlation of neighboring pixels."""
    bounded = np.minimum(relative, _BRIGHT)
    excess = np.zeros(area.inside.shape)
    excess.ravel()[area.order] = bounded - bounded.mean()
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
