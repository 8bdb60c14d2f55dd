# SPDX-License-Identifier: GPL-3.0-or-later
"""Copied images: one image twice in a series, known by its noise.

Two images of a sample have what lenses make of it in common, but not their noise. A
copy has, also with another gain, another zero, or shifted, and all errors of a fit are
too small by it.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

from hyperspy_hrtemnn.user_warnings import warn_user

from .noise_level import NOISE_ONLY
from .working_grid import HIGHEST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Difference of a correlation from 1 that rounding makes; noise makes 1e-4 of it in
# images of 10^6 electrons a pixel.
_ROUNDING = 1e-6

# Correlation of the noise of two images above which they share it. That of others is
# 0.05, and 0.5 of running averages.
_SHARED = 0.3


def check_copies(images: NDArray[np.floating], valid: NDArray[np.bool_]) -> None:
    """Refuse a series that has an image twice, with any gain and zero.

    Parameters
    ----------
    images
        The images, shape (image, y, x).
    valid
        Pixels that are data, shape (y, x).

    Raises
    ------
    ValueError
        If an image is a copy of another.
    """
    flat = [_normalized(np.asarray(image[valid], np.float64)) for image in images]
    for one, other in combinations(range(len(flat)), 2):
        if flat[one] @ flat[other] > 1 - _ROUNDING:
            raise ValueError(
                f"Images {one} and {other} of the series are the same image, whose "
                "noise would count twice. Give each image once."
            )


def warn_of_shared_noise(
    residuals: Sequence[NDArray[np.floating]], field: tuple[float, float]
) -> None:
    """Warn if two images have their noise in common.

    Parameters
    ----------
    residuals
        What a fit leaves of each image, shape (image, y, x).
    field
        Lengths of the images along (y, x) [Å].

    Warns
    -----
    UserWarning
        If two images have much of their noise in common, wherever it is in them.
    """
    noise = [_noise_spectrum(np.asarray(each), field) for each in residuals]
    found = {
        (one, other): _correlation(noise[one], noise[other])
        for one, other in combinations(range(len(noise)), 2)
    }
    if not found:
        return
    one, other = max(found, key=lambda pair: found[pair])
    if found[one, other] > max(_SHARED, 2 * _by_chance(noise[one])):
        warn_user(
            f"Images {one} and {other} of the series have their noise in common, with "
            f"a correlation of {found[one, other]:.2f}, so that all errors are too "
            "small and probabilities too certain. Is one made of the other, are both "
            "averages over the same exposures, or has the camera a pattern that no "
            "gain reference took away?"
        )


def _normalized(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    off = pixels - pixels.mean() if pixels.size else pixels
    size = float(np.linalg.norm(off))
    return off / size if size else off


def _noise_spectrum(
    residual: NDArray[np.floating], field: tuple[float, float]
) -> NDArray[np.complex64]:
    """Return the spectrum of a residual where no lens passes anything, else 0."""
    spectrum = scipy.fft.fft2(residual)
    pixels = [length / n for length, n in zip(field, residual.shape, strict=True)]
    ky, kx = (
        scipy.fft.fftfreq(n, pixel)
        for n, pixel in zip(residual.shape, pixels, strict=True)
    )
    frequency = np.hypot(ky[:, np.newaxis], kx)
    highest = min(HIGHEST, 0.5 / max(pixels))
    low, high = (share * highest for share in NOISE_ONLY)
    spectrum[(frequency < low) | (frequency > high)] = 0
    return np.asarray(spectrum, np.complex64)


def _by_chance(noise: NDArray[np.complex64]) -> float:
    """Return the largest correlation that shifts of another noise have by chance."""
    count = max(int(np.count_nonzero(noise)), 1)
    return float(np.sqrt(2 * np.log(4 * count) / count))


def _correlation(one: NDArray[np.complex64], other: NDArray[np.complex64]) -> float:
    """Return the largest correlation of two images, whatever their shift is."""
    power = float(np.linalg.norm(one)) * float(np.linalg.norm(other))
    if not power:
        return 0.0
    common = scipy.fft.fftshift(one * other.conj())
    # Between the pixels, too, where that of an image that was shifted may be.
    finer = [(n // 2, n - n // 2) for n in common.shape]
    by_shift = scipy.fft.ifft2(np.pad(common, finer), norm="forward")
    return float(np.abs(by_shift).max()) / power
