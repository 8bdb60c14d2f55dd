# SPDX-License-Identifier: GPL-3.0-or-later
"""Identities: what stands on each site, by how well it explains the images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from .honeycomb import find_sites
from .local_change import Hypothesis, LocalChange
from .sheet_fit import ELASTIC

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .honeycomb import Sites
    from .occupants import Sheet
    from .sheet_fit import SheetFit
    from .sheet_state import SheetState

# A hypothesis is tried at other positions unless it is worse than the present one by
# this where it is tried first, of which a move may mend three fifths.
_HOPELESS, _MENDED = 12.0, 0.6

# Standard deviation of a column that is on no site from where it is [Å].
_ANYWHERE = 0.3

# Share of the sites beside a flake, bonded to one column only, that are empty.
_BESIDE = 0.9

# Sites nearer than this to one that changes wait for the next sweep [bonds].
_NEIGHBORS = 1.5


@dataclass(frozen=True)
class Site:
    """A site, and what may stand there.

    Parameters
    ----------
    column
        Number of its column in the state, None for an empty site.
    sublattice
        Number of its sublattice, -1 for a column that is on no site.
    hypotheses
        All that may stand there, the empty site among them.
    costs
        Value of each, with that of its share: half of what is added to chi².
    """

    column: int | None
    sublattice: int
    hypotheses: tuple[Hypothesis, ...]
    costs: NDArray[np.float64]

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Probability of each hypothesis, the positions integrated over."""
        log = -self.costs + self.costs.min()
        log -= [0.5 * math.log(np.linalg.det(h.curvature)) for h in self.hypotheses]
        weights = np.exp(log - log.max())
        return np.asarray(weights / weights.sum())

    @property
    def best(self) -> Hypothesis:
        """The most probable hypothesis."""
        return self.hypotheses[int(self.probabilities.argmax())]


