# SPDX-License-Identifier: GPL-3.0-or-later
"""Relative spectra: amplitudes over their background, on fixed frequencies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Standard deviation of the Gaussian that smooths spectra [new pixels]: with less,
# reflections between pixels are lost, with more, reflections of twins merge.
_SPREAD = 0.5


def relative_spectrum(
    spectrum: NDArray[np.floating],
    step: tuple[float, float],
    sampling: float,
    side: int,
) -> NDArray[np.float32]:
    r"""Return an amplitude spectrum on fixed frequencies, relative to its background.

    The intensity is smoothed by half a new pixel and read at the new frequencies. With
    :math:`\tilde I` its median over all directions at the same frequency, the result is

    .. math:: \tfrac{1}{2} \ln (I / \tilde I)

    the logarithm of the amplitude: noise lies around 0 for any dose, lenses and
    detector, and reflections lie above it. It does not depend on the size of the crop
    or on the gain.

    Parameters
    ----------
    spectrum
        Amplitudes, shape (ky, kx), zero frequency at the index ``n // 2``; from
        `hyperspy_hrtemnn.analysis.local_spectrum`.
    step
        Step from pixel to pixel, (ky, kx) [1/nm].
    sampling
        Sampling of images with the frequencies of the result [Å]: these are from
        ``-1 / (2 * sampling)`` to ``1 / (2 * sampling)``.
    side
        Number of pixels of the result along each axis, odd; zero is in the middle.

    Returns
    -------
    The relative spectrum, shape (side, side); 0 where the spectrum is empty.

    Raises
    ------
    ValueError
        If the spectrum ends at a lower frequency.
    """
    reach = 10 / (2 * sampling)  # [1/nm]
    sizes = zip(spectrum.shape, step, strict=True)
    nyquist = min(n * d / 2 for n, d in sizes)
    # Conversions of units round calibrations.
    if nyquist < reach * (1 - 1e-6):
        raise ValueError(
            f"The spectrum ends at {nyquist:.3g}/nm, and {reach:.3g}/nm are needed: "
            f"pixels of {sampling:g} Å or less. Check the calibration."
        )
    if not spectrum.any():
        return np.zeros((side, side), np.float32)
    pixel = 2 * reach / (side - 1)
    # Most of a spectrum may lie outside the frequencies that are read.
    far = [int(np.ceil((reach + 4 * _SPREAD * pixel) / d)) for d in step]
    zero = [min(n // 2, f) for n, f in zip(spectrum.shape, far, strict=True)]
    rows, columns = (
        slice(n // 2 - z, n // 2 + f + 1)
        for n, z, f in zip(spectrum.shape, zero, far, strict=True)
    )
    intensity = ndimage.gaussian_filter(
        np.asarray(spectrum[rows, columns], float) ** 2,
        [_SPREAD * pixel / d for d in step],
        mode="constant",
    )
    index = np.indices((side, side)) - side // 2
    places = [z + i * pixel / d for z, i, d in zip(zero, index, step, strict=True)]
    intensity = ndimage.map_coordinates(intensity, places, order=1, mode="nearest")
    # Rounding leaves small values in an empty spectrum.
    intensity = np.maximum(intensity, 1e-14 * intensity.max())
    ring = np.rint(np.hypot(*index)).astype(int)
    median = np.asarray(ndimage.median(intensity, ring, np.arange(ring.max() + 1)))
    return np.asarray(np.log(intensity / median[ring]) / 2, np.float32)
