# SPDX-License-Identifier: GPL-3.0-or-later
"""Registration: the shift of one wave onto another.

Such a shift is not an error of the wave: three images with unknown lenses do not show
its position to a few pm, because a tilt of the beam, or coma with defocus, moves all of
it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.fft
from scipy.ndimage import distance_transform_edt

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The first round finds 2 % less than the shift, because both waves are faded out alike.
_ROUNDS = 3

_STEPS = 8  # of Newton's method, which converges within four
_CONVERGED = 1e-4  # [pixels]

# Width along which pixels beside what is no data count less [pixels].
_FADED = 16

# Width of the mirrored border by which waves are continued before a shift [pixels].
_MARGIN = 16


def find_wave_shift(
    wave: NDArray[np.complexfloating],
    other: NDArray[np.complexfloating],
    largest: float,
    valid: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Find the shift of a wave that brings it nearest to another.

    This is the shift with the smallest square difference, to a fraction of a pixel: the
    maximum of the cross-correlation at whole pixels, and then Newton's method on its
    Fourier series.

    Parameters
    ----------
    wave, other
        Waves of the same shape (y, x).
    largest
        Largest shift along each axis [pixels].
    valid
        Where both waves are data, shape (y, x); by default everywhere. Elsewhere they
        are finite, and not looked at.

    Returns
    -------
    Shift along (y, x) [pixels].
    """
    fade = _fade(other.shape, valid)
    target = scipy.fft.fft2(_windowed(other, fade))
    shift = np.zeros(2)
    for number in range(_ROUNDS):
        moved = _windowed(shifted_wave(wave, shift), fade)
        together = target * scipy.fft.fft2(moved).conj()
        start = np.zeros(2)
        if number == 0:
            start = _whole_pixels(scipy.fft.ifft2(together).real, int(largest))
        shift += _summit(together, start)
    return np.clip(shift, -largest, largest)


def shifted_wave(
    wave: NDArray[np.complexfloating], shift: NDArray[np.floating]
) -> NDArray[np.complex128]:
    """Shift a wave along (y, x), by its Fourier series.

    Parameters
    ----------
    wave
        Wave, shape (y, x). It is continued by its mirror image.
    shift
        Shift along (y, x) [pixels].
    """
    margins = [min(_MARGIN, n - 1) for n in wave.shape]
    padded = np.pad(
        np.asarray(wave, np.complex128), [(n, n) for n in margins], mode="reflect"
    )
    spectrum = scipy.fft.fft2(padded)
    for axis, (n, distance) in enumerate(zip(padded.shape, shift, strict=True)):
        phase = np.exp(-2j * np.pi * distance * scipy.fft.fftfreq(n))
        spectrum *= np.expand_dims(phase, 1 - axis)
    y, x = margins
    inside = scipy.fft.ifft2(spectrum)[y : y + wave.shape[0], x : x + wave.shape[1]]
    return np.asarray(inside, np.complex128)


def _fade(
    shape: tuple[int, ...], valid: NDArray[np.bool_] | None
) -> NDArray[np.float64]:
    """Return the weight of each pixel: 1 in the middle, 0 at borders of the data."""
    fade = np.outer(*(np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2 for n in shape))
    if valid is None or valid.all():
        return fade
    # Borders that stay where they are would hold the waves there.
    share = np.minimum(distance_transform_edt(valid) / _FADED, 1)
    return np.asarray(fade * np.sin(np.pi / 2 * share) ** 2, np.float64)


def _windowed(
    wave: NDArray[np.complexfloating], fade: NDArray[np.float64]
) -> NDArray[np.complex128]:
    """Return a wave without its mean, faded out at the borders."""
    return np.asarray(fade * (wave - np.mean(wave)), np.complex128)


def _whole_pixels(
    correlation: NDArray[np.float64], largest: int
) -> NDArray[np.float64]:
    """Return the best shift of whole pixels that is not larger than allowed."""
    reach = [min(largest, (n - 1) // 2) for n in correlation.shape]
    steps = [np.arange(-n, n + 1) for n in reach]
    allowed = correlation[np.ix_(*steps)]
    best = np.unravel_index(allowed.argmax(), allowed.shape)
    return np.array([s[b] for s, b in zip(steps, best, strict=True)], float)


def _summit(
    together: NDArray[np.complexfloating], start: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the shift at the summit of a correlation near a start [pixels]."""
    frequencies = [2 * np.pi * scipy.fft.fftfreq(n) for n in together.shape]
    shift = start.copy()
    for _ in range(_STEPS):
        step = _newton_step(together, frequencies, shift)
        shift += step
        if np.abs(step).max() < _CONVERGED:
            break
    # Without a summit nearby the method does not converge, and nothing is moved.
    return shift if np.all(np.abs(shift - start) <= 1) else start


def _newton_step(
    together: NDArray[np.complexfloating],
    frequencies: list[NDArray[np.float64]],
    shift: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the step towards the maximum of a correlation from its spectrum."""
    y, x = frequencies
    # The sums run over x and then y, with 1, k and k² of each.
    turned = [
        np.stack([(1j * k) ** power * np.exp(1j * k * s) for power in range(3)])
        for k, s in ((y, shift[0]), (x, shift[1]))
    ]
    sums = (turned[0] @ together @ turned[1].T).real
    gradient = np.array([sums[1, 0], sums[0, 1]])
    curvature = np.array([[sums[2, 0], sums[1, 1]], [sums[1, 1], sums[0, 2]]])
    if not np.linalg.det(curvature) > 0 or curvature[0, 0] >= 0:
        return np.zeros(2)
    return np.asarray(-np.linalg.solve(curvature, gradient), float)