class Identities:
    """What may stand on the sites of a sheet.

    Parameters
    ----------
    sheet
        Occupants of its sublattices; kinds of a state are numbers in its `occupants`.
    """

    def __init__(self, sheet: Sheet) -> None:
        self.occupants = sheet.occupants
        self.empty = len(self.occupants) - 1
        number = {each.name: n for n, each in enumerate(self.occupants)}
        self._allowed = [
            [(number[each.name], each.share) for each in sublattice]
            for sublattice in sheet.sublattices
            if sublattice
        ]
        usual = [max(each, key=lambda pair: pair[1])[0] for each in self._allowed]
        self._usual = np.array(usual)
        self._alike = sheet.alike

    def usual(self, sublattice: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the numbers of the occupants that sublattices usually have."""
        return np.asarray(self._usual[sublattice])

    def sites(self, state: SheetState) -> Sites:
        """Return the sites of a state's columns."""
        expected = None if self._alike else self._expected(state.kinds)
        return find_sites(state.sites, expected)

    def examine(
        self, fit: SheetFit, state: SheetState, vector: NDArray[np.float64], chi2: float
    ) -> list[Site]:
        """Return all sites, with what may stand there.

        Parameters
        ----------
        fit, state, vector
            Images, columns and lenses.
        chi2
            Chi² a degree of freedom, by which differences are divided: what no model
            explains is taken for noise.
        """
        change = LocalChange(fit, state, vector)
        sites = self.sites(state)
        predicted = state.sites - sites.away(state.sites)
        scale, spread = max(chi2, 1.0), ELASTIC
        found = [
            self._of_column(change, column, sites, predicted[column], spread, scale)
            for column in range(len(state))
        ]
        bonds = _bonds(sites.free, state.sites)
        for place, sublattice, bonded in zip(
            sites.free, sites.free_sublattice, bonds, strict=True
        ):
            if fit.model.has_room(place):
                found.append(
                    self._of_free(change, place, int(sublattice), bonded, spread, scale)
                )
        return found

    def _of_column(
        self,
        change: LocalChange,
        column: int,
        sites: Sites,
        predicted: NDArray[np.float64],
        spread: float,
        scale: float,
    ) -> Site:
        state = change.state
        kind, sublattice = int(state.kinds[column]), int(sites.sublattice[column])
        if sublattice < 0:
            # It may be anything else than a column, such as an atom on the sheet.
            allowed, spread = [(kind, 0.5), (self.empty, 0.5)], _ANYWHERE
        else:
            allowed = self._allowed[sublattice]
            if kind not in [each for each, _ in allowed]:
                allowed = [*allowed, (kind, 1e-4)]
        present = change.present(column, predicted, spread)
        return self._site(
            change, column, sublattice, allowed, present, predicted, spread, scale
        )

    def _of_free(
        self,
        change: LocalChange,
        place: NDArray[np.float64],
        sublattice: int,
        bonded: int,
        spread: float,
        scale: float,
    ) -> Site:
        allowed = self._allowed[sublattice]
        if bonded < 2:
            others = sum(share for kind, share in allowed if kind != self.empty)
            allowed = [
                (kind, _BESIDE if kind == self.empty else share * (1 - _BESIDE) / others)
                for kind, share in allowed
            ]
        present = Hypothesis(self.empty, place, 0.0, np.eye(2) / spread**2)
        return self._site(
            change, None, sublattice, allowed, present, place, spread, scale
        )

    def _site(
        self,
        change: LocalChange,
        column: int | None,
        sublattice: int,
        allowed: list[tuple[int, float]],
        present: Hypothesis,
        predicted: NDArray[np.float64],
        spread: float,
        scale: float,
    ) -> Site:
        shares = dict(allowed)
        kinds = [kind for kind, _ in allowed if kind != present.kind]
        starts = np.array(
            [self._start(change.state, column, kind, predicted) for kind in kinds]
        ).reshape(-1, 2)
        quick = change.values(column, kinds, starts) if kinds else np.zeros(0)
        hypotheses, costs = [present], [_cost(present.value, shares[present.kind], scale)]
        for kind, start, value in zip(kinds, starts, quick, strict=True):
            off = start - predicted
            at_start = float(value + off @ off / (2 * spread**2))
            each = Hypothesis(kind, start, at_start, present.curvature)
            if kind == self.empty:
                each = Hypothesis(kind, predicted, float(value), np.eye(2) / spread**2)
            elif at_start * (1 - _MENDED) / scale < present.value / scale + _HOPELESS:
                each = change.best(column, kind, start, predicted, spread)
            hypotheses.append(each)
            costs.append(_cost(each.value, shares[kind], scale))
        return Site(column, sublattice, tuple(hypotheses), np.array(costs))

    def _start(
        self,
        state: SheetState,
        column: int | None,
        kind: int,
        predicted: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return where a site is if its atoms are where they are now."""
        if column is None:
            return predicted
        return np.asarray(
            state.positions[column] - state.centers[kind] * state.normal
        )

    def _expected(self, kinds: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the sublattice on which each kind is usual, -1 for none."""
        shares = np.zeros((len(self._allowed), len(self.occupants)))
        for sublattice, allowed in enumerate(self._allowed):
            for kind, share in allowed:
                shares[sublattice, kind] = share
        first, second = shares[0], shares[1]
        of_kind = np.where(first > second, 0, np.where(second > first, 1, -1))
        return np.asarray(of_kind[kinds])


def changed(state: SheetState, sites: list[Site], empty: int) -> tuple[SheetState, int]:
    """Return a state with the better hypotheses, and their number.

    Of neighbors only the one that gains most changes, for the others' gains may be its.

    Parameters
    ----------
    state
        The columns.
    sites
        Their sites, and free ones.
    empty
        Number of the empty site among the occupants.
    """
    gains = []
    for site in sites:
        best, gain = site.best, float(site.costs[0] - site.costs.min())
        if best is not site.hypotheses[0] and gain > 0:
            gains.append((gain, site, best))
    gains.sort(key=lambda each: -each[0])
    positions, kinds = state.positions.copy(), state.kinds.copy()
    removed, added, places = [], [], np.zeros((0, 2))
    reach = _NEIGHBORS * _bond(state.sites)
    for _, site, best in gains:
        if np.any(np.hypot(*(places - best.site).T) < reach):
            continue
        places = np.vstack([places, best.site])
        position = best.site + state.centers[best.kind] * state.normal
        if site.column is None:
            added.append((position, best.kind))
        elif best.kind == empty:
            removed.append(site.column)
        else:
            positions[site.column], kinds[site.column] = position, best.kind
    positions, kinds = np.delete(positions, removed, 0), np.delete(kinds, removed)
    for position, kind in added:
        positions, kinds = np.vstack([positions, position]), np.append(kinds, kind)
    return state.with_columns(positions, kinds), len(places)


def _cost(value: float, share: float, scale: float) -> float:
    return value / scale - math.log(share)


def _bond(sites: NDArray[np.float64]) -> float:
    if len(sites) < 2:
        return 0.0
    return float(np.median(cKDTree(sites).query(sites, k=2)[0][:, 1]))


def _bonds(free: NDArray[np.float64], sites: NDArray[np.float64]) -> list[int]:
    """Return the number of columns that are bonded to each free site."""
    if not len(free):
        return []
    near = cKDTree(sites).query_ball_point(free, 1.3 * _bond(sites))
    return [len(each) for each in near]
