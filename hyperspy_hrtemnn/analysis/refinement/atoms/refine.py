# SPDX-License-Identifier: GPL-3.0-or-later
"""Refinement of the atoms of a sheet, from guessed columns to what images tell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.analysis.refinement.starts import aligned
from hyperspy_hrtemnn.analysis.refinement.working_grid import HIGHEST

from .block_cuts import is_large
from .blocks import refine_in_blocks
from .continuation import continued
from .first_lenses import in_first_image, known_lenses, search_lenses, shift_of_first
from .fitted_field import FittedField
from .identities import Identities, changed
from .information import errors_of_fit
from .known_sheets import sheet_of_classes
from .problem import WaveOptions, guessed_state, sheet_problem
from .results import results
from .search import search
from .unknowns import find_scales
from .verdict import check_sites, judge, judge_lattice, judge_model

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

_FEWEST = 6  # columns in the smallest sheet


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
        If shapes do not fit, the classes are not of a known sheet, the columns are not
        on its sites, the images show nothing above their noise, or the atoms explain
        less than half of their contrast.

    Warns
    -----
    UserWarning
        If more than 1 % of the contrast is unexplained, the noise is not that of the
        detector, the lattice constant is not that of the sheet, or tilt or energy are
        beyond those at which the model of the wave was tested, 20 degrees and 50 to
        300 keV.
    """
    guess = np.asarray(defocus if optics is None else optics.defocus.value, float)
    if valid is None:
        valid = np.ones(images.shape[1:], bool)
    _check(images, guess, columns, valid)
    sheet, names = sheet_of_classes(columns["class"], dopants)
    options = WaveOptions(vibration, smoothing, any_contrast)
    fields = _Fields(detector, energy, guess, Cs, optics, sheet, names, options)
    positions = columns[["y", "x"]].to_numpy(float)
    if is_large(images.shape[1:], positions, detector.sampling):
        found = refine_in_blocks(fields, images, valid, columns, detector.sampling)
    else:
        field = fields(images, valid, columns)
        found = results(field, field.problem.fit(HIGHEST))
    judge(found.optics)
    judge_model(found.tilt.value, energy)
    return found


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
        identities = Identities(self.sheet)
        state = guessed_state(problem, columns, self.names)
        if lenses is not None:
            fits = [problem.fit(highest, lenses) for highest in (_MIDDLE, HIGHEST)]
            return _fitted(problem, fits, identities, state, lenses)
        check_sites(identities.sites(state))
        vector = self._expected(problem)
        known = self.optics is not None
        fits = [
            problem.fit(highest, vector, known=known) for highest in (_MIDDLE, HIGHEST)
        ]
        if not known:
            vector = search_lenses(problem, fits[0], state, vector)
        field = _fitted(problem, fits, identities, state, vector)
        state = field.fitted.state
        judge_lattice(identities.sites(state), state.along, self.sheet)
        return field

    def _expected(self, problem: SheetProblem) -> NDArray[np.float64]:
        """Return the lenses that the user expects."""
        if self.optics is not None:
            return known_lenses(problem, self.optics)
        smoothing = self.options.smoothing
        return problem.lenses().guess(self.defocus, self.Cs, smoothing)


def _fitted(
    problem: SheetProblem,
    fits: list[SheetFit],
    identities: Identities,
    state: SheetState,
    vector: NDArray[np.float64],
) -> FittedField:
    """Return columns and lenses that fit, from guesses of both."""
    middle, fine = fits
    first = shift_of_first(middle, vector)
    state, vector = in_first_image(middle, state, vector)
    state = continued(state, identities, problem.series, problem.reach)
    scales = find_scales(middle, state, vector)
    fitted = search(
        middle, state, vector, scales, iterations=_LENSES, hold_columns=True
    )
    fitted, sites, moved = _explained(middle, fine, identities, fitted)
    chi2 = 2 * fitted.value / fine.residuals.series.freedom
    on_sites = identities.sites(fitted.state)
    errors = errors_of_fit(fine, fitted.state, fitted.vector, on_sites, max(chi2, 1.0))
    return FittedField(problem, fitted, sites, errors, fine.free, first + moved)


def _check(
    images: NDArray[np.floating],
    defocus: NDArray[np.float64],
    columns: pd.DataFrame,
    valid: NDArray[np.bool_],
) -> None:
    """Raise a ValueError unless images, defocus and columns belong together."""
    if images.ndim != 3 or len(images) != len(defocus) or not len(defocus):
        raise ValueError(
            f"Images of shape (image, y, x) and a defocus for each are needed, not "
            f"{images.shape} and {len(defocus)}."
        )
    if valid.shape != images.shape[1:]:
        raise ValueError(
            f"valid has the shape {valid.shape}, the images have {images.shape[1:]}."
        )
    missing = {"x", "y", "class"} - set(columns.columns)
    if missing:
        raise ValueError(
            f"The table of columns lacks {', '.join(sorted(missing))}; give that of "
            "Segmentation.find_columns."
        )
    if len(columns) < _FEWEST or not np.isfinite(columns[["x", "y"]]).all(axis=None):
        raise ValueError(
            f"{_FEWEST} columns or more with finite positions are needed to find a "
            f"sheet, not {len(columns)}."
        )


def _explained(
    middle: SheetFit, fine: SheetFit, identities: Identities, fitted: Fitted
) -> tuple[Fitted, list[Site], NDArray[np.float64]]:
    """Return what explains the images best, all sites, and how far all moved (y, x)."""
    moved, realigned = np.zeros(2), False
    scales = find_scales(middle, fitted.state, fitted.vector)
    fitted = search(middle, fitted.state, fitted.vector, scales, iterations=_FIRST)
    around: NDArray[np.float64] | None = None
    for _ in range(_SWEEPS):
        single = replace(fitted, state=identities.without_doubles(fitted.state))
        sites = _examined(middle, identities, single, around)
        state, changes = changed(single.state, sites, identities.empty)
        if len(state) < _FEWEST:
            raise ValueError(
                "The images do not show these columns. Are they those of these images, "
                "in the right unit, and are energy, pixel size and detector right?"
            )
        if len(changes) or len(single.state) < len(fitted.state):
            fitted = search(
                middle,
                state,
                fitted.vector,
                scales,
                iterations=_BETWEEN,
                sites=identities.sites(state),
                tolerance=0.1,
            )
        elif around is None:
            # In a crystal without an edge only vacancies tell which of the drifts that
            # are a lattice vector apart is right, and only once they are found. One
            # without vacancies would be moved again and again.
            vector = aligned(middle.with_wave(fitted.state), fitted.vector)
            if vector is fitted.vector or realigned:
                break
            realigned = True
            moved += shift_of_first(middle, vector)
            state, vector = in_first_image(middle, fitted.state, vector)
            fitted = replace(fitted, state=state, vector=vector)
        # Once nothing changes near the last changes, all sites are asked again.
        around = changes if len(changes) else None
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
    return fitted, _examined(middle, identities, fitted, None), moved


def _examined(
    fit: SheetFit,
    identities: Identities,
    fitted: Fitted,
    around: NDArray[np.float64] | None,
) -> list[Site]:
    """Return what may stand on the sites near some places, or on all."""
    state, vector = fitted.state, fitted.vector
    chi2 = fit.with_wave(state).chi2(vector) / fit.residuals.series.freedom
    return identities.examine(fit, state, vector, chi2, around)
