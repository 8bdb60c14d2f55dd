# SPDX-License-Identifier: GPL-3.0-or-later
"""Refinement of the atoms of a sheet, from guessed columns to what images tell."""

from __future__ import annotations

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
from .verdict import check_sites, judge, judge_lattice

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
    from .unknowns import Scales

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
        If shapes do not fit, the classes are not of a known sheet, the columns are not
        on its sites, the images show nothing above their noise, or the atoms explain
        less than half of their contrast.

    Warns
    -----
    UserWarning
        If more than 1 % of the contrast is unexplained, the noise is not that of the
        detector, the lattice constant is not that of the sheet, or no support is found.
    """
    guess = np.asarray(defocus if optics is None else optics.defocus.value, float)
    if valid is None:
        valid = np.ones(images.shape[1:], bool)
    if support not in (None, "graphene"):
        raise ValueError(f"support can be 'graphene' or None, not {support!r}.")
    _check(images, guess, columns, valid)
    sheet, names = sheet_of_classes(columns["class"], dopants)
    if support == sheet.name:
        raise ValueError(f"{support} on {support} is not known; leave support=None.")
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
    if optics is None:
        lenses = problem.lenses().guess(guess, Cs, smoothing)
    else:
        lenses = known_lenses(problem, optics)
    middle, fine = (
        problem.fit(highest, lenses, known=optics is not None)
        for highest in (_MIDDLE, HIGHEST)
    )
    state = guessed_state(problem, columns, names)
    if support:
        # A network takes atoms of the support for columns, too.
        state = identities.in_largest_grain(state)
    check_sites(identities.sites(state))
    vector = lenses
    if optics is None:
        vector = search_lenses(problem, middle, state, lenses)
    state, vector = in_first_image(middle, state, vector)
    state = continued(state, identities, problem.series, problem.reach)
    scales = find_scales(middle, state, vector)
    fitted = search(
        middle, state, vector, scales, iterations=_LENSES, hold_columns=True
    )
    if support:
        problem, fitted = with_support(problem, middle, fitted)
        middle, fine = problem.again(middle), problem.again(fine)
        identities = Identities(*problem.layers)
    fitted, sites = _explained(middle, fine, identities, fitted)
    chi2 = 2 * fitted.value / fine.residuals.series.freedom
    on_sites = identities.sites(fitted.state)
    judge_lattice(on_sites, fitted.state.along, sheet)
    errors = errors_of_fit(fine, fitted.state, fitted.vector, on_sites, max(chi2, 1.0))
    found = results(problem, fine, fitted, sites, errors)
    judge(found.optics)
    return found


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
    if below:
        # To begin with only its lattice is known, and of a sheet nearly all: where an
        # atom of C is wrong, the sheet would make up for it.
        fitted = _improved(middle, identities, fitted, scales, first=2)
    fitted = _improved(middle, identities, fitted, scales)
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
    return fitted, _examined(middle, identities, fitted)


def _improved(
    fit: SheetFit,
    identities: Identities,
    fitted: Fitted,
    scales: Scales,
    *,
    first: int = 0,
) -> Fitted:
    """Return what fits once no other atoms on sites from a sublattice on fit better."""
    around: NDArray[np.float64] | None = None
    for _ in range(_SWEEPS):
        single = replace(fitted, state=identities.without_doubles(fitted.state))
        sites = _examined(fit, identities, single, around, first=first)
        state, changes = changed(single.state, sites, identities)
        if np.count_nonzero(~state.below) < _FEWEST:
            raise ValueError(
                "The images do not show these columns. Are they those of these images, "
                "in the right unit, and are energy, pixel size and detector right?"
            )
        if len(changes) or len(single.state) < len(fitted.state):
            fitted = search(
                fit,
                state,
                fitted.vector,
                scales,
                iterations=_BETWEEN,
                sites=identities.sites(state),
                tolerance=0.1,
            )
        elif around is None:
            break
        # Once nothing changes near the last changes, all sites are asked again.
        around = changes if len(changes) else None
    return fitted


def _examined(
    fit: SheetFit,
    identities: Identities,
    fitted: Fitted,
    around: NDArray[np.float64] | None = None,
    *,
    first: int = 0,
) -> list[Site]:
    """Return what may stand on the sites near some places, or on all."""
    state, vector = fitted.state, fitted.vector
    chi2 = fit.with_wave(state).chi2(vector) / fit.residuals.series.freedom
    return identities.examine(fit, state, vector, chi2, around, first=first)
