# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectrum of a strip: the Fourier transform of a piece of a straightened nanotube."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.analysis.particles.local_fourier import local_spectrum

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

STRIP_LENGTH = 96.0
"""Length of a strip along the axis of its tube [Å]."""

STRIP_WIDTH = 48.0
"""Width of a strip across its tube, of 20 Å or less, with vacuum beside it [Å]."""

# Percentiles of the pixels of a strip: hot and dead ones are no more than these.
_USUAL = (0.1, 99.9)

# Soft edge of a strip. A harder one has side lobes of the walls at all frequencies, a
# softer one makes the layer lines wider [Å].
_APODIZATION = 2.5


def strip_spectrum(
    strip: ArrayLike, pixel: float
) -> tuple[NDArray[np.float32], tuple[float, float]]:
    """Return the amplitude spectrum of a strip along a nanotube.

    Parameters
    ----------
    strip
        Image of the tube, its axis along x in the middle, shape (y, x).
    pixel
        Pixel size [Å].

    Returns
    -------
    Amplitudes, shape (ky, kx), zero frequency at the index ``n // 2``, and their step,
    (ky, kx) [1/nm].
    """
    seen = np.asarray(strip, np.float32)
    low, high = np.percentile(seen, _USUAL)
    seen = np.clip(seen, low, high)
    height, width = seen.shape
    spectrum = local_spectrum(
        seen, size=(height, width), apodization=_APODIZATION / pixel
    )
    return spectrum, (10 / (height * pixel), 10 / (width * pixel))
