# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectra of particles: local Fourier transforms, as the label Zone axis sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperspy_hrtemnn.analysis import local_spectrum

from .outlines import instances

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .sample import Sample

APODIZATION = 5.0
"""Width of the soft edge of a particle, the default of `HRTEM.local_fft` [Å]."""


def particle_spectrum(
    sample: Sample, drawn: float = 1.0
) -> tuple[NDArray[np.float32], tuple[float, float]]:
    """Return the amplitude spectrum of the particle of a sample, as of `local_fft`.

    Parameters
    ----------
    sample
        Image of one particle.
    drawn
        Size of the outline along which the particle is cut out; the true one is 1.

    Returns
    -------
    Amplitudes, shape (ky, kx), and their step, (ky, kx) in 1/nm.
    """
    (outline,) = sample.specimen.outlines
    middle = outline.mean(axis=0)
    mask = instances([middle + drawn * (outline - middle)], sample.grid) > 0
    y, x = (10 / length for length in sample.exposure.size)
    spectrum = local_spectrum(
        sample.exposure.counts[0],
        mask,
        size=sample.grid.shape,
        apodization=APODIZATION / sample.pixel,
    )
    return spectrum, (y, x)
