# SPDX-License-Identifier: GPL-3.0-or-later
"""Least squares by the method of Levenberg and Marquardt, on normal equations.

The residuals of a focal series are a million numbers, of which nobody needs the whole
Jacobian at once, as `scipy.optimize.least_squares` does; twenty parameters have a small
normal matrix, and its inverse is their covariance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Damping at the beginning, its factors after a good and a bad step, and the one at
# which no step is small enough.
_DAMPING, _LESS, _MORE, _MOST = 1e-3, 0.2, 8.0, 1e5

# Share of the trace that each direction has at least, for those that nothing tells of.
_LEAST = 1e-10


@dataclass(frozen=True)
class NormalEquations:
    """Sum of squares at a place, its half gradient, and the normal matrix.

    Parameters
    ----------
    chi2
        Sum of the squared residuals.
    gradient
        Jacobian, transposed, times residuals, shape (parameter,).
    matrix
        Jacobian, transposed, times Jacobian, shape (parameter, parameter).
    """

    chi2: float
    gradient: NDArray[np.float64]
    matrix: NDArray[np.float64]

    def covariance(self, steps: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the inverse of the matrix; `steps` make the parameters comparable."""
        scaled = self.matrix * np.outer(steps, steps)
        scaled += _LEAST * np.trace(scaled) * np.eye(len(scaled))
        return np.asarray(np.linalg.inv(scaled) * np.outer(steps, steps))


class Problem(Protocol):
    """Residuals whose squares are to be small."""

    def chi2(self, vector: NDArray[np.float64]) -> float:
        """Return the sum of the squared residuals."""

    def normal_equations(self, vector: NDArray[np.float64]) -> NormalEquations:
        """Return the normal equations."""


def minimize(
    problem: Problem,
    start: NDArray[np.float64],
    steps: NDArray[np.float64],
    *,
    iterations: int,
    tolerance: float,
) -> tuple[NDArray[np.float64], NormalEquations]:
    """Find the parameters with the smallest sum of squares near a start.

    Parameters
    ----------
    problem
        Residuals.
    start
        Parameters to start from, shape (parameter,).
    steps
        Typical change of each.
    iterations
        Largest number of trials.
    tolerance
        Fall of the sum of squares below which the search ends.

    Returns
    -------
    The parameters and the normal equations there.
    """
    here, equations, damping = start, problem.normal_equations(start), _DAMPING
    for _ in range(iterations):
        scaled = equations.matrix * np.outer(steps, steps)
        damped = scaled + np.diag(damping * np.diag(scaled))
        damped += _LEAST * np.trace(scaled) * np.eye(len(scaled))
        step = -steps * np.linalg.solve(damped, steps * equations.gradient)
        fall = equations.chi2 - problem.chi2(here + step)
        if not fall > 0:
            damping *= _MORE
            if damping > _MOST:
                break
            continue
        here, damping = here + step, damping * _LESS
        equations = problem.normal_equations(here)
        if fall < tolerance:
            break
    return here, equations
