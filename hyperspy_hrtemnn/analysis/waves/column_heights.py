# SPDX-License-Identifier: GPL-3.0-or-later
r"""Heights of atomic columns, from where along the beam their wave is sharpest.

A column that ends at another height than its neighbors lies elsewhere on its defocus
circle (`hyperspy_hrtemnn.analysis.waves.argand`): at the distance z from its focus the
change of the wave in its middle is divided by :math:`1 + i z / z_0`. So
:math:`1 / |\psi - 1|^2` is a parabola in z whose vertex is the focus, and propagating
the wave finds it, whatever the mass of the column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.fft
from scipy.ndimage import map_coordinates
from scipy.spatial import KDTree
from scipy.special import j0

from hyperspy_hrtemnn.analysis.microscope.optics import wavelength

from .finite import check_finite

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# The mean of the wave on a ring around each pixel is taken off, so that the tails of
# neighboring columns do not move the focus. Of MoS2 at 50 keV the upper and the lower
# S of a pair are then 3.26 Å apart, of 3.2; without a ring 2.7 Å, with 0.9 Å 2.9 Å.
_RING = 0.6  # [Å]

# Distances at which the focus of all columns is looked for, and around it that of each
# [Å]. Over the second the parabola holds, and a flake of 6 nm that is tilted by 10° is
# 10 Å high.
_COARSE = np.arange(-36.0, 37.0, 6.0)
_FINE = np.arange(-12.0, 12.1, 3.0)

_MARGIN = 6.0  # by which the wave is continued, for propagation is periodic [Å]

_ALIKE = 0.15  # difference of the angles of columns of one kind [rad]
_NEIGHBORS = 8  # through which a plane is put
_FEWEST = 6  # columns from which an error is known


def column_heights(
    wave: ArrayLike, positions: ArrayLike, *, sampling: float, energy: float
) -> NDArray[np.float64]:
    """Return the heights of columns, from where along the beam each is sharpest.

    It is sharpest somewhat behind the middle of its atoms, for half of the square of a
    phase is narrower than the phase and diffracts sooner: in multislice waves of MoS2
    at 50 and 80 keV 0.7 Å behind a single S, 1.5 Å behind Mo, and 1.0 to 2.6 Å behind
    two S, the more the sheet is tilted. Of columns of one kind in one sheet, heights
    are right to 0.2 Å over each other.

    Parameters
    ----------
    wave
        Exit wave, shape (y, x); 1 = vacuum.
    positions
        Row and column of each atomic column [pixels], shape (column, 2).
    sampling
        Pixel size [Å].
    energy
        Beam energy [keV].

    Returns
    -------
    Heights [Å] along the beam from the plane of the wave, shape (column,): as far as it
    has to be propagated until the column is in focus, so that those of columns that the
    beam has passed are negative. NaN where a column is not sharpest within 36 Å of the
    wave, and within 12 Å of the focus of most columns.

    Raises
    ------
    ValueError
        If the wave has NaN or infinite pixels, or a number is not positive.
    """
    psi = np.asarray(wave, np.complex64)
    places = np.asarray(positions, float).reshape(-1, 2)
    check_finite(psi)
    for name, value in (("sampling", sampling), ("energy", energy)):
        if not (np.isfinite(value) and value > 0):
            raise ValueError(f"{name} has to be positive, not {value}.")
    if not len(places):
        return np.empty(0)
    through = _Propagation(psi, places, sampling, energy)
    strength = np.stack([np.abs(through(d)) for d in _COARSE]).sum(axis=1)
    middle = _COARSE[int(strength.argmax())]
    with np.errstate(divide="ignore"):  # vacuum has no focus
        inverse = np.stack([np.abs(through(middle + d)) ** -2.0 for d in _FINE])
    return np.asarray(middle + _vertices(inverse), np.float64)


def height_errors(
    positions: ArrayLike,
    heights: ArrayLike,
    angles: ArrayLike,
    amplitudes: ArrayLike,
) -> NDArray[np.float64]:
    """Return the standard error of heights, from how much those of one kind scatter.

    Each is compared with a plane through the eight nearest columns of the same angle,
    to 0.15 rad. The error is as large as a column is weak.

    Parameters
    ----------
    positions
        Positions of the columns of one frame, shape (column, 2), in any unit.
    heights
        Their heights [Å], shape (column,); those that are NaN are left out.
    angles
        Their angles [rad].
    amplitudes
        Change of the wave at each, ``|wave - 1|``.

    Returns
    -------
    The errors [Å]; NaN if there are fewer than six columns to compare.
    """
    places, height = np.asarray(positions, float), np.asarray(heights, float)
    angle, strength = np.asarray(angles, float), np.asarray(amplitudes, float)
    known = np.flatnonzero(np.isfinite(height))
    off = [
        strength[i] * rest
        for i in known
        if (rest := _off_plane(i, known, places, height, angle)) is not None
    ]
    if len(off) < _FEWEST:
        return np.full(height.shape, np.nan)
    # 1.4826 times the median is the standard deviation of a normal distribution.
    error = 1.4826 * float(np.median(np.abs(off))) / strength
    return np.where(np.isfinite(height), error, np.nan)


def _off_plane(
    i: np.intp,
    known: NDArray[np.intp],
    places: NDArray[np.float64],
    height: NDArray[np.float64],
    angle: NDArray[np.float64],
) -> float | None:
    """Return how far a column is from the plane of its neighbors of its kind [Å]."""
    alike = known[(np.abs(angle[known] - angle[i]) < _ALIKE) & (known != i)]
    if len(alike) < _NEIGHBORS:
        return None
    distance, nearest = KDTree(places[alike]).query(places[i], _NEIGHBORS)
    near = alike[nearest]
    away = (places[near] - places[i]) / distance.max()
    terms = np.column_stack([np.ones(_NEIGHBORS), away])
    inverse = np.linalg.pinv(terms.T @ terms)
    at_column = float((inverse @ terms.T @ height[near])[0])
    # The plane has an error of its own.
    return float((height[i] - at_column) / np.sqrt(1 + inverse[0, 0]))


class _Propagation:
    """The change of a wave at columns, at any distance, without its mean around."""

    def __init__(
        self,
        wave: NDArray[np.complex64],
        places: NDArray[np.float64],
        sampling: float,
        energy: float,
    ) -> None:
        pad = [min(round(_MARGIN / sampling), n - 1) for n in wave.shape]
        padded = np.pad(wave - 1, [(p, p) for p in pad], mode="reflect")
        self._places = (places + pad).T
        self._spectrum = scipy.fft.fft2(padded, workers=-1)
        y, x = (scipy.fft.fftfreq(n, sampling) for n in padded.shape)
        squared = y[:, np.newaxis] ** 2 + x**2
        self._spectrum *= 1 - j0(2 * np.pi * _RING * np.sqrt(squared))
        self._turn = -np.pi * wavelength(energy) * squared

    def __call__(self, distance: float) -> NDArray[np.complex128]:
        turned = self._spectrum * np.exp(1j * distance * self._turn)
        change = scipy.fft.ifft2(turned, workers=-1)
        real, imaginary = (
            map_coordinates(part, self._places, order=3, mode="nearest")
            for part in (change.real, change.imag)
        )
        return np.asarray(real + 1j * imaginary, np.complex128)


def _vertices(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the vertices of parabolas through values at `_FINE`; NaN if outside."""
    square, slope, _ = np.polyfit(_FINE, values, 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        vertex = -slope / (2 * square)
    found = (square > 0) & (np.abs(vertex) <= _FINE[-1])
    return np.where(found, vertex, np.nan)
