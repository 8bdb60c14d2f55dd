# SPDX-License-Identifier: GPL-3.0-or-later
"""Outlines of particles: the hull of their atoms, or a contour of their phase."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from ase.data import chemical_symbols
from scipy.fft import irfft2, next_fast_len, rfft2
from scipy.spatial import ConvexHull, QhullError
from skimage.measure import approximate_polygon, find_contours

from hyperspy_hrtemnn.analysis.refinement.atoms.scattering import atom_phase

if TYPE_CHECKING:
    from numpy.typing import NDArray

Outline = Literal["hull", "phase"]
"""Convex hull of the atoms, or contour of the phase."""

# Of the exit wave of the particle alone, and smoothed by 1 to 1.6 Å, in "Strategies for
# effective transfer learning for HRTEM analysis" (Sytwu, Rangel DaCosta and Scott,
# Elemental Microscopy EM000010, 300 keV). The middle of that is half of the distance
# between neighbors in most metals: less leaves gaps between columns, more rounds off
# corners.
_LEVEL = np.pi / 16
_SMOOTHING = 1.3  # standard deviation [Å]

_PIXEL = 0.25  # of the phase [Å]
_MARGIN = 6.0  # around the atoms, where the phase falls to nothing [Å]
_TOLERANCE = 0.05  # of the corners that are left out [Å]


def find_outline(
    positions: NDArray[np.float64],
    numbers: NDArray[np.uint8],
    energy: float | None = None,
) -> NDArray[np.float32] | None:
    """Return the corners of a particle's outline, None if it has no area.

    It is the convex hull of the atoms or, with an energy, where the particle alone, as
    a phase object smoothed by 1.3 Å, turns the phase by pi/16: from about 10 Å of gold
    on at 300 keV, or 13 Å of titanium. That may be concave; of several parts it is the
    largest, and of thinner particles there is none.

    Parameters
    ----------
    positions
        Positions of its atoms, shape (atom, 3) [Å]. The beam runs along z.
    numbers
        Atomic number of each atom, shape (atom,).
    energy
        Beam energy [keV].

    Returns
    -------
    x, y of the corners, shape (corner, 2) [Å].
    """
    hull = _hull(positions)
    if hull is None or energy is None:
        return hull
    return _contour(positions[:, :2], numbers, energy)


def _hull(positions: NDArray[np.float64]) -> NDArray[np.float32] | None:
    """Return the convex hull of a particle's silhouette; None if it has no area."""
    try:
        hull = ConvexHull(positions[:, :2])
    except (QhullError, ValueError):
        return None
    # Of all atoms rather than of the sites: off the zone axis the middles of the
    # columns lie inside the particle's silhouette; on it the two are the same.
    return positions[hull.vertices, :2].astype(np.float32)


def _contour(
    flat: NDArray[np.float64], numbers: NDArray[np.uint8], energy: float
) -> NDArray[np.float32] | None:
    corner = flat.min(axis=0) - _MARGIN
    phase = _phase((flat - corner) / _PIXEL, numbers, energy)
    contours = find_contours(phase, _LEVEL)
    if not contours:
        return None
    largest = approximate_polygon(max(contours, key=_area), _TOLERANCE / _PIXEL)
    # The last corner is the first.
    return np.asarray(largest[:-1] * _PIXEL + corner, np.float32)


def _phase(
    pixels: NDArray[np.float64], numbers: NDArray[np.uint8], energy: float
) -> NDArray[np.float64]:
    """Return the smoothed phase of atoms at places in pixels, shape (x, y)."""
    nearest = np.rint(pixels).astype(int)
    margin = round(_MARGIN / _PIXEL)
    shape = tuple(next_fast_len(n) for n in (nearest.max(axis=0) + margin).tolist())
    kx = np.fft.fftfreq(shape[0], _PIXEL)
    ky = np.fft.rfftfreq(shape[1], _PIXEL)
    squared = kx[:, np.newaxis] ** 2 + ky**2
    spectrum = np.zeros(squared.shape, complex)
    for number in np.unique(numbers):
        atoms = np.zeros(shape)
        np.add.at(atoms, tuple(nearest[numbers == number].T), 1)
        # Smoothing is to a phase what vibrations are to a potential.
        of_one = atom_phase(
            chemical_symbols[number], squared, energy, vibration=_SMOOTHING**2
        )
        spectrum += rfft2(atoms) * of_one
    return np.asarray(irfft2(spectrum, shape) / _PIXEL**2)


def _area(corners: NDArray[np.float64]) -> float:
    x, y = corners.T
    return float(abs(np.sum(x[:-1] * np.diff(y) - y[:-1] * np.diff(x))) / 2)
