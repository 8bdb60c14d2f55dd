# SPDX-License-Identifier: GPL-3.0-or-later
"""Local Fourier transforms on the fly: what a network of the label Zone axis sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.analysis import local_spectrum
from hyperspy_hrtemnn.networks import relative_spectrum

from .conditions import draw_conditions
from .exposure import RIM, expose
from .labels import image_label, instances

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hrtemnn_training.store import Sample

    from .exposure import Exposure
    from .parameters import ImageParameters

APODIZATION = 5.0
"""Of the soft edge of a particle, the default of `HRTEM.local_fft` [Å]."""

# A segmentation draws particles larger or smaller than they are [diameters].
_DRAWN = (0.9, 1.2)


def spectrum_pair(
    sample: Sample,
    parameters: ImageParameters,
    *,
    energy: float,
    sampling: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the spectrum of a particle as a network sees it, and its label.

    The whole field is imaged; the particle is cut out of it as from an image of a user,
    along an outline that is up to 10 % too small or 20 % too large.

    Parameters
    ----------
    sample, parameters, energy, rng
        As in `training_pair`. The sample shows one particle.
    sampling
        Which the highest frequency belongs to, see `relative_spectrum` [Å].

    Returns
    -------
    Shape (ky, kx, 1), and the label, shape (1,).

    Raises
    ------
    ValueError
        If the tilt of the sample is not known.
    """
    optics, detector = draw_conditions(parameters, energy, rng)
    y, x = (length - 2 * RIM for length in sample.extent)
    exposure = expose(sample, optics, detector, (y, x), rng)
    spectrum, step = particle_spectrum(sample, exposure, rng.uniform(*_DRAWN))
    image = relative_spectrum(spectrum, step, sampling, parameters.image_size[0])
    return image[..., np.newaxis], image_label(sample.values, parameters)


def particle_spectrum(
    sample: Sample, exposure: Exposure, drawn: float = 1.0
) -> tuple[NDArray[np.float32], tuple[float, float]]:
    """Return the amplitude spectrum of the particle of a sample, as of `local_fft`.

    Parameters
    ----------
    sample
        It shows one particle.
    exposure
        What the camera saw of it.
    drawn
        Size of the outline along which it is cut out; the true one is 1.

    Returns
    -------
    Amplitudes, shape (ky, kx), and their step, (ky, kx) in 1/nm.
    """
    (outline,) = sample.outlines
    middle = outline.mean(axis=0)
    grid = exposure.grid()
    mask = instances([middle + drawn * (outline - middle)], grid) > 0
    y, x = (10 / length for length in exposure.size)
    spectrum = local_spectrum(
        exposure.counts[0],
        mask,
        size=grid.shape,
        apodization=APODIZATION / float(grid.pixel[0]),
    )
    return spectrum, (y, x)
