# SPDX-License-Identifier: GPL-3.0-or-later
"""Cosine series of a row of pixels: the Fourier series of the row and its mirror image.

A crop of an image is not periodic. Its Fourier series sees a step from the last pixel
to the first, which is in all frequencies; where the crop goes on as its own mirror
image there is none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]


def frequencies(n: int, pixel: float = 1.0) -> NDArray[np.float64]:
    """Return the frequency of each term, half a period of a row first after 0.

    Parameters
    ----------
    n
        Number of pixels, and of terms.
    pixel
        Size of a pixel; the frequencies are in periods per unit of it.
    """
    return np.arange(n) / (2 * n * pixel)


def cosines_and_sines(n: int) -> tuple[Matrix, Matrix]:
    """Return the cosine and the sine of each term at each pixel, (pixel, term) each.

    The cosines are orthonormal: with `row @ cosines` as its coefficients, a row is
    `cosines @ coefficients`. The sines are for the same row elsewhere: a distance s
    before a pixel, a term of frequency f is cos(2 pi f s) times its cosine there and
    sin(2 pi f s) times its sine.

    Parameters
    ----------
    n
        Number of pixels, and of terms.
    """
    angles = 2 * np.pi * np.outer(np.arange(n) + 0.5, frequencies(n))
    norm = np.full(n, np.sqrt(2 / n))
    norm[0] = np.sqrt(1 / n)
    cosines, sines = norm * np.cos(angles), norm * np.sin(angles)
    return cosines.astype(np.float32), sines.astype(np.float32)


def slopes(n: int) -> Matrix:
    """Return the derivative of each term at each pixel, shape (pixel, term).

    Parameters
    ----------
    n
        Number of pixels, and of terms.
    """
    _, sines = cosines_and_sines(n)
    found: NDArray[np.float64] = -2 * np.pi * frequencies(n) * sines
    return found.astype(np.float32)
