# SPDX-License-Identifier: GPL-3.0-or-later
"""Column waves: what one column of atoms adds to the wave of the vacuum.

An atom at rest multiplies the wave by exp(i phase), and the electrons propagate from
one atom of a column to the next. What that adds to 1 is nearly nothing some angstroms
from the column, so that it is kept in a window of that size.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

from hyperspy_hrtemnn.analysis.microscope.optics import wavelength

from .scattering import atom_phase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis.refinement.working_grid import WorkingGrid

    from .occupants import Occupant

# Radius within which the potential of an atom matters [Å].
_RADIUS = 3.6

# Frequency up to which what is propagated is kept in the window [1/Å].
_KEPT = 1.2

# Pixels over which a column wave falls to 0 at the border of its window.
TAPER = 6

# The phase is computed on pixels finer by this, where exp(i phase) does not alias.
_FINER = 2


class ColumnWaves:
    """Spectra of the waves of columns, in windows of a grid.

    Parameters
    ----------
    occupants
        The columns.
    grid
        The grid of the whole wave.
    energy
        Beam energy [keV].
    smoothing
        Standard deviation of the Gaussian by which each is smoothed [Å].
    vibration
        Mean square displacement of the atoms along one direction [Å²].
    farthest
        Distance along the beam to which they are propagated [Å].
    """

    def __init__(
        self,
        occupants: Sequence[Occupant],
        grid: WorkingGrid,
        energy: float,
        *,
        smoothing: float,
        vibration: float,
        farthest: float,
    ) -> None:
        self.occupants = tuple(occupants)
        self.wavelength = wavelength(energy)
        self.pixel = tuple(
            length / n for length, n in zip(grid.field, grid.shape, strict=True)
        )
        radius = self.radius(energy, farthest)
        self.size = 2 * math.ceil(radius / min(self.pixel) + TAPER / 2)
        self.ky, self.kx = (
            scipy.fft.fftfreq(self.size, p).astype(np.float32) for p in self.pixel
        )
        fine = [scipy.fft.fftfreq(_FINER * self.size, p / _FINER) for p in self.pixel]
        self._fine = fine[0][:, np.newaxis], fine[1][np.newaxis]
        self._squared = self._fine[0] ** 2 + self._fine[1] ** 2
        self._smoothing = np.exp(-2 * (np.pi * smoothing) ** 2 * self._squared)
        size = _FINER * self.size
        area = np.prod(self.pixel) / _FINER**2
        self._transmitted = {
            element: np.exp(
                1j
                * scipy.fft.ifft2(
                    atom_phase(element, self._squared, energy, vibration) / area
                ).real
            )
            for each in self.occupants
            for element, _ in each.atoms
        }
        kept = np.abs(scipy.fft.fftfreq(size, 1 / size)) < self.size // 2
        self._kept = np.flatnonzero(kept)
        self._placed = scipy.fft.fftfreq(size, 1 / size)[kept].astype(int) % self.size
        edge = np.minimum(np.arange(self.size), np.arange(self.size)[::-1])
        ramp = np.clip((edge + 0.5) / TAPER, 0, 1).astype(np.float32)
        self.taper = ramp[:, np.newaxis] * ramp

    @staticmethod
    def radius(energy: float, farthest: float) -> float:
        """Return how far from a column its wave matters [Å]; as of the class."""
        return _RADIUS + wavelength(energy) * _KEPT * farthest

    def spectra(self, normal: NDArray[np.float64]) -> NDArray[np.complex64]:
        """Return the spectra of all occupants in the plane of their site.

        Parameters
        ----------
        normal
            Components (y, x) of the normal of the sheet, a vector of length 1 that
            points along the beam.

        Returns
        -------
        Shape (occupant, y, x), zero frequency first, as of `scipy.fft.fft2`; the
        column is at pixel 0.
        """
        found = [self._spectrum(each, normal) for each in self.occupants]
        return np.array(found, np.complex64)

    def slopes(self, normal: NDArray[np.float64]) -> NDArray[np.complex64]:
        """Return the derivatives of `spectra` by the normal, shape (2, occupant, ...).

        By differences: what the tilt does to a column is smooth.
        """
        step = 1e-3
        return np.stack(
            [
                (self.spectra(normal + each) - self.spectra(normal - each)) / (2 * step)
                for each in step * np.eye(2)
            ]
        )

    def _spectrum(
        self, occupant: Occupant, normal: NDArray[np.float64]
    ) -> NDArray[np.complexfloating]:
        along = math.sqrt(max(1 - float(normal @ normal), 0.0))
        wave = np.ones(self._squared.shape, complex)
        # Atoms stand at pixel 0, so that a move is of the wave, not of the atom.
        plane, place = 0.0, np.zeros(2)
        for element, height in occupant.atoms:
            moved = self._moved(height * along - plane, height * normal - place)
            wave = scipy.fft.ifft2(scipy.fft.fft2(wave) * moved)
            wave *= self._transmitted[element]
            plane, place = height * along, height * normal
        spectrum = scipy.fft.fft2(wave - 1) * self._moved(-plane, -place)
        cut = np.zeros((self.size, self.size), np.complex128)
        places = np.ix_(self._placed, self._placed)
        smoothed = spectrum * (self._smoothing / _FINER**2)
        cut[places] = smoothed[np.ix_(self._kept, self._kept)]
        return cut

    def _moved(
        self, distance: float, step: NDArray[np.float64]
    ) -> NDArray[np.complex128]:
        """Return the factor that brings a wave to a plane and an atom's place."""
        ky, kx = self._fine
        phase = 2 * np.pi * (ky * step[0] + kx * step[1])
        turned = phase - np.pi * self.wavelength * distance * self._squared
        return np.asarray(np.exp(1j * turned), np.complex128)
