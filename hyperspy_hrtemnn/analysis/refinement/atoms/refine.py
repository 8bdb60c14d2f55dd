# SPDX-License-Identifier: GPL-3.0-or-later
"""Refinement of the atoms of a sheet, from guessed columns to what images tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.analysis.refinement.working_grid import HIGHEST

from .block_cuts import is_large
from .blocks import refine_in_blocks
from .continuation import continued
from .first_lenses import in_first_image, known_lenses, search_lenses
from .fitted_field import FittedField
from .identities import Identities, changed
from .information import errors_of_fit
from .known_sheets import sheet_of_classes
from .problem import WaveOptions, guessed_state, sheet_problem
from .results import results
from .search import search
from .unknowns import find_scales

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis.microscope.detector import Detector
    from hyperspy_hrtemnn.analysis.refinement.fitted_optics import FittedOptics

    from .identities import Site
    from .occupants import Sheet
    from .problem import SheetProblem
    from .refined_atoms import RefinedAtoms
    from .search import Fitted
    from .sheet_fit import SheetFit
    from .sheet_state import SheetState

# Highest frequency of the search for the right atoms [1/Å]: beyond, there is little
# that tells one element from another.
_MIDDLE = 1.5

# Steps of the fits: of tilt and lenses alone, of all at first, after each sweep over
# the sites, and at the end.
_LENSES, _FIRST, _BETWEEN, _LAST = 20, 25, 20, 80

_SWEEPS = 12


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

    More than 600 columns, or images longer than 100 Å, are refined in overlapping
    blocks of up to 320 columns and their surroundings. All blocks have the same lenses,
    but height and tilt of the sheet, which may be bent, and the dose are their own.

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
    options = WaveOptions(vibration, smoothing, any_contrast)
    fields = _Fields(detector, energy, guess, Cs, optics, sheet, names, options)
    positions = columns[["y", "x"]].to_numpy(float)
    if is_large(images.shape[1:], positions, detector.sampling):
        return refine_in_blocks(fields, images, valid, columns, detector.sampling)
    field = fields(images, valid, columns)
    return results(field, field.problem.fit(HIGHEST))


@dataclass(frozen=True)
class _Fields:
    """What is known of all fields of view of a series; as of `refine_atoms`."""

    detector: Detector
    energy: float
    defocus: NDArray[np.float64]
    Cs: float
    optics: FittedOptics | None
    sheet: Sheet
    names: dict[str, str]
    options: WaveOptions

    def __call__(
        self,
        images: NDArray[np.floating],
        valid: NDArray[np.bool_],
        columns: pd.DataFrame,
        lenses: NDArray[np.float64] | None = None,
    ) -> FittedField:
        """Return columns and lenses of a field of view; as of `FitField`."""
        problem = sheet_problem(
            images,
            valid,
            self.detector,
            self.energy,
            defocus=self.defocus,
            positions=columns[["y", "x"]].to_numpy(float),
            sheet=self.sheet,
            options=self.options,
        )
        middle, fine = problem.fit(_MIDDLE), problem.fit(HIGHEST)
        state = guessed_state(problem, columns, self.names)
        if lenses is not None:
            vector = lenses
        elif self.optics is None:
            vector = search_lenses(problem, middle, state, self.defocus, self.Cs)
        else:
            vector = known_lenses(problem, self.optics)
        return _fitted(problem, middle, fine, state, vector)


def _fitted(
    problem: SheetProblem,
    middle: SheetFit,
    fine: SheetFit,
    state: SheetState,
    vector: NDArray[np.float64],
) -> FittedField:
    """Return columns and lenses that fit, from guesses of both."""
    identities = Identities(problem.sheet)
    parameters = fine.residuals.model.parameters
    moved = vector[[parameters.place(name, 0) for name in ("shift_y", "shift_x")]]
    state, vector = in_first_image(middle, state, vector)
    state = continued(state, identities, problem.series, problem.reach)
    scales = find_scales(middle, state, vector)
    fitted = search(
        middle, state, vector, scales, iterations=_LENSES, hold_columns=True
    )
    fitted, sites = _explained(middle, fine, identities, fitted)
    chi2 = 2 * fitted.value / fine.residuals.series.freedom
    on_sites = identities.sites(fitted.state)
    errors = errors_of_fit(fine, fitted.state, fitted.vector, on_sites, max(chi2, 1.0))
    return FittedField(problem, fitted, sites, errors, fine.free, moved)


def _explained(
    middle: SheetFit, fine: SheetFit, identities: Identities, fitted: Fitted
) -> tuple[Fitted, list[Site]]:
    """Return columns and lenses that explain the images best, and all sites."""
    scales = find_scales(middle, fitted.state, fitted.vector)
    fitted = search(middle, fitted.state, fitted.vector, scales, iterations=_FIRST)
    around: NDArray[np.float64] | None = None
    for sweep in range(_SWEEPS):
        chi2 = 2 * fitted.value / middle.residuals.series.freedom
        sites = identities.examine(middle, fitted.state, fitted.vector, chi2, around)
        state, changes = changed(fitted.state, sites, identities.empty)
        settled = not len(changes)
        if settled and around is None and sweep:
            break
        fitted = search(
            middle,
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
    fitted = search(
        fine,
        fitted.state,
        fitted.vector,
        scales,
        iterations=_LAST,
        sites=identities.sites(fitted.state),
        tolerance=0.01,
    )
    return fitted, sites
