# SPDX-License-Identifier: GPL-3.0-or-later
"""Sheet fit: columns, tilt and lenses together, by the method of L-BFGS.

Columns and lenses have to be fitted together: coma shifts all columns, and a defocus
looks like another height. The place is that of the first image, whose shift is 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft
from scipy.optimize import minimize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis.refinement.residuals import SeriesResiduals

    from .honeycomb import Sites
    from .sheet_state import SheetState
    from .wave_model import WaveModel

# Typical steps of a position [Å], of the tilt, and of lenses as shares of those from a
# user's guess: what a fit corrects after the first.
_POSITION, _TILT, _LENS = 0.03, 0.02, 0.2

ELASTIC = 0.05
"""Standard deviation of a site from where its surroundings expect it [Å]: how much
edges and vacancies move their neighbors. Images of 10^4 electrons/Å² tell positions
much better; where they do not, it keeps the crystal in order."""

# Standard deviations that are expected: of a position from where it started [Å], of
# the tilt, and of lenses from where they started, in steps of a user's guess.
_FAR, _TILTED, _OFF = 0.3, 0.15, 10.0

# Largest component of the normal across the beam.
_STEEPEST = 0.5


@dataclass(frozen=True)
class Fitted:
    """Columns and lenses that fit.

    Parameters
    ----------
    state
        The columns.
    vector
        Parameters of the lenses, as of `ParameterList`.
    value
        Half of chi², and of the squares of what is expected.
    """

    state: SheetState
    vector: NDArray[np.float64]
    value: float


class SheetFit:
    """Images of a sheet, and the columns and lenses that explain them.

    Parameters
    ----------
    residuals
        The images; their wave is not used.
    model
        Wave of the sheet on their grid.
    """

    def __init__(self, residuals: SeriesResiduals, model: WaveModel) -> None:
        self.residuals = residuals
        self.model = model
        parameters = residuals.model.parameters
        self.free = parameters.steps > 0
        for name in ("shift_y", "shift_x"):
            self.free[parameters.place(name, 0)] = False

    def with_wave(self, state: SheetState) -> SeriesResiduals:
        """Return the residuals of the images, of which a state's wave is that."""
        wave = self.model.wave(self.model.stamps(state))
        return self.residuals.of_wave(self._spectrum(wave))

    def gradient(
        self, state: SheetState, vector: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return half of chi², its gradient by positions, by the normal, by lenses."""
        stamps = self.model.stamps(state)
        wave = self.model.wave(stamps)
        value, by_lens, spectrum = self.residuals.of_wave(
            self._spectrum(wave)
        ).gradient(vector)
        by_wave = scipy.fft.ifft2(spectrum, workers=-1)
        by_position, by_normal = self.model.gradient(state, stamps, wave, by_wave)
        return value, by_position, by_normal, by_lens

    def fit(
        self,
        state: SheetState,
        vector: NDArray[np.float64],
        *,
        iterations: int,
        sites: Sites | None = None,
        hold_columns: bool = False,
        tolerance: float = 0.01,
    ) -> Fitted:
        """Fit columns, tilt and lenses.

        Parameters
        ----------
        state, vector
            Where to start.
        iterations
            Largest number of steps.
        sites
            Sites of the columns, near which they are expected.
        hold_columns
            Whether only tilt and lenses are fitted.
        tolerance
            Fall of the value in a step below which the fit ends.
        """
        steps = self.residuals.model.parameters.steps
        columns = 0 if hold_columns else len(state)

        def unpacked(
            x: NDArray[np.float64],
        ) -> tuple[SheetState, NDArray[np.float64], NDArray[np.float64]]:
            moves = np.zeros((len(state), 2))
            if columns:
                moves = _POSITION * x[: 2 * columns].reshape(-1, 2)
            normal = state.normal + _TILT * x[2 * columns : 2 * columns + 2]
            normal *= min(1, _STEEPEST / max(float(np.hypot(*normal)), _STEEPEST))
            lens = vector.copy()
            lens[self.free] += _LENS * steps[self.free] * x[2 * columns + 2 :]
            return state.moved(state.positions + moves, normal), lens, moves

        def value(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            now, lens, moves = unpacked(x)
            chi2, by_position, by_normal, by_lens = self.gradient(now, lens)
            off = (lens - vector)[self.free] / (_OFF * steps[self.free])
            chi2 += float(
                np.sum(moves**2) / _FAR**2
                + now.normal @ now.normal / _TILTED**2
                + off @ off
            ) / 2
            by_position = by_position + moves / _FAR**2
            if sites is not None and columns:
                away = sites.away(now.sites) / ELASTIC
                chi2 += float(np.sum(away**2)) / 2
                by_site = sites.roughness.T @ away / ELASTIC
                by_position = by_position + by_site
                by_normal = by_normal - now.off @ by_site
            by_normal = by_normal + now.normal / _TILTED**2
            by_lens = by_lens[self.free] + off / (_OFF * steps[self.free])
            gradient = [
                _TILT * by_normal,
                _LENS * steps[self.free] * by_lens,
            ]
            if columns:
                gradient.insert(0, _POSITION * by_position.ravel())
            return chi2, np.concatenate(gradient)

        start = np.zeros(2 * columns + 2 + int(self.free.sum()))
        first = value(start)[0]
        found = minimize(
            value,
            start,
            jac=True,
            method="L-BFGS-B",
            options={
                "maxiter": iterations,
                "maxcor": 25,
                "ftol": tolerance / max(first, 1.0),
                "gtol": 1e-6,
            },
        )
        best, lens, _ = unpacked(found.x)
        return Fitted(best, lens, float(found.fun))

    def _spectrum(self, wave: NDArray[np.complex64]) -> NDArray[np.complex64]:
        return self.residuals.series.grid.spectrum_of_grid(wave)


def expected_precision(fit: SheetFit) -> tuple[float, NDArray[np.float64]]:
    """Return the inverse variances that are expected before the images are seen.

    Returns
    -------
    Of a position, and of the two components of the tilt and the free lenses.
    """
    steps = fit.residuals.model.parameters.steps[fit.free]
    return 1 / _FAR**2, np.array(
        [1 / _TILTED**2, 1 / _TILTED**2, *(_OFF * steps) ** -2.0]
    )
