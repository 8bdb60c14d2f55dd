# SPDX-License-Identifier: GPL-3.0-or-later
"""Identities: what stands on each site, by how well it explains the images."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from hyperspy_hrtemnn.cores import usable_cores

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

# Distance of two columns below which they are one [bonds].
_DOUBLE = 0.5

# Distance from a change within which other sites may have changed, too [Å].
_AFFECTED = 6.0

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


@dataclass(frozen=True)
class _Question:
    """What may stand on a site: numbers and shares, what does now, and where [Å]."""

    column: int | None
    sublattice: int
    allowed: list[tuple[int, float]]
    kind: int
    predicted: NDArray[np.float64]
    spread: float


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

    def without_doubles(self, state: SheetState) -> SheetState:
        """Return a state without columns where another one is.

        Two columns on one site explain the images together, and neither is right. The
        one that is on the site stays.
        """
        near = _DOUBLE * _bond(state.sites)
        pairs = cKDTree(state.sites).query_pairs(near, output_type="ndarray")
        if not len(pairs):
            return state
        on = self.sites(state).sublattice >= 0
        worse = np.where(on[pairs[:, 0]], pairs[:, 1], pairs[:, 0])
        kept = np.setdiff1d(np.arange(len(state)), worse)
        return state.with_columns(state.positions[kept], state.kinds[kept])

    def examine(
        self,
        fit: SheetFit,
        state: SheetState,
        vector: NDArray[np.float64],
        chi2: float,
        around: NDArray[np.float64] | None = None,
    ) -> list[Site]:
        """Return sites, with what may stand there.

        Parameters
        ----------
        fit, state, vector
            Images, columns and lenses.
        chi2
            Chi² a degree of freedom, by which differences are divided: what no model
            explains is taken for noise.
        around
            Positions (y, x) near which sites are examined [Å], shape (place, 2); by
            default all are.
        """
        change = LocalChange(fit, state, vector)
        sites = self.sites(state)
        scale = max(chi2, 1.0)
        expected = state.sites - sites.away(state.sites)
        columns = np.flatnonzero(_near(state.sites, around))
        free = np.flatnonzero(_near(sites.free, around))
        bonds = _bonds(sites.free, state.sites)

        def of_column(column: int) -> Site:
            sublattice = int(sites.sublattice[column])
            return self._of_column(change, column, sublattice, expected[column], scale)

        def of_free(number: int) -> Site:
            place, sublattice = sites.free[number], int(sites.free_sublattice[number])
            return self._of_free(change, place, sublattice, bonds[number], scale)

        roomy = [n for n in free.tolist() if fit.model.has_room(sites.free[n])]
        with ThreadPoolExecutor(usable_cores()) as pool:
            return [
                *pool.map(of_column, columns.tolist()),
                *pool.map(of_free, roomy),
            ]

    def _of_column(
        self,
        change: LocalChange,
        column: int,
        sublattice: int,
        predicted: NDArray[np.float64],
        scale: float,
    ) -> Site:
        kind, spread = int(change.state.kinds[column]), ELASTIC
        if sublattice < 0:
            # It may be anything else than a column, such as an atom on the sheet.
            allowed, spread = [(kind, 0.5), (self.empty, 0.5)], _ANYWHERE
        else:
            allowed = self._allowed[sublattice]
            if kind not in [each for each, _ in allowed]:
                allowed = [*allowed, (kind, 1e-4)]
        question = _Question(column, sublattice, allowed, kind, predicted, spread)
        return self._site(change, question, scale)

    def _of_free(
        self,
        change: LocalChange,
        place: NDArray[np.float64],
        sublattice: int,
        bonded: int,
        scale: float,
    ) -> Site:
        allowed = self._allowed[sublattice]
        if bonded < 2:
            others = sum(share for kind, share in allowed if kind != self.empty)
            allowed = [
                (
                    kind,
                    _BESIDE if kind == self.empty else share * (1 - _BESIDE) / others,
                )
                for kind, share in allowed
            ]
        question = _Question(None, sublattice, allowed, self.empty, place, ELASTIC)
        return self._site(change, question, scale)

    def _site(self, change: LocalChange, question: _Question, scale: float) -> Site:
        column, predicted, spread = question.column, question.predicted, question.spread
        shares = dict(question.allowed)
        kinds = [question.kind, *(kind for kind in shares if kind != question.kind)]
        starts = np.array(
            [self._start(change.state, column, kind, predicted) for kind in kinds]
        )
        off = np.sum((starts - predicted) ** 2, axis=1) / (2 * spread**2)
        # Where nothing stands it is nowhere else.
        off[[kind == self.empty for kind in kinds]] = 0
        values = change.values(column, kinds, starts) + off
        known = np.eye(2) / spread**2
        found = {
            kind: Hypothesis(kind, start, float(value), known)
            for kind, start, value in zip(kinds, starts, values, strict=True)
        }
        limit = values[0] / scale + _HOPELESS
        hopeful = [
            n
            for n, (kind, value) in enumerate(zip(kinds, values, strict=True))
            if kind != self.empty and value * (1 - _MENDED) / scale < limit
        ]
        # What stands there now is at its best place already.
        if hopeful and not (column is not None and hopeful == [0]):
            chosen = [kinds[n] for n in hopeful]
            for each in change.best(column, chosen, starts[hopeful], predicted, spread):
                found[each.kind] = each
        hypotheses = tuple(found.values())
        costs = [_cost(each.value, shares[each.kind], scale) for each in hypotheses]
        return Site(column, question.sublattice, hypotheses, np.array(costs))

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
        return np.asarray(state.positions[column] - state.centers[kind] * state.normal)

    def _expected(self, kinds: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the sublattice on which each kind is usual, -1 for none."""
        shares = np.zeros((len(self._allowed), len(self.occupants)))
        for sublattice, allowed in enumerate(self._allowed):
            for kind, share in allowed:
                shares[sublattice, kind] = share
        first, second = shares[0], shares[1]
        of_kind = np.where(first > second, 0, np.where(second > first, 1, -1))
        return np.asarray(of_kind[kinds])


def changed(
    state: SheetState, sites: list[Site], empty: int
) -> tuple[SheetState, NDArray[np.float64]]:
    """Return a state with the better hypotheses, and where it changed, (place, 2).

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
    return state.with_columns(positions, kinds), places


def _near(
    places: NDArray[np.float64], around: NDArray[np.float64] | None
) -> NDArray[np.bool_]:
    if around is None or not len(places):
        return np.ones(len(places), bool)
    return np.asarray(cKDTree(around).query(places)[0] < _AFFECTED)


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
