# SPDX-License-Identifier: GPL-3.0-or-later
"""First lenses: those that make the images of guessed columns, more or less."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.analysis.refinement.optics_of_vector import vector_of_optics
from hyperspy_hrtemnn.analysis.refinement.series_problem import contrast
from hyperspy_hrtemnn.analysis.refinement.starts import best_start

from .problem import SMOOTHING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis.refinement.fitted_optics import FittedOptics

    from .problem import SheetProblem
    from .sheet_fit import SheetFit
    from .sheet_state import SheetState

# Highest frequency of the search for the right lenses [1/Å].
_COARSE = 1.0


def search_lenses(
    problem: SheetProblem,
    fit: SheetFit,
    state: SheetState,
    guess: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the lenses that explain the images of guessed columns best.

    Parameters
    ----------
    problem, fit
        The images.
    state
        The columns.
    guess
        Parameters of the lenses that are expected.
    """
    lenses, guess = problem.lenses(), guess.copy()
    wave = fit.model.wave(fit.model.stamps(state))
    places = fit.residuals.model.parameters.places("log_electrons")
    guess[places] -= math.log(float(np.mean(np.abs(wave) ** 2)))
    coarse = lenses.residuals(_COARSE)
    coarse = coarse.of_wave(coarse.series.grid.spectrum(wave))
    return best_start(coarse, guess, contrast(coarse, guess))


def known_lenses(problem: SheetProblem, optics: FittedOptics) -> NDArray[np.float64]:
    """Return known lenses as parameters."""
    return vector_of_optics(optics, SMOOTHING, problem.detector.sampling)


def shift_of_first(fit: SheetFit, vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by how much (y, x) the first image is shifted [Å]; as `in_first_image`."""
    parameters = fit.residuals.model.parameters
    places = [parameters.place(name, 0) for name in ("shift_y", "shift_x")]
    return np.asarray(vector[places])


def in_first_image(
    fit: SheetFit, state: SheetState, vector: NDArray[np.float64]
) -> tuple[SheetState, NDArray[np.float64]]:
    """Return columns where the first image has them, and shifts relative to it.

    Parameters
    ----------
    fit, state, vector
        Images, columns and lenses.
    """
    parameters = fit.residuals.model.parameters
    vector, moved = vector.copy(), state.positions.copy()
    for axis, name in enumerate(("shift_y", "shift_x")):
        places = parameters.places(name)
        moved[:, axis] += vector[places[0]]
        vector[places] -= vector[places[0]]
    # On a crystal the first image may fit best some lattice vectors off, where columns
    # at the edge leave the grid; the sheet is continued on the other side.
    room = np.array([fit.model.has_room(each) for each in moved], bool)
    return state.with_columns(moved[room], state.kinds[room]), vector
