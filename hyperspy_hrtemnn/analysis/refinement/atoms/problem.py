# SPDX-License-Identifier: GPL-3.0-or-later
"""Sheet problem: images of a sheet, a guess of its columns, and how waves are computed.

The images get a border, wide enough for the waves of columns at their edges.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.analysis.microscope.optics import wavelength
from hyperspy_hrtemnn.analysis.refinement.lens_parameters import ParameterList
from hyperspy_hrtemnn.analysis.refinement.series_problem import SeriesProblem

from .column_waves import ColumnWaves
from .occupants import occupants_of
from .padded_series import PaddedSeries, pad_series
from .sheet_fit import SheetFit
from .sheet_state import SheetState
from .wave_model import WaveModel

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis.microscope.detector import Detector
    from hyperspy_hrtemnn.analysis.refinement.working_grid import WorkingGrid

    from .occupants import Occupant, Sheet

# How far beyond the images columns matter: what their potential and the lenses spread,
# the latter up to this frequency [1/Å] and distance [Å].
_POTENTIAL, _SPREAD, _FARTHEST = 2.0, 0.7, 3.0

# Distance along the beam over which a sheet may reach from its middle: its thickness
# [Å], and its size times the steepest tilt that is expected, 10 degrees.
_THICK, _STEEP = 3.0, 0.17

# Distance of the outermost column from the edge of the images below which the sheet
# may go on, and room for columns that move or are added [Å].
_CUT, _SLACK = 3.0, 3.0


SMOOTHING = 0.15
"""Standard deviation of the Gaussian by which waves that are fitted are smoothed [Å].

A product of smoothed columns is a smoothed product where this is narrow, and the blur
of the lenses is less by it. Wider, it would change the lenses that are found.
"""


@dataclass(frozen=True)
class WaveOptions:
    """How the wave of a sheet is computed and compared.

    Parameters
    ----------
    vibration
        Mean square displacement of the atoms along one direction [Å²].
    smoothing
        Standard deviation of the Gaussian by which the wave that is returned is
        smoothed [Å]; what is fitted is not.
    any_contrast
        Whether the contrast of each image is fitted.

    Raises
    ------
    ValueError
        If vibration or smoothing are negative or not finite.
    """

    vibration: float
    smoothing: float
    any_contrast: bool

    def __post_init__(self) -> None:
        for name, unit in (("vibration", "Å²"), ("smoothing", "Å")):
            value = getattr(self, name)
            if not 0 <= value < math.inf:
                raise ValueError(
                    f"{name} is {value:g} {unit}; it cannot be negative, and has to be "
                    "finite. Give 0 for none."
                )


@dataclass(frozen=True)
class SheetProblem:
    """Images of a sheet, and how its waves are computed.

    Parameters
    ----------
    series
        The images, with a border.
    detector
        Pixel size, MTF and readout noise.
    energy
        Beam energy [keV].
    sheet
        What may stand on its sites.
    options
        How waves are computed and compared.
    farthest
        Distance along the beam over which the sheet may reach from its middle [Å].
    reach
        How far beyond the images columns matter [Å].
    support
        What may stand on the sites of the sheet below, once it is found.
    """

    series: PaddedSeries
    detector: Detector
    energy: float
    sheet: Sheet
    options: WaveOptions
    farthest: float
    reach: float
    support: Sheet | None = None

    @property
    def layers(self) -> tuple[Sheet, ...]:
        """The sheet, and the one below it."""
        return (self.sheet,) if self.support is None else (self.sheet, self.support)

    @property
    def occupants(self) -> tuple[Occupant, ...]:
        """All that may stand on a site, the empty site last."""
        return occupants_of(self.layers)

    @property
    def parameters(self) -> ParameterList:
        """Parameters of the lenses."""
        return ParameterList(len(self.series.images), self.options.any_contrast)

    def lenses(self) -> SeriesProblem:
        """Return the problem of the lenses, with the wave of the vacuum."""
        return SeriesProblem(
            np.ones(self.series.valid.shape, np.complex64),
            self.series.images,
            self.detector,
            self.energy,
            self.series.valid,
            margin=0,
            any_contrast=self.options.any_contrast,
        )

    def fit(
        self,
        highest: float,
        guess: NDArray[np.float64] | None = None,
        *,
        known: bool = False,
    ) -> SheetFit:
        """Return the fit on a grid up to a frequency [1/Å].

        Parameters
        ----------
        highest
            The frequency.
        guess
            Parameters of the lenses that are expected.
        known
            Whether these are known from another fit.
        """
        residuals = self.lenses().residuals(highest)
        return SheetFit(
            residuals, self.wave_model(residuals.series.grid), guess, known=known
        )

    def again(self, fit: SheetFit) -> SheetFit:
        """Return a fit of another sheet as one of this, on the same grid."""
        return fit.of_model(self.wave_model(fit.model.grid))

    def wave_model(self, grid: WorkingGrid, smoothing: float = SMOOTHING) -> WaveModel:
        """Return the waves of sheets on a grid, of columns smoothed by a width [Å]."""
        columns = ColumnWaves(
            self.occupants,
            grid,
            self.energy,
            smoothing=smoothing,
            vibration=self.options.vibration,
            farthest=self.farthest,
        )
        return WaveModel(columns, grid, plane=0.0)


def sheet_problem(
    images: NDArray[np.floating],
    valid: NDArray[np.bool_],
    detector: Detector,
    energy: float,
    *,
    defocus: NDArray[np.float64],
    positions: NDArray[np.float64],
    sheet: Sheet,
    options: WaveOptions,
    deepest: float = 0.0,
) -> SheetProblem:
    """Return the problem of images with a border for their columns.

    Parameters
    ----------
    images
        Electrons in each pixel, shape (image, y, x).
    valid
        Pixels that are data, shape (y, x).
    detector, energy, sheet, options
        As of `SheetProblem`.
    defocus
        Guess of the defocus of each image [Å].
    positions
        Guess of the positions (y, x) of the columns [Å], shape (column, 2).
    deepest
        Largest distance of a support below the sheet [Å], 0 where there is none.
    """
    spread = wavelength(energy) * _SPREAD * float(np.abs(defocus).max())
    reach = _POTENTIAL + min(spread, _FARTHEST)
    size = np.array(valid.shape) * detector.sampling
    field = size if deepest else np.ptp(positions, axis=0)
    farthest = deepest + _THICK + _STEEP * float(field.max()) / 2
    window = ColumnWaves.radius(energy, farthest) + _SLACK
    inside = float(np.min([positions, size - positions]))
    # A flake that is cut by the edge goes on beyond it, and so may a support.
    around = window + (reach if inside < _CUT or deepest else -inside)
    series = pad_series(images, valid, detector.sampling, around)
    return SheetProblem(series, detector, energy, sheet, options, farthest, reach)


def guessed_state(
    problem: SheetProblem, columns: pd.DataFrame, names: dict[str, str]
) -> SheetState:
    """Return the state of guessed columns, on a sheet that is not tilted.

    Parameters
    ----------
    problem
        The images.
    columns
        ``x``, ``y`` from the middle of the first pixel [Å], and ``class``.
    names
        Name of the occupant of each class.
    """
    occupants = problem.sheet.occupants
    number = {each.name: n for n, each in enumerate(occupants)}
    kinds = [number[names[each]] for each in columns["class"]]
    positions = columns[["y", "x"]].to_numpy(float) + problem.series.origin
    return SheetState(
        positions,
        np.array(kinds, np.intp),
        centers=np.array([each.center for each in occupants]),
        normal=np.zeros(2),
        middle=positions.mean(axis=0),
    )
