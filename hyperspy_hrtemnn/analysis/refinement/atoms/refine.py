# SPDX-License-Identifier: GPL-3.0-or-later
"""Refinement of the atoms of a sheet, from guessed columns to what images tell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from hyperspy_hrtemnn.analysis.microscope.optics import wavelength
from hyperspy_hrtemnn.analysis.refinement.optics_of_vector import (
    optics_of_vector,
    vector_of_optics,
)
from hyperspy_hrtemnn.analysis.refinement.series_problem import SeriesProblem, contrast
from hyperspy_hrtemnn.analysis.refinement.starts import best_start
from hyperspy_hrtemnn.analysis.refinement.working_grid import HIGHEST

from .column_waves import ColumnWaves
from .continuation import continued
from .identities import Identities, changed
from .information import errors_of_fit
from .known_sheets import sheet_of_classes
from .padded_series import PaddedSeries, pad_series
from .results import results
from .sheet_fit import SheetFit
from .sheet_state import SheetState
from .unknowns import find_scales
from .wave_model import WaveModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis.microscope.detector import Detector
    from hyperspy_hrtemnn.analysis.refinement.fitted_optics import FittedOptics

    from .identities import Site
    from .occupants import Sheet
    from .refined_atoms import RefinedAtoms
    from .sheet_fit import Fitted

# Highest frequency of the search for the right lenses, and for the right atoms [1/Å]:
# beyond, there is little that tells one element from another.
_COARSE, _MIDDLE = 1.0, 1.5

# How far beyond the images columns matter: what their potential and the lenses spread,
# the latter up to this frequency [1/Å] and distance [Å].
_POTENTIAL, _SPREAD, _FARTHEST = 2.0, 0.7, 3.0

# Distance along the beam over which a sheet may reach from its middle [Å], and by which
# tilt.
_THICK, _STEEP = 3.0, 0.17

# Steps of the fits: of tilt and lenses alone, of all at first, after each sweep over
# the sites, and at the end.
_LENSES, _FIRST, _BETWEEN, _LAST = 20, 25, 20, 80

_SWEEPS = 8

# Distance of the outermost column from the edge of the images below which the sheet
# may go on, and room for columns that move or are added [Å].
_CUT, _SLACK = 3.0, 3.0


@dataclass(frozen=True)
class Problem:
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
    vibration
        Mean square displacement of the atoms along one direction [Å²].
    smoothing
        Standard deviation of the Gaussian by which waves are smoothed [Å].
    farthest
        Distance along the beam over which the sheet may reach from its middle [Å].
    any_contrast
        Whether the contrast of the images is fitted.
    """

    series: PaddedSeries
    detector: Detector
    energy: float
    sheet: Sheet
    vibration: float
    smoothing: float
    farthest: float
    any_contrast: bool

    def lens_problem(self) -> SeriesProblem:
        """Return the problem of the lenses, with the wave of the vacuum."""
        vacuum = np.ones(self.series.valid.shape, np.complex64)
        return SeriesProblem(
            vacuum,
            self.series.images,
            self.detector,
            self.energy,
            self.series.valid,
            margin=0,
            any_contrast=self.any_contrast,
        )

    def sheet_fit(self, highest: float) -> SheetFit:
        """Return the fit on a grid up to a frequency [1/Å]."""
        residuals = self.lens_problem().residuals(highest)
        columns = ColumnWaves(
            self.sheet.occupants,
            residuals.series.grid,
            self.energy,
            self.smoothing,
            self.vibration,
            self.farthest,
        )
        return SheetFit(residuals, WaveModel(columns, residuals.series.grid, 0.0))


def refine_atoms(
    images: NDArray[np.floating],
    detector: Detector,
    energy: float,
    defocus: Sequence[float],
    columns: pd.DataFrame,
    *,
    Cs: float = 0.0,
    optics: FittedOptics | None = None,
    dopants: Sequence[str] = (),
    valid: NDArray[np.bool_] | None = None,
    vibration: float = 0.004,
    smoothing: float = 0.15,
    any_contrast: bool = False,
) -> RefinedAtoms:
    """Refine the columns of a sheet to what the images of a focal series tell.

    The wave is the product of the waves of all columns of atoms, and its images are
    compared with those of the detector, in units of their noise. Positions, tilt and
    lenses change together until chi² is least. Then each site is asked what else might
    stand there, also sites without a column; the best changes are made, and all is
    fitted again, until nothing improves.

    Parameters
    ----------
    images
        Electrons in each pixel, shape (image, y, x), one image or more.
    detector
        Pixel size, MTF and readout noise; its dose is not used.
    energy
        Beam energy [keV].
    defocus
        Guess of the defocus of each image, positive = underfocus [Å], right to 20 Å.
    columns
        Guess of the columns: ``x`` and ``y`` from the middle of the first pixel [Å],
        and ``class``, as of `sheet_of_classes`. Errors of a tenth of the columns are
        found.
    Cs
        Guess of the spherical aberration [Å], right to 1.5 µm.
    optics
        Lenses, if they are known, instead of `defocus` and `Cs`; they are refined.
    dopants
        Symbols of elements that may stand in place of others.
    valid
        Pixels of the images that are data, shape (y, x); by default all.
    vibration
        Mean square displacement of the atoms along one direction [Å²].
    smoothing
        Standard deviation of the Gaussian by which the wave is smoothed [Å].
    any_contrast
        Whether the contrast of each image is fitted, too: of images with an unknown
        zero, as stretched ones, or with a background, as of inelastic scattering.

    Raises
    ------
    ValueError
        If shapes do not fit, the classes are not of a known sheet, the images show
        nothing above their noise, or no lens makes such images of the columns.
    """
    count = len(defocus) if optics is None else len(optics.defocus.value)
    if images.ndim != 3 or len(images) != count or not count:
        raise ValueError(
            f"Images of shape (image, y, x) and a defocus for each are needed, not "
            f"{images.shape} and {count}."
        )
    if valid is None:
        valid = np.ones(images.shape[1:], bool)
    guess = np.asarray(defocus if optics is None else optics.defocus.value, float)
    sheet, names = sheet_of_classes(columns["class"], dopants)
    problem, state = _prepared(
        images, valid, detector, energy, columns, (sheet, names), guess, vibration, smoothing, any_contrast
    )
    identities = Identities(sheet)
    middle, fine = problem.sheet_fit(_MIDDLE), problem.sheet_fit(HIGHEST)
    state, vector = _first_lenses(problem, middle, state, guess, Cs, optics)
    state = continued(state, identities, problem.series, _reach(energy, guess))
    scales = find_scales(middle, state, vector)
    fitted = middle.fit(state, vector, scales, iterations=_LENSES, hold_columns=True)
    fitted, sites = _explained(middle, fine, identities, fitted)
    chi2 = 2 * fitted.value / fine.residuals.series.freedom
    on_sites = identities.sites(fitted.state)
    errors = errors_of_fit(fine, fitted.state, fitted.vector, on_sites, max(chi2, 1.0))
    return results(problem, fine, fitted, sites, errors)


