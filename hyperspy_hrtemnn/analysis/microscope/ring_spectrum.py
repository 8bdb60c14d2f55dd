# SPDX-License-Identifier: GPL-3.0-or-later
r"""Ring spectrum: the power spectrum of an image, over which Thon rings are even.

The phase of defocus and twofold astigmatism is :math:`\pi u` times a length, with
:math:`u = \lambda k^2`. Over u, the Thon rings of a lens without spherical aberration
have the same distance everywhere, one over the defocus in that direction; and the beam
energy is in u only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft
from scipy import ndimage

from hyperspy_hrtemnn.analysis.microscope.optics import wavelength

if TYPE_CHECKING:
    from numpy.typing import NDArray

WINDOW = 64.0
"""Side of the windows whose spectra are averaged; they overlap by half of it [Å]."""

STEPS = (32, 96)
"""Number of directions, over half a turn, and of steps of u."""

LARGEST_U = 0.009
"""Largest u: 0.68/Å at 300 keV, 0.60/Å at 200 keV and 0.46/Å at 80 keV [1/Å]."""

# Frequencies that are kept of a window, on each side of zero [1 / WINDOW]: more than
# the highest at 300 keV.
_KEPT = 47
_ROWS = 2 * _KEPT + 1

# Squares have twice the frequencies.
_FINE = 4 * (_KEPT + 1)

# Frequency at which the image of the third moments has fallen to exp(-1) [1/Å]: what is
# beyond is mostly noise.
_SMOOTH = 0.4

# Highest frequency that is used [Nyquist frequencies].
_NYQUIST = 0.95

# Smallest share of a window that has data.
_LEAST_DATA = 0.75

_FINER = 2  # directions that are read for one


@dataclass(frozen=True)
class RingSpectrum:
    """Power and third moment of an image over direction and u.

    Parameters
    ----------
    power
        Mean power of the windows, shape (direction, u), any unit.
    third_moment
        Correlation of the spectra of the image and of its square, -1 to 1, the same
        shape: with the sign of the contrast it changes its sign, which the power does
        not show.
    known
        Whether each u is below the Nyquist frequency of the image, shape (u,).
    wavelength
        Wavelength of the electrons [Å].
    windows
        Number of windows.
    """

    power: NDArray[np.float32]
    third_moment: NDArray[np.float32]
    known: NDArray[np.bool_]
    wavelength: float
    windows: int


def ring_directions() -> NDArray[np.float64]:
    """Return the directions, from x towards y, shape (direction,) [rad].

    In the opposite order they are those of the mirrored image.
    """
    count = STEPS[0]
    return np.pi * ((np.arange(count) + 0.5) / count - 0.5)


def ring_coordinates() -> NDArray[np.float64]:
    """Return u, shape (u,) [1/Å]."""
    return LARGEST_U * (np.arange(STEPS[1]) + 0.5) / STEPS[1]


def ring_spectrum(
    image: NDArray[np.floating],
    sampling: float,
    energy: float,
    *,
    valid: NDArray[np.bool_] | None = None,
) -> RingSpectrum:
    """Return the ring spectrum of an image, averaged over windows of 64 Å.

    Parameters
    ----------
    image
        Counts, shape (y, x).
    sampling
        Pixel size [Å].
    energy
        Beam energy [keV].
    valid
        Where the image has data, shape (y, x); everywhere if None. Windows with less
        than three quarters of data are left out.

    Raises
    ------
    ValueError
        As `seen_rings`, or if no window has data and contrast.
    """
    lam = wavelength(energy)
    known = seen_rings(image.shape, sampling, energy)
    side = round(WINDOW / sampling)
    power, third, squared = (np.zeros((_ROWS, _KEPT + 1)) for _ in range(3))
    taper = _taper(side)
    count = 0
    for rows, columns in _windows(image.shape, side):
        part = np.asarray(image[rows, columns], np.float32)
        if valid is not None:
            inside = valid[rows, columns]
            if inside.mean() < _LEAST_DATA:
                continue
            part = np.where(inside, part, part[inside].mean())
        of_image, of_square = _spectra(part, taper, sampling)
        power += np.abs(of_image) ** 2
        squared += np.abs(of_square) ** 2
        third += (of_image.conj() * of_square).real
        count += 1
    if not power.any():
        raise ValueError("No part of the image of 64 Å has data and contrast.")
    moment = third / np.sqrt(np.maximum(power * squared, 1e-30))
    return RingSpectrum(
        _over_rings(power, lam), _over_rings(moment, lam), known, lam, count
    )


def seen_rings(
    shape: tuple[int, ...], sampling: float, energy: float
) -> NDArray[np.bool_]:
    """Return whether images show each u, shape (u,).

    Parameters
    ----------
    shape
        Shape of the images, (y, x).
    sampling
        Pixel size [Å].
    energy
        Beam energy [keV].

    Raises
    ------
    ValueError
        If the images are smaller than a window, or their pixels too large.
    """
    if min(shape) < round(WINDOW / sampling):
        size = " x ".join(f"{n * sampling:.3g}" for n in shape)
        raise ValueError(
            f"The image is too small: {size} Å (y, x), and its spectrum needs "
            f"{WINDOW:g} Å or more along both axes. Take a larger field of view, or "
            "check the calibration."
        )
    frequencies = np.sqrt(ring_coordinates() / wavelength(energy))
    known = frequencies < _NYQUIST / (2 * sampling)
    if np.count_nonzero(known) < STEPS[1] // 4:
        raise ValueError(
            f"The pixels of {sampling:.3g} Å are too large to see the rings of the "
            "lens; take them of 1 Å or less, or check the calibration."
        )
    return np.asarray(known)


def _windows(shape: tuple[int, ...], side: int) -> list[tuple[slice, slice]]:
    """Return windows that overlap by half, from the first to the last pixel."""
    starts = []
    for n in shape:
        count = max((n - side) // (side // 2), 0) + 1
        starts.append(np.rint(np.linspace(0, n - side, count)).astype(int))
    return [
        (slice(y, y + side), slice(x, x + side)) for y in starts[0] for x in starts[1]
    ]


@lru_cache(maxsize=8)
def _taper(side: int) -> NDArray[np.float32]:
    window = np.hanning(side + 1)[:-1]
    return np.asarray(window[:, np.newaxis] * window, np.float32)


def _spectra(
    part: NDArray[np.float32], taper: NDArray[np.float32], sampling: float
) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
    """Return the spectra of a window and of the square of its smoothed image.

    Rows are from the lowest to the highest frequency along y, columns from 0 along x.
    """
    mean = part.mean()
    part = (part / mean - 1) if mean else part
    part = (part - np.average(part, weights=taper)) * taper
    whole = scipy.fft.rfft2(part)
    own = min(_KEPT, (len(part) - 1) // 2)
    kept = np.zeros((_ROWS, _KEPT + 1), np.complex64)
    middle = slice(_KEPT - own, _KEPT + own + 1)
    kept[middle, : own + 1] = np.concatenate(
        [whole[-own:, : own + 1], whole[: own + 1, : own + 1]]
    )
    kept *= np.float32(sampling**2)  # the same for any sampling
    y = np.arange(-_KEPT, _KEPT + 1)[:, np.newaxis]
    x = np.arange(_KEPT + 1)
    smooth = np.exp(-(y**2 + x**2) / (_SMOOTH * WINDOW) ** 2).astype(np.float32)
    fine = np.zeros((_FINE, _FINE // 2 + 1), np.complex64)
    rows = y.ravel() % _FINE
    fine[rows, : _KEPT + 1] = kept * smooth
    square = scipy.fft.rfft2(scipy.fft.irfft2(fine, (_FINE, _FINE)) ** 2)
    return kept, square[rows, : _KEPT + 1]


def _over_rings(values: NDArray[np.float64], lam: float) -> NDArray[np.float32]:
    """Return values of frequencies over direction and u."""
    directions, steps = STEPS
    angles = np.pi * ((np.arange(_FINER * directions) + 0.5) / (_FINER * directions))
    angles -= np.pi / 2
    radius = WINDOW * np.sqrt(ring_coordinates() / lam)
    places = [
        _KEPT + np.sin(angles)[:, np.newaxis] * radius,
        np.cos(angles)[:, np.newaxis] * radius,
    ]
    read = ndimage.map_coordinates(values, places, order=1, mode="nearest")
    return np.asarray(read.reshape(directions, _FINER, steps).mean(axis=1), np.float32)
