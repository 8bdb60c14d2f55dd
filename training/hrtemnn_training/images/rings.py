# SPDX-License-Identifier: GPL-3.0-or-later
"""Rings: ring spectra of samples, and the lens that they show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.analysis import RingSpectrum, ring_directions, ring_spectrum
from hyperspy_hrtemnn.networks import optics_input

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .sample import Sample


def rings_of(sample: Sample) -> RingSpectrum:
    """Return the ring spectrum of a sample's first image."""
    return ring_spectrum(
        sample.exposure.counts[0], sample.pixel, sample.specimen.energy
    )


def ring_input(sample: Sample) -> NDArray[np.float32]:
    """Return the ring spectrum as a network sees it, shape (channel, direction, u)."""
    rings = rings_of(sample)
    return optics_input(rings.power, rings.third_moment, rings.known, ring_directions())


def true_optics(sample: Sample) -> NDArray[np.float64]:
    """Return the values `OPTICS` of a sample's first image, shape (4,) [Å].

    The defocus is that of the mean plane of the specimen: an atom that is d above the
    exit plane is imaged with d less of it, and an image shows no exit plane. The blur
    is that of the lens and of all motion, along any direction: half of the variance of
    a drift is along each axis.
    """
    lens, moved = sample.exposure.optics[0], sample.exposure.disturbances
    twofold = [a for a in lens.aberrations if (a.n, a.m) == (1, 2)]
    magnitude, angle = (
        (twofold[0].magnitude, 2 * twofold[0].angle) if twofold else (0.0, 0.0)
    )
    variance = lens.blur**2 + moved.vibration_blur**2 + moved.drift_blur**2 / 2
    return np.array(
        [
            lens.defocus - sample.specimen.depth,
            magnitude * np.cos(angle),
            magnitude * np.sin(angle),
            np.sqrt(variance),
        ]
    )
