# SPDX-License-Identifier: GPL-3.0-or-later
"""Layer lines: the spectrum of a nanotube as input of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._relative_spectrum import relative_spectrum

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Noise ends at about -2; walls at large defocus reach 6, a hundred times the noise.
_LEAST, _MOST = -2.0, 6.0


def layer_lines(
    spectrum: NDArray[np.floating],
    step: tuple[float, float],
    sampling: float,
    side: int,
) -> NDArray[np.float32]:
    """Return the layer lines of a nanotube, whose axis is along x.

    The walls of a tube that are in front and behind have mirrored lattices, so that all
    that its spectrum says of them is in one quarter of it: this is the mean of the
    intensities of the four, relative to the background, see `relative_spectrum`. So the
    result is also the same for both ends of a tube, and for its mirror image.

    Parameters
    ----------
    spectrum
        Amplitudes, shape (ky, kx), zero frequency at the index ``n // 2``.
    step
        Step from pixel to pixel, (ky, kx) [1/nm].
    sampling
        Sampling of images with the frequencies of the result [Å]: these are from 0 to
        ``1 / (2 * sampling)``.
    side
        Number of pixels of the result along each axis.

    Returns
    -------
    Logarithms of the relative amplitude, shape (side, side), zero frequency at the
    first pixel: the equatorial line is in the first column, and the layer lines are in
    those after it.

    Raises
    ------
    ValueError
        If the spectrum ends at a lower frequency.
    """
    whole = relative_spectrum(spectrum, step, sampling, 2 * side - 1)
    zero = side - 1
    # Of a real image the other two quarters are the same.
    quarters = np.stack([whole[zero:, zero:], whole[zero::-1, zero:]])
    mean = np.log(np.mean(np.exp(2 * quarters), axis=0)) / 2
    return np.asarray(np.clip(mean, _LEAST, _MOST), np.float32)
