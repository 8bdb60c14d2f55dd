# SPDX-License-Identifier: GPL-3.0-or-later
"""Refinement of the atoms of a sheet, from guessed columns to what images tell."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from hyperspy_hrtemnn.analysis.refinement.working_grid import HIGHEST

from .continuation import continued
from .first_lenses import in_first_image, known_lenses, search_lenses
from .identities import Identities, changed
from .information import errors_of_fit
from .known_sheets import sheet_of_classes
from .problem import WaveOptions, guessed_state, sheet_problem
from .results import results
from .search import search
from .support import DEEPEST, with_support
from .unknowns import find_scales

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis.microscope.detector import Detector
    from hyperspy_hrtemnn.analysis.refinement.fitted_optics import FittedOptics

    from .identities import Site
    from .refined_atoms import RefinedAtoms
    from .search import Fitted
    from .sheet_fit import SheetFit

# Highest frequency of the search for the right atoms [1/Å]: beyond, there is little
# that tells one element from another.
_MIDDLE = 1.5

# Steps of the fits: of tilt and lenses alone, of all at first, after each sweep over
# the sites, and at the end.
_LENSES, _FIRST, _BETWEEN, _LAST = 20, 25, 20, 80

_SWEEPS = 12

_NO_SUPPORT = (
    "No graphene is found in what the sheet alone does not explain, so that the atoms "
    "are refined without a support; check the columns, the lenses and the sampling, or "
    "leave support=None."
)


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
    support: Literal["graphene"] | None = None,
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
    support
        What the sheet lies on, nearer to the entrance of the beam: ``"graphene"`` finds
        one layer of it, its lattice, its distance and its edges.

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
    if support not in (None, "graphene"):
        raise ValueError(f"support can be 'graphene' or None, not {support!r}.")
    sheet, names = sheet_of_classes(columns["class"], dopants)
    options = WaveOptions(vibration, smoothing, any_contrast)
    problem = sheet_problem(
        images,
        valid,
        detector,
        energy,
        defocus=guess,
        positions=columns[["y", "x"]].to_numpy(float),
        sheet=sheet,
        options=options,
        deepest=DEEPEST if support else 0.0,
    )
    identities = Identities(sheet)
    middle = problem.fit(_MIDDLE)
    state = guessed_state(problem, columns, names)
    if support:
        # A network takes atoms of the support for columns, too.
        state = identities.in_largest_grain(state)
    if optics is None:
        vector = search_lenses(problem, middle, state, guess, Cs)
    else:
        vector = known_lenses(problem, optics)
    state, vector = in_first_image(middle, state, vector)
    state = continued(state, identities, problem.series, problem.reach)
    scales = find_scales(middle, state, vector)
    fitted = search(
        middle, state, vector, scales, iterations=_LENSES, hold_columns=True
    )
    if support:
        supported = with_support(problem, middle, fitted)
        if supported is None:
            warnings.warn(_NO_SUPPORT, stacklevel=2)
        else:
            problem, state = supported
            middle = problem.fit_of(middle.residuals)
            identities = Identities(*problem.layers)
            fitted = replace(fitted, state=state)
    fine = problem.fit(HIGHEST)
    fitted, sites = _explained(middle, fine, identities, fitted)
    chi2 = 2 * fitted.value / fine.residuals.series.freedom
    on_sites = identities.sites(fitted.state)
    errors = errors_of_fit(fine, fitted.state, fitted.vector, on_sites, max(chi2, 1.0))
    return results(problem, fine, fitted, sites, errors)


def _explained(
    middle: SheetFit, fine: SheetFit, identities: Identities, fitted: Fitted
) -> tuple[Fitted, list[Site]]:
    """Return columns and lenses that explain the images best, and all sites."""
    # Light atoms below a sheet are kept in order by each other only.
    below = bool(fitted.state.below.any())
    scales = find_scales(middle, fitted.state, fitted.vector)
    fitted = search(
        middle,
        fitted.state,
        fitted.vector,
        scales,
        iterations=_FIRST,
        sites=identities.sites(fitted.state) if below else None,
    )
    around: NDArray[np.float64] | None = None
    for sweep in range(_SWEEPS):
        chi2 = 2 * fitted.value / middle.residuals.series.freedom
        sites = identities.examine(middle, fitted.state, fitted.vector, chi2, around)
        state, changes = changed(fitted.state, sites, identities)
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
