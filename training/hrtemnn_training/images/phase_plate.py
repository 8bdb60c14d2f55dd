# SPDX-License-Identifier: GPL-3.0-or-later
"""Phase plate: the image of a lens without aberrations that shows what turns phases.

In focus a lens without aberrations shows hardly anything of a thin object, which turns
the phase of the wave and leaves its amplitude. Zernike's phase plate turns the beam
that was not scattered by a quarter of a wave, so that atoms are bright, each where it
is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.analysis import Optics, image_intensity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hrtemnn_training.store import Specimen

    from .exposure import Exposure

# Standard deviation of the blur of the image: two atoms 0.8 Å apart can be told [Å].
_BLUR = 0.3


def phase_plate_image(specimen: Specimen, exposure: Exposure) -> NDArray[np.float32]:
    """Return the intensity in the pixels of an exposure, shape (y, x), 1 = vacuum.

    Parameters
    ----------
    specimen
        Exit wave and its extent.
    exposure
        Images of a part of it.
    """
    grid = exposure.grid()
    shape = tuple(
        round(length / pixel)
        for length, pixel in zip(specimen.extent, grid.pixel, strict=True)
    )
    wave = specimen.wave
    turned = wave + (1j - 1) * wave.mean()
    optics = Optics(energy=specimen.energy, blur=_BLUR)
    whole = image_intensity(turned, specimen.extent, optics, (shape[0], shape[1]))
    first = np.rint(np.divide(grid.corner, grid.pixel) + 0.5).astype(int)
    rows, columns = (
        np.arange(start, start + n) for start, n in zip(first, grid.shape, strict=True)
    )
    return np.asarray(whole[np.ix_(rows, columns)], np.float32)
