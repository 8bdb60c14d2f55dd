# SPDX-License-Identifier: GPL-3.0-or-later
"""Fitted field: columns and lenses of one field of view, before they become tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .identities import Site
    from .information import Errors
    from .problem import SheetProblem
    from .search import Fitted


@dataclass(frozen=True)
class FittedField:
    """What was found in one field of view.

    Parameters
    ----------
    problem
        Images and sheet.
    fitted
        Columns and lenses that fit.
    sites
        All sites, with what may stand there.
    errors
        Errors of the fit.
    free
        Whether a parameter of the lenses is free, shape (parameter,).
    highest
        Highest frequency that was looked at [1/Å].
    moved
        By how much (y, x) the guessed columns were moved to where the first image has
        them [Å], shape (2,).
    """

    problem: SheetProblem
    fitted: Fitted
    sites: list[Site]
    errors: Errors
    free: NDArray[np.bool_]
    highest: float
    moved: NDArray[np.float64]
