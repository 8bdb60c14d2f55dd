# SPDX-License-Identifier: GPL-3.0-or-later
"""Wave label: the exit wave on the pixels of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .grid import Grid

# Publication I, section 2: finer structure of the wave tells nothing [Å].
_SMOOTHING = 0.15


def exit_wave(
    wave: NDArray[np.complexfloating], extent: tuple[float, float], grid: Grid
) -> NDArray[np.float32]:
    """Return the Exitwave label, shape (y, x, 2): real and imaginary part, 1 = vacuum.

    The wave is smoothed by a Gaussian of 15 pm (publication I, section 2) and has only
    the frequencies the grid can carry. It is its Fourier series at the middles of the
    grid's pixels, exact at any sampling.

    Parameters
    ----------
    wave
        Exit wave, shape (y, x), periodic; pixel i is at i times its size.
    extent
        Lengths of the wave along (y, x) [Å].
    grid
        Pixels of the label.
    """
    spectrum = scipy.fft.fft2(wave)
    series = []
    for axis in (0, 1):
        n = wave.shape[axis]
        frequency = scipy.fft.fftfreq(n, extent[axis] / n)
        carried = np.abs(frequency) <= 0.5 / grid.pixel[axis]
        spectrum = spectrum.compress(carried, axis)
        frequency = frequency[carried]
        phase = np.exp(2j * np.pi * np.outer(grid.centers(axis), frequency))
        smoothing = np.exp(-2 * (np.pi * _SMOOTHING * frequency) ** 2) / n
        series.append((phase * smoothing).astype(np.complex64))
    label = series[0] @ spectrum @ series[1].T
    return np.stack([label.real, label.imag], axis=-1, dtype=np.float32)