def _explained(
    middle: SheetFit, fine: SheetFit, identities: Identities, fitted: Fitted
) -> tuple[Fitted, list[Site]]:
    """Return columns and lenses that explain the images best, and all sites."""
    scales = find_scales(middle, fitted.state, fitted.vector)
    fitted = middle.fit(fitted.state, fitted.vector, scales, iterations=_FIRST)
    around: NDArray[np.float64] | None = None
    for sweep in range(_SWEEPS):
        chi2 = 2 * fitted.value / middle.residuals.series.freedom
        sites = identities.examine(middle, fitted.state, fitted.vector, chi2, around)
        state, changes = changed(fitted.state, sites, identities.empty)
        settled = not len(changes)
        if settled and around is None and sweep:
            break
        fitted = middle.fit(
            state,
            fitted.vector,
            scales,
            iterations=_BETWEEN,
            sites=identities.sites(state),
            tolerance=0.1,
        )
        # Once nothing changes near the last changes, all sites are asked again.
        around = None if settled else changes
    scales = find_scales(fine, fitted.state, fitted.vector)
    fitted = fine.fit(
        fitted.state,
        fitted.vector,
        scales,
        iterations=_LAST,
        sites=identities.sites(fitted.state),
        tolerance=0.01,
    )
    return fitted, sites


def _reach(energy: float, defocus: NDArray[np.float64]) -> float:
    farthest = float(np.abs(defocus).max())
    return _POTENTIAL + min(wavelength(energy) * _SPREAD * farthest, _FARTHEST)


def _prepared(
    images, valid, detector, energy, columns, sheet_and_names, defocus, vibration, smoothing, any_contrast
) -> tuple[Problem, SheetState]:
    """Return the problem, and the state of the guessed columns."""
    sheet, names = sheet_and_names
    positions = columns[["y", "x"]].to_numpy(float)
    extent = float(np.ptp(positions, axis=0).max()) if len(positions) else 0.0
    farthest = _THICK + _STEEP * extent / 2
    window = 4.5 + wavelength(energy) * 1.2 * farthest + _SLACK
    size = np.array(images.shape[1:]) * detector.sampling
    nearest = float(np.min([positions.min(axis=0), size - positions.max(axis=0)]))
    # A flake that is cut by the edge goes on beyond it.
    beyond = _reach(energy, defocus) if nearest < _CUT else -nearest
    around = max(window + beyond, 0.0)
    series = pad_series(images, valid, detector.sampling, around)
    problem = Problem(series, detector, energy, sheet, vibration, smoothing, farthest, any_contrast)
    number = {each.name: n for n, each in enumerate(sheet.occupants)}
    kinds = np.array([number[names[each]] for each in columns["class"]], np.intp)
    centers = np.array([each.center for each in sheet.occupants])
    positions = positions + series.origin
    return problem, SheetState(
        positions, kinds, centers, np.zeros(2), positions.mean(axis=0)
    )


def _first_lenses(
    problem: Problem,
    fit: SheetFit,
    state: SheetState,
    defocus: NDArray[np.float64],
    Cs: float,
    optics: FittedOptics | None,
) -> tuple[SheetState, NDArray[np.float64]]:
    """Return lenses to begin with, and columns where the first image has them."""
    parameters = fit.residuals.model.parameters
    if optics is not None:
        vector = vector_of_optics(optics, problem.smoothing, problem.detector.sampling)
    else:
        guess = problem.lens_problem().guess(defocus, Cs, problem.smoothing)
        wave = fit.model.wave(fit.model.stamps(state))
        brightness = float(np.mean(np.abs(wave) ** 2))
        guess[parameters.places("log_electrons")] -= math.log(brightness)
        coarse = problem.lens_problem().residuals(_COARSE)
        coarse = coarse.of_wave(coarse.series.grid.spectrum(wave))
        vector = best_start(coarse, guess, contrast(coarse, guess))
    moved = state.positions.copy()
    for axis, name in enumerate(("shift_y", "shift_x")):
        places = parameters.places(name)
        moved[:, axis] += vector[places[0]]
        vector[places] -= vector[places[0]]
    # On a crystal the first image may fit best some lattice vectors off, where columns
    # at the edge leave the grid; the sheet is continued on the other side.
    room = np.array([fit.model.has_room(each) for each in moved], bool)
    return state.with_columns(moved[room], state.kinds[room]), vector
