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

from .unknowns import Unknowns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis.refinement.residuals import SeriesResiduals

    from .honeycomb import Sites
    from .sheet_state import SheetState
    from .unknowns import Scales
    from .wave_model import WaveModel

ELASTIC = 0.05
"""Standard deviation of a site from where its surroundings expect it [Å]: how much
edges and vacancies move their neighbors. Images of 10^4 electrons/Å² tell positions
much better; where they do not, it keeps the crystal in order."""

# Standard deviations that are expected: of a position from where it started [Å], of
# the tilt, and of lenses from where they started, in typical errors of a guess.
_FAR, _TILTED, _OFF = 0.3, 0.15, 10.0


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
        scales: Scales,
        *,
        iterations: int,
        sites: Sites | None = None,
        hold_columns: bool = False,
        tolerance: float = 0.05,
    ) -> Fitted:
        """Fit columns, tilt and lenses.

        Parameters
        ----------
        state, vector
            Where to start.
        scales
            Scales of the unknowns.
        iterations
            Largest number of steps.
        sites
            Sites of the columns, near which they are expected.
        hold_columns
            Whether only tilt and lenses are fitted.
        tolerance
            Fall of the value in a step below which the fit ends.
        """
        unknowns = Unknowns(self, state, vector, scales, hold_columns)

        def value(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            now, lenses = unknowns.unpacked(x)
            found = self.gradient(now, lenses)
            expected = self._expected(state, vector, now, lenses, sites)
            total, *gradients = (a + b for a, b in zip(found, expected, strict=True))
            return total, unknowns.packed(*gradients)

        first = value(unknowns.start)[0]
        found = minimize(
            value,
            unknowns.start,
            jac=True,
            method="L-BFGS-B",
            bounds=unknowns.bounds,
            options={
                "maxiter": iterations,
                "maxcor": 25,
                "ftol": tolerance / max(first, 1.0),
                "gtol": 1e-6,
            },
        )
        return Fitted(*unknowns.unpacked(found.x), float(found.fun))

    def expected_precision(self) -> tuple[float, NDArray[np.float64]]:
        """Return the inverse variances that are expected before the images are seen.

        Returns
        -------
        Of a position, and of the components of the tilt and the free lenses.
        """
        steps = self.residuals.model.parameters.steps[self.free]
        tilt = np.full(2, _TILTED**-2)
        return _FAR**-2, np.concatenate([tilt, (_OFF * steps) ** -2.0])

    def _expected(
        self,
        start: SheetState,
        vector: NDArray[np.float64],
        state: SheetState,
        lenses: NDArray[np.float64],
        sites: Sites | None,
    ) -> tuple[float, NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return what is added to half of chi² for what is expected; as `gradient`."""
        moves = (state.positions - start.positions) / _FAR
        tilt = state.normal / _TILTED
        by_lens = np.zeros(len(lenses))
        precision = self.expected_precision()[1][2:]
        by_lens[self.free] = precision * (lenses - vector)[self.free]
        off = by_lens @ (lenses - vector)
        value = float(np.sum(moves**2) + tilt @ tilt + off) / 2
        by_position, by_normal = moves / _FAR, tilt / _TILTED
        if sites is not None:
            away = sites.away(state.sites) / ELASTIC
            value += float(np.sum(away**2)) / 2
            by_site = sites.roughness.T @ away / ELASTIC
            by_position = by_position + by_site
            by_normal = by_normal - state.off @ by_site
        return value, by_position, by_normal, by_lens

    def _spectrum(self, wave: NDArray[np.complex64]) -> NDArray[np.complex64]:
        return self.residuals.series.grid.spectrum_of_grid(wave)
