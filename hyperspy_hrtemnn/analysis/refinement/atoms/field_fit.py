# SPDX-License-Identifier: GPL-3.0-or-later
"""Field fit: one field of view, from guessed columns to what its images tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hyperspy_hrtemnn.analysis.refinement.working_grid import HIGHEST

from .continuation import continued
from .explanation import check_seen, explained
from .first_lenses import in_first_image, known_lenses, search_lenses, shift_of_first
from .fitted_field import FittedField
from .identities import Identities
from .information import errors_of_fit
from .problem import SMOOTHING, WaveOptions, guessed_state, sheet_problem
from .search import search
from .support import DEEPEST, with_support
from .support_strengths import by_strength, without_doubtful
from .unknowns import find_scales
from .verdict import check_sites, judge_lattice

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis.microscope.detector import Detector
    from hyperspy_hrtemnn.analysis.refinement.fitted_optics import FittedOptics

    from .information import Errors
    from .occupants import Sheet
    from .problem import SheetProblem
    from .search import Fitted
    from .sheet_fit import SheetFit
    from .sheet_state import SheetState

# Highest frequency of the search for the right atoms [1/Å]: beyond, there is little
# that tells one element from another.
_MIDDLE = 1.5

_STEPS = 20  # of the fit of tilt and lenses alone


@dataclass(frozen=True)
class FieldFit:
    """What is known of all fields of view of a series.

    Parameters
    ----------
    detector, energy, defocus, Cs, optics
        As of `refine_atoms`.
    sheet
        The sheet.
    names
        Name of the occupant of each class of columns.
    options
        How waves are computed and compared.
    supported
        Whether graphene is below the sheet.
    """

    detector: Detector
    energy: float
    defocus: NDArray[np.float64]
    Cs: float
    optics: FittedOptics | None
    sheet: Sheet
    names: dict[str, str]
    options: WaveOptions
    supported: bool

    def __call__(
        self,
        images: NDArray[np.floating],
        valid: NDArray[np.bool_],
        columns: pd.DataFrame,
        lenses: NDArray[np.float64] | None = None,
    ) -> FittedField:
        """Return columns and lenses of a field of view.

        Parameters
        ----------
        images, valid, columns
            As of `refine_atoms`.
        lenses
            Lenses to start from, if they are known better than the user's guess.
        """
        problem = sheet_problem(
            images,
            valid,
            self.detector,
            self.energy,
            defocus=self.defocus,
            positions=columns[["y", "x"]].to_numpy(float),
            sheet=self.sheet,
            options=self.options,
            deepest=DEEPEST if self.supported else 0.0,
        )
        identities = Identities(self.sheet)
        state = guessed_state(problem, columns, self.names)
        if lenses is not None:
            fits = [problem.fit(highest, lenses) for highest in (_MIDDLE, HIGHEST)]
            # The drift is known with them: a block alone may take a vector of the
            # lattice for it.
            return self._fitted(problem, fits, state, lenses, align=False)
        if self.supported:
            # A network takes atoms of the support for columns, too.
            state = identities.in_largest_grain(state)
        check_sites(identities.sites(state))
        vector = self._expected(problem)
        known = self.optics is not None
        fits = [
            problem.fit(highest, vector, known=known) for highest in (_MIDDLE, HIGHEST)
        ]
        if not known:
            vector = search_lenses(problem, fits[0], state, vector)
        field = self._fitted(problem, fits, state, vector)
        state = field.fitted.state
        sites = Identities(*field.problem.layers).sites(state)
        judge_lattice(sites, state.along, self.sheet)
        return field

    def _expected(self, problem: SheetProblem) -> NDArray[np.float64]:
        """Return the lenses that the user expects."""
        if self.optics is not None:
            return known_lenses(problem, self.optics)
        return problem.lenses().guess(self.defocus, self.Cs, SMOOTHING)

    def _fitted(
        self,
        problem: SheetProblem,
        fits: list[SheetFit],
        state: SheetState,
        vector: NDArray[np.float64],
        *,
        align: bool = True,
    ) -> FittedField:
        """Return columns and lenses that fit, from guesses of both."""
        middle, fine = fits
        first = shift_of_first(middle, vector)
        state, vector = in_first_image(middle, state, vector)
        check_seen(state)
        identities = Identities(self.sheet)
        state = continued(state, identities, problem.series, problem.reach)
        scales = find_scales(middle, state, vector)
        fitted = search(
            middle, state, vector, scales, iterations=_STEPS, hold_columns=True
        )
        if self.supported:
            problem, fitted = with_support(problem, middle, fitted)
            middle, fine = problem.again(middle), problem.again(fine)
            identities = Identities(*problem.layers)
        if fine.is_faint(fitted.state, fitted.vector, _MIDDLE):
            fine = middle
        fitted, sites, moved = explained(middle, fine, identities, fitted, align=align)
        errors = _errors(fine, identities, fitted)
        sites = by_strength(problem, fitted.state, sites, errors)
        before = len(fitted.state)
        fitted, sites = without_doubtful(middle, fine, identities, fitted, sites)
        if len(fitted.state) < before:
            errors = _errors(fine, identities, fitted)
            sites = by_strength(problem, fitted.state, sites, errors)
        highest = fine.model.grid.highest
        return FittedField(
            problem, fitted, sites, errors, fine.free, highest, first + moved
        )


def _errors(fine: SheetFit, identities: Identities, fitted: Fitted) -> Errors:
    """Return the errors of columns and lenses that fit."""
    chi2 = 2 * fitted.value / fine.residuals.series.freedom
    sites = identities.sites(fitted.state)
    return errors_of_fit(fine, fitted.state, fitted.vector, sites, max(chi2, 1.0))
