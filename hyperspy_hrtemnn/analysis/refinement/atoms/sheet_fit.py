# SPDX-License-Identifier: GPL-3.0-or-later
"""Sheet fit: images of a sheet, and how well columns and lenses explain them.

Columns and lenses belong together: coma shifts all columns, and a defocus looks like
another height. The place is that of the first image, whose shift is 0.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

from hyperspy_hrtemnn.analysis.refinement.working_grid import half

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis.refinement.residuals import SeriesResiduals

    from .honeycomb import Sites
    from .sheet_state import SheetState
    from .wave_model import WaveModel

# Standard deviations that are expected: of a position from where it started [Å], of
# the tilt, of the distance of a sheet below from where it started [Å], and of lenses
# from their guess, in typical errors of one. One image of a perfect crystal tells
# little of its lenses, which would go anywhere.
_FAR, _TILTED, _APART, _OFF = 0.3, 0.15, 2.0, 10.0

# The same of lenses that are known from another fit: from day to day they change less
# than from one guess to another.
_KNOWN_OFF = 1.0


# Share of the contrast, over noise, without which positions are as certain as with it.
_FAINT = 1e-3


class SheetFit:
    """Images of a sheet, and the columns and lenses that explain them.

    Parameters
    ----------
    residuals
        The images; their wave is not used.
    model
        Wave of the sheet on their grid.
    guess
        Parameters of the lenses that the user expects; by default those with which a
        search starts.
    known
        Whether they are known from another fit.
    """

    def __init__(
        self,
        residuals: SeriesResiduals,
        model: WaveModel,
        guess: NDArray[np.float64] | None = None,
        *,
        known: bool = False,
    ) -> None:
        self.residuals = residuals
        self.model = model
        self._guess = guess
        self._off = _KNOWN_OFF if known else _OFF
        parameters = residuals.model.parameters
        self.free = parameters.steps > 0
        for name in ("shift_y", "shift_x"):
            self.free[parameters.place(name, 0)] = False

    def of_model(self, model: WaveModel) -> SheetFit:
        """Return the fit of the same images by another model on their grid."""
        other = copy(self)
        other.model = model
        return other

    def with_lenses_held(self) -> SheetFit:
        """Return the same fit with lenses that are no unknowns."""
        other = copy(self)
        other.free = np.zeros_like(self.free)
        return other

    def with_wave(self, state: SheetState, strength: float = 1.0) -> SeriesResiduals:
        """Return the residuals of the images, of which a state's wave is that.

        Parameters
        ----------
        state
            The columns.
        strength
            Factor of what each column adds to the wave.
        """
        wave = self.model.wave(self.model.stamps(state), strength)
        return self.residuals.of_wave(self._spectrum(wave))

    def is_faint(
        self, state: SheetState, vector: NDArray[np.float64], beyond: float
    ) -> bool:
        """Return whether images show hardly anything beyond a frequency.

        Parameters
        ----------
        state, vector
            Columns and lenses.
        beyond
            The frequency [1/Å].
        """
        residuals = self.with_wave(state)
        squared = half(residuals.series.grid.squared)
        high, low = squared > beyond**2, (squared > 0) & (squared <= beyond**2)
        power = np.zeros(2)
        for image in range(len(residuals.series)):
            expected = np.abs(residuals.expected(vector, image)) ** 2
            power += expected[high].sum(), expected[low].sum()
        return bool(power[0] < _FAINT * power[1])

    def gradient(
        self, state: SheetState, vector: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return half of chi², its gradient by positions, by the pose, by lenses."""
        stamps = self.model.stamps(state)
        wave = self.model.wave(stamps)
        value, by_lens, by_wave = self.pull(wave, vector)
        by_position, by_pose = self.model.gradient(state, stamps, wave, by_wave)
        return value, by_position, by_pose, by_lens

    def pull(
        self, wave: NDArray[np.complex64], vector: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64], NDArray[np.complex64]]:
        """Return half of chi² of a wave, its gradient by lenses and by the wave.

        The latter is on the grid, as `WaveModel.gradient` takes it.
        """
        residuals = self.residuals.of_wave(self._spectrum(wave))
        value, by_lens, spectrum = residuals.gradient(vector)
        return value, by_lens, scipy.fft.ifft2(spectrum, workers=-1)

    def expected_precision(
        self, state: SheetState
    ) -> tuple[float, NDArray[np.float64]]:
        """Return the inverse variances that are expected before the images are seen.

        Returns
        -------
        That of a position, and those of the pose and the free lenses.
        """
        steps = self.residuals.model.parameters.steps[self.free]
        pose = np.array([_TILTED, _TILTED, _APART])[: len(state.pose)]
        lenses = precision_of_guess(steps, self._off)
        return _FAR**-2, np.concatenate([pose**-2.0, lenses])

    def expected(
        self,
        start: SheetState,
        vector: NDArray[np.float64],
        state: SheetState,
        lenses: NDArray[np.float64],
        sites: Sites | None,
    ) -> tuple[float, NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return what is added to half of chi² for what is expected; as `gradient`."""
        moves = (state.positions - start.positions) / _FAR
        precision = self.expected_precision(state)[1]
        poses = len(state.pose)
        pose = state.pose.copy()
        # No tilt is expected, and a sheet below where it was.
        pose[2:] -= start.pose[2:]
        by_pose = precision[:poses] * pose
        by_lens = np.zeros(len(lenses))
        away_from_guess = lenses - self._expected_lenses(vector)
        by_lens[self.free] = precision[poses:] * away_from_guess[self.free]
        off = by_pose @ pose + by_lens @ away_from_guess
        value = float(np.sum(moves**2) + off) / 2
        by_position = moves / _FAR
        if sites is not None:
            spread = sites.spread[:, np.newaxis]
            away = sites.away(state.sites) / spread
            value += float(np.sum(away**2)) / 2
            by_site = sites.roughness.T @ (away / spread)
            by_position = by_position + by_site
            by_pose[:2] -= state.off @ by_site
        return value, by_position, by_pose, by_lens

    def _expected_lenses(self, start: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the guess, with drift and dose of where a search starts."""
        if self._guess is None:
            return start
        parameters, lenses = self.residuals.model.parameters, self._guess.copy()
        for name in ("shift_y", "shift_x", "log_electrons"):
            lenses[parameters.places(name)] = start[parameters.places(name)]
        return lenses

    def _spectrum(self, wave: NDArray[np.complex64]) -> NDArray[np.complex64]:
        return self.residuals.series.grid.spectrum_of_grid(wave)


def precision_of_guess(
    steps: NDArray[np.float64], off: float = _OFF
) -> NDArray[np.float64]:
    """Return the inverse variances of guessed parameters of lenses.

    Parameters
    ----------
    steps
        Typical error of the guess of each.
    off
        How many of them it may be off.
    """
    return np.asarray((off * steps) ** -2.0)
