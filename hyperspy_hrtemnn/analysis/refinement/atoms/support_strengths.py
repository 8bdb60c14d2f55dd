# SPDX-License-Identifier: GPL-3.0-or-later
"""Support strengths: which atoms of a support are there, by how strong each one is.

A site is asked with all other atoms held. Below a sheet the others make up for much of
what a light atom changes, so that an atom that is not there is costly to take away, and
is said to be there. Its strength, fitted together with all others', knows that.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from .explanation import examined
from .honeycomb import bond_length
from .identities import BESIDE
from .search import settle

if TYPE_CHECKING:
    from .identities import Identities, Site
    from .information import Errors
    from .problem import SheetProblem
    from .search import Fitted
    from .sheet_fit import SheetFit
    from .sheet_state import SheetState

_STEPS = 40  # of the fit without atoms that are not there


def by_strength(
    problem: SheetProblem, state: SheetState, sites: list[Site], errors: Errors
) -> list[Site]:
    """Return sites with the costs of the support's atoms by their strengths.

    Parameters
    ----------
    problem
        The sheets.
    state
        The columns.
    sites
        Sites, with what may stand there.
    errors
        Strengths of all columns, and their errors.
    """
    if problem.support is None:
        return sites
    own = np.flatnonzero(state.below)
    places = state.sites[own]
    near = cKDTree(places).query_ball_point(places, 1.3 * bond_length(places))
    bonds = {int(n): len(each) - 1 for n, each in zip(own, near, strict=True)}
    missing = problem.support.occupants[-1].share
    return [
        site
        if site.column not in bonds or site.sublattice < 0
        else _restated(
            site,
            int(state.kinds[site.column]),
            float(errors.occupancies[site.column]),
            float(errors.occupancy_errors[site.column]),
            BESIDE if bonds[site.column] < 2 else missing,
        )
        for site in sites
    ]


def _restated(
    site: Site, kind: int, strength: float, error: float, empty: float
) -> Site:
    """Return a site of a column, at whose place nothing has the strength 0."""
    costs = []
    for each in site.hypotheses:
        there = each.kind == kind
        off = (strength - there) / error
        cost = off**2 / 2 - math.log(1 - empty if there else empty)
        # The error of the strength is that with all positions free already.
        costs.append(cost - 0.5 * math.log(np.linalg.det(each.curvature)))
    return replace(site, costs=np.array(costs))


def without_doubtful(
    middle: SheetFit,
    fine: SheetFit,
    identities: Identities,
    fitted: Fitted,
    sites: list[Site],
) -> tuple[Fitted, list[Site]]:
    """Return what fits without the atoms that are probably not there, and all sites.

    Parameters
    ----------
    middle, fine, identities, fitted
        As of `explained`.
    sites
        Sites, from `by_strength`.
    """
    gone = [
        site.column
        for site in sites
        if site.column is not None
        and fitted.state.below[site.column]
        and site.best.kind == identities.empty
    ]
    if not gone:
        return fitted, sites
    state = fitted.state
    state = state.with_columns(
        np.delete(state.positions, gone, 0), np.delete(state.kinds, gone)
    )
    on_sites = identities.sites(state)
    fitted = settle(fine, state, fitted.vector, on_sites, iterations=_STEPS)
    return fitted, examined(middle, identities, fitted)
