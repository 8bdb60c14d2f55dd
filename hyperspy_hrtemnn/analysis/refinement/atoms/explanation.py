# SPDX-License-Identifier: GPL-3.0-or-later
"""Explanation: columns and lenses that explain the images best, whatever they are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.analysis.refinement.starts import aligned

from .first_lenses import in_first_image, shift_of_first
from .identities import changed
from .search import search, settle
from .unknowns import find_scales

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .identities import Identities, Site
    from .search import Fitted
    from .sheet_fit import SheetFit
    from .sheet_state import SheetState
    from .unknowns import Scales

# Steps of the fits: at first, after each sweep over the sites, and at the end.
_FIRST, _BETWEEN, _LAST = 25, 20, 80

_SWEEPS = 12

# Times that all is fitted up to the highest frequencies, at most: once more if the
# sites say then that something else stands there.
_ROUNDS = 3

FEWEST = 6
"""Columns in the smallest sheet."""


def explained(
    middle: SheetFit,
    fine: SheetFit,
    identities: Identities,
    fitted: Fitted,
    *,
    align: bool = True,
) -> tuple[Fitted, list[Site], NDArray[np.float64]]:
    """Return columns and lenses that explain the images best.

    Parameters
    ----------
    middle, fine
        The images up to the frequencies that tell elements, and up to all.
    identities
        What may stand on the sites.
    fitted
        Columns and lenses to begin with.
    align
        Whether the drift may be another one, by a vector of the lattice.

    Returns
    -------
    What fits, all sites, and by how much (y, x) all columns were moved to where the
    first image has them [Å], shape (2,).
    """
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
        fitted, _ = _improved(middle, identities, fitted, scales, first=2)
    all_moved, around = np.zeros(2), None
    for _ in range(_ROUNDS):
        fitted, moved = _improved(
            middle, identities, fitted, scales, around, align=align
        )
        all_moved += moved
        on_sites = identities.sites(fitted.state)
        fitted = settle(fine, fitted.state, fitted.vector, on_sites, iterations=_LAST)
        sites = examined(middle, identities, fitted)
        around = changed(fitted.state, sites, identities)[1]
        if not len(around):
            break
    return fitted, sites, all_moved


class NotSeenError(ValueError):
    """Columns that the images do not show."""


def check_seen(state: SheetState) -> None:
    """Raise a `NotSeenError` if hardly a column is left that the images show."""
    if np.count_nonzero(~state.below) < FEWEST:
        raise NotSeenError(
            "The images do not show these columns. Are they those of these images, in "
            "the right unit, and are energy, pixel size and detector right?"
        )


def _improved(
    fit: SheetFit,
    identities: Identities,
    fitted: Fitted,
    scales: Scales,
    around: NDArray[np.float64] | None = None,
    *,
    first: int = 0,
    align: bool = False,
) -> tuple[Fitted, NDArray[np.float64]]:
    """Return what fits once no other atoms on sites from a sublattice on fit better.

    And by how much (y, x) all columns were moved, because the first image was. All
    sites are asked, or those near places `around`, and then those near what changed.
    """
    moved, realigned = np.zeros(2), not align or around is not None
    for _ in range(_SWEEPS):
        single = replace(fitted, state=identities.without_doubles(fitted.state))
        sites = examined(fit, identities, single, around, first=first)
        state, changes = changed(single.state, sites, identities)
        check_seen(state)
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
        else:
            # In a crystal without an edge only vacancies tell which of the drifts that
            # are a lattice vector apart is right, and only once they are found. One
            # without vacancies would be moved again and again.
            vector = aligned(fit.with_wave(fitted.state), fitted.vector)
            if vector is fitted.vector or realigned:
                break
            realigned = True
            moved += shift_of_first(fit, vector)
            state, vector = in_first_image(fit, fitted.state, vector)
            fitted = replace(fitted, state=state, vector=vector)
        # After a move all sites are asked again.
        around = changes if len(changes) else None
    return fitted, moved


def examined(
    fit: SheetFit,
    identities: Identities,
    fitted: Fitted,
    around: NDArray[np.float64] | None = None,
    *,
    first: int = 0,
) -> list[Site]:
    """Return what may stand on the sites near some places, or on all.

    Parameters
    ----------
    fit, identities
        The images, and what may stand on sites.
    fitted
        Columns and lenses that fit.
    around, first
        As of `Identities.examine`.
    """
    state, vector = fitted.state, fitted.vector
    chi2 = fit.with_wave(state).chi2(vector) / fit.residuals.series.freedom
    return identities.examine(fit, state, vector, chi2, around, first=first)
