# SPDX-License-Identifier: GPL-3.0-or-later
"""Wave model: the exit wave of a sheet, the product of the waves of its columns.

Each column wave is propagated to one plane behind the sheet, where they multiply. What
this leaves out, electrons that one column scatters into another, is 0.001 of the wave
for MoS2 at 50 keV that is tilted by up to 20 degrees, see docs/atoms_model_error.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

from hyperspy_hrtemnn.cores import on_all_cores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis.refinement.working_grid import WorkingGrid

    from .column_waves import ColumnWaves
    from .sheet_state import SheetState

# Columns that are computed at once, for the cache of a core.
_BATCH = 64

# Change of the normal over which what the tilt does to a column hardly changes.
_SAME_TILT = 0.005


@dataclass(frozen=True)
class Stamps:
    """Waves of the columns in their windows.

    Parameters
    ----------
    waves
        What each column adds to 1, shape (column, y, x).
    spectra
        Their spectra without taper.
    phases
        Factors along y and x that brought them to their places, shapes (column, y) and
        (column, x).
    corners
        First row and column of each window in the grid, shape (column, 2).
    """

    waves: NDArray[np.complex64]
    spectra: NDArray[np.complex64]
    phases: tuple[NDArray[np.complex64], NDArray[np.complex64]]
    corners: NDArray[np.intp]


class WaveModel:
    """The wave of a sheet on a grid, and what changes it.

    Parameters
    ----------
    columns
        Waves of the occupants.
    grid
        The grid.
    plane
        Position along the beam of the plane in which the columns multiply [Å], the
        middle of the sheet at 0.
    """

    def __init__(self, columns: ColumnWaves, grid: WorkingGrid, plane: float) -> None:
        self.columns = columns
        self.grid = grid
        self.plane = plane
        self._known: tuple[NDArray[np.float64], NDArray[np.complex64]] | None = None

    def stamps(
        self, state: SheetState, spectra: NDArray[np.complex64] | None = None
    ) -> Stamps:
        """Return the waves of all columns of a state.

        Parameters
        ----------
        state
            The columns.
        spectra
            Spectra of the occupants at the tilt of the state, if they are known.
        """
        columns = self.columns
        if spectra is None:
            spectra = columns.spectra(state.normal)
        corners = self.corners(state.sites)
        phases = self._phases(state.sites, state.heights, corners)
        moved = np.empty((len(state), *spectra.shape[1:]), np.complex64)
        waves = np.empty_like(moved)

        def fill(part: slice) -> None:
            along_y, along_x = (each[part] for each in phases)
            moved[part] = _multiplied(spectra[state.kinds[part]], (along_y, along_x))
            waves[part] = scipy.fft.ifft2(moved[part])
            waves[part] *= columns.taper

        on_all_cores(fill, _parts(len(state)))
        return Stamps(waves, moved, phases, corners)

    def moved_spectra(
        self,
        state: SheetState,
        spectra: NDArray[np.complex64],
        kinds: list[int],
        sites: NDArray[np.float64],
        corner: NDArray[np.intp],
    ) -> NDArray[np.complex64]:
        """Return the spectra of occupants on sites of a state's sheet, in one window.

        Parameters
        ----------
        state
            The sheet.
        spectra
            Spectra of the occupants at its tilt.
        kinds, sites
            Numbers of the occupants and positions (y, x) of their sites [Å].
        corner
            First row and column of the window.
        """
        heights = state.heights_of(sites, kinds)
        return _multiplied(spectra[kinds], self._phases(sites, heights, corner))

    def _phases(
        self,
        sites: NDArray[np.float64],
        heights: NDArray[np.float64],
        corners: NDArray[np.intp],
    ) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
        """Return the factors along y and x that bring columns to their places."""
        columns = self.columns
        # The site is what is placed: the spectra have the atoms around it.
        rest = sites - corners * columns.pixel
        spread = np.pi * columns.wavelength * (self.plane - heights)[:, np.newaxis]
        along_y, along_x = (
            np.exp(-1j * (2 * np.pi * k * rest[:, axis, np.newaxis] + spread * k**2))
            for axis, k in enumerate((columns.ky, columns.kx))
        )
        return along_y.astype(np.complex64), along_x.astype(np.complex64)

    def wave(self, stamps: Stamps, strength: float = 1.0) -> NDArray[np.complex64]:
        """Return the wave, shape (y, x) of the grid.

        Parameters
        ----------
        stamps
            Waves of the columns.
        strength
            Factor of what each adds to 1.
        """
        whole = np.ones(self.grid.shape, np.complex64)
        waves = stamps.waves if strength == 1 else np.float32(strength) * stamps.waves
        for wave, window in zip(waves, self.windows(stamps), strict=True):
            whole[window] *= 1 + wave
        return whole

    def windows(self, stamps: Stamps) -> list[tuple[slice, slice]]:
        """Return the window of each column in the grid."""
        size = self.columns.size
        return [
            (slice(row, row + size), slice(column, column + size))
            for row, column in stamps.corners.tolist()
        ]

    def corners(self, sites: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return the first row and column of the windows of sites, shape (site, 2).

        Windows at the border of the grid are moved into it, and columns are off their
        middle there.
        """
        size = self.columns.size
        corners = np.round(sites / self.columns.pixel).astype(int) - size // 2
        return np.asarray(np.clip(corners, 0, np.array(self.grid.shape) - size))

    def has_room(self, site: NDArray[np.float64]) -> bool:
        """Return whether the window of a site (y, x) [Å] is in the grid."""
        corner = np.round(site / self.columns.pixel) - self.columns.size // 2
        ends = corner + self.columns.size
        return bool(corner.min() >= 0 and np.all(ends <= self.grid.shape))

    def gradient(
        self,
        state: SheetState,
        stamps: Stamps,
        wave: NDArray[np.complex64],
        by_wave: NDArray[np.complex64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the gradient by positions and pose from that by the wave.

        Parameters
        ----------
        state, stamps, wave
            The state, its stamps and its wave.
        by_wave
            Gradient by the wave: a change of the wave changes the value by the real
            part of the sum of the product with the conjugate of this, shape (y, x).

        Returns
        -------
        By the positions, shape (column, 2), and by the pose, as of `SheetState`.
        """
        pull = by_wave.conj() * wave
        slopes = self._slopes(state.normal)
        by_site, by_distance = np.zeros((len(state), 2)), np.zeros(len(state))

        def tilting(part: slice) -> NDArray[np.float64]:
            pulls = self._pulls(stamps, pull, part)
            pulls *= self.columns.taper
            back = scipy.fft.ifft2(pulls)
            by_site[part], by_distance[part] = self._of_places(stamps, back, part)
            return _by_tilt(stamps, back, part, state.kinds[part], slopes)

        by_normal = np.sum(on_all_cores(tilting, _parts(len(state))), axis=0)
        return _of_state(state, by_site, by_distance, by_normal)

    def strengths(
        self,
        stamps: Stamps,
        wave: NDArray[np.complex64],
        by_wave: NDArray[np.complex64],
    ) -> NDArray[np.float64]:
        """Return the gradient by the strength of each column, as `gradient`."""
        pull = by_wave.conj() * wave

        def found(part: slice) -> NDArray[np.float64]:
            pulls = self._pulls(stamps, pull, part)
            products = np.einsum("cyx,cyx->c", pulls, stamps.waves[part])
            return np.asarray(products.real, np.float64)

        parts = on_all_cores(found, _parts(len(stamps.waves)))
        return np.concatenate([np.zeros(0), *parts])

    def _pulls(
        self, stamps: Stamps, pull: NDArray[np.complex64], part: slice
    ) -> NDArray[np.complex64]:
        """Return the gradient by what some columns add to 1, in their windows.

        `pull` is that by the logarithm of the wave.
        """
        pulls = np.stack([pull[window] for window in self.windows(stamps)[part]])
        # Complex numbers are divided seven times as slowly as they are multiplied.
        own = 1 + stamps.waves[part]
        size = own.real**2 + own.imag**2
        pulls *= own.conj()
        pulls /= size
        return pulls

    def _of_places(
        self, stamps: Stamps, back: NDArray[np.complex64], part: slice
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the gradient by the sites and the distances of some columns."""
        columns = self.columns
        rows = np.einsum("cyx,cyx->cy", back, stamps.spectra[part])
        cols = np.einsum("cyx,cyx->cx", back, stamps.spectra[part])
        ky, kx = columns.ky, columns.kx
        turn = -2j * np.pi
        by_site = np.stack([rows @ (turn * ky), cols @ (turn * kx)], axis=1).real
        spread = -1j * np.pi * columns.wavelength
        by_distance = (rows @ (spread * ky**2) + cols @ (spread * kx**2)).real
        return by_site, by_distance

    def _slopes(self, normal: NDArray[np.float64]) -> NDArray[np.complex64]:
        """Return the slopes of the occupants near a tilt, over which they are alike."""
        if self._known is None or np.hypot(*(normal - self._known[0])) > _SAME_TILT:
            self._known = normal.copy(), self.columns.slopes(normal)
        return self._known[1]


def _of_state(
    state: SheetState,
    by_site: NDArray[np.float64],
    by_distance: NDArray[np.float64],
    by_tilt: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the gradient by positions and pose from that by sites and planes.

    `by_tilt` is that by what the normal does to the columns themselves.
    """
    of_position, of_normal = state.height_slopes()
    # Sites move with positions, and against the tilt by the height of the column.
    by_position = by_site - by_distance[:, np.newaxis] * of_position
    by_normal = by_tilt - by_distance @ of_normal - state.off @ by_site
    # What is below stays where it is, seen along the beam, and moves along it.
    by_distance_below = by_distance[state.below].sum() / state.along
    pose = np.append(by_normal, by_distance_below)
    return by_position, pose[: len(state.pose)]


def _by_tilt(
    stamps: Stamps,
    back: NDArray[np.complex64],
    part: slice,
    kinds: NDArray[np.intp],
    slopes: NDArray[np.complex64],
) -> NDArray[np.float64]:
    """Return the gradient by the normal of what it does to some columns themselves."""
    by_normal = np.zeros(2)
    for kind in np.flatnonzero(np.any(slopes, axis=(0, 2, 3))):
        chosen = kinds == kind
        along_y, along_x = (each[part][chosen] for each in stamps.phases)
        turned = back[chosen]
        turned *= along_y[:, :, np.newaxis]
        together = np.einsum("cyx,cx->yx", turned, along_x)
        by_normal += np.einsum("yx,nyx->n", together, slopes[:, kind]).real
    return by_normal


def _multiplied(
    spectra: NDArray[np.complex64],
    phases: tuple[NDArray[np.complex64], NDArray[np.complex64]],
) -> NDArray[np.complex64]:
    along_y, along_x = phases
    spectra *= along_y[:, :, np.newaxis]
    spectra *= along_x[:, np.newaxis]
    return spectra


def _parts(count: int) -> list[slice]:
    """Return parts of so many columns that fit into the cache of a core."""
    return [slice(first, first + _BATCH) for first in range(0, count, _BATCH)]
