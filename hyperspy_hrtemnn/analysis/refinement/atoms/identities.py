# SPDX-License-Identifier: GPL-3.0-or-later
"""Identities: what stands on each site, by how well it explains the images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from hyperspy_hrtemnn.cores import on_all_cores

from .honeycomb import bond_length, find_sites, join_sites, largest_grain
from .local_change import Hypothesis, LocalChange
from .occupants import occupants_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .honeycomb import Sites
    from .occupants import Sheet
    from .sheet_fit import SheetFit
    from .sheet_state import SheetState

# A hypothesis is tried at other positions unless it costs more than the present one by
# this where it is tried first, where a move may mend nine tenths of what it adds to
# chi²: what stands there wrongly has moved to where it fits best.
_HOPELESS, _MENDED = 12.0, 0.9

# Standard deviation of a column that is on no site from where it is [Å].
_ANYWHERE = 0.3

BESIDE = 0.9
"""Share of the sites beside a flake, bonded to one column only, that are empty."""

# Distance of two columns below which they are one [bonds].
_DOUBLE = 0.5

# Distance from a change within which other sites may have changed, too [Å].
_AFFECTED = 6.0

# Distances from the compared pixels beyond which the images hardly tell what stands on
# a site, so that the best positions are not worth the time, and not at all [Å].
_HARDLY, _UNSEEN = 3.0, 6.0

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
    """What may stand on a site: numbers and shares, what does now, and where [Å].

    `away` is its distance from the compared pixels [Å].
    """

    column: int | None
    sublattice: int
    allowed: list[tuple[int, float]]
    kind: int
    predicted: NDArray[np.float64]
    spread: float
    away: float

    @property
    def kinds(self) -> list[int]:
        """All that may stand there, what does now first."""
        return [self.kind, *(kind for kind, _ in self.allowed if kind != self.kind)]


class Identities:
    """What may stand on the sites of a sheet, and of others parallel to it.

    Parameters
    ----------
    layers
        The sheets, each with two sublattices of another set of occupants; kinds of a
        state are numbers in `occupants_of` them.
    """

    def __init__(self, *layers: Sheet) -> None:
        self.occupants = occupants_of(layers)
        self.empty = len(self.occupants) - 1
        number = {each.name: n for n, each in enumerate(self.occupants)}
        self._allowed = [
            [(number[each.name], each.share) for each in sublattice]
            for sheet in layers
            for sublattice in sheet.sublattices
            if sublattice
        ]
        usual = [max(each, key=lambda pair: pair[1])[0] for each in self._allowed]
        self._usual = np.array(usual)
        self._alike = [sheet.alike for sheet in layers]
        self._spreads = [sheet.spread for sheet in layers]

    def usual(self, sublattice: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the numbers of the occupants that sublattices usually have."""
        return np.asarray(self._usual[sublattice])

    def sites(self, state: SheetState) -> Sites:
        """Return the sites of a state's columns."""
        parts = []
        for layer, columns in enumerate(self._columns(state)):
            expected = self._expected(state.kinds[columns], layer)
            found = find_sites(state.sites[columns], expected, self._spreads[layer])
            parts.append((columns, found))
        return join_sites(parts) if len(parts) > 1 else parts[0][1]

    def in_largest_grain(self, state: SheetState) -> SheetState:
        """Return only those columns of a single sheet that are in its largest grain."""
        kept = largest_grain(state.sites, self._expected(state.kinds, 0))
        return state.with_columns(state.positions[kept], state.kinds[kept])

    def bond(self, state: SheetState) -> float:
        """Return the length of the longest usual bond in a sheet of a state [Å]."""
        return max(bond_length(state.sites[own]) for own in self._columns(state))

    def _columns(self, state: SheetState) -> list[NDArray[np.intp]]:
        """Return the numbers of the columns of each sheet."""
        if len(self._alike) == 1:
            return [np.arange(len(state))]
        kinds = [
            [
                kind
                for allowed in self._allowed[2 * n : 2 * n + 2]
                for kind, _ in allowed
            ]
            for n in range(len(self._alike))
        ]
        return [np.flatnonzero(np.isin(state.kinds, each)) for each in kinds]

    def without_doubles(self, state: SheetState) -> SheetState:
        """Return a state without columns where another one is.

        Two columns on one site explain the images together, and neither is right. The
        one that is on the site stays.
        """
        pairs = np.concatenate([_doubles(state, own) for own in self._columns(state)])
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
        *,
        first: int = 0,
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
        first
            First sublattice of which sites are examined, 2 for a support only.
        """
        change = LocalChange(fit, state, vector)
        sites = self.sites(state)
        scale = max(chi2, 1.0)
        expected = state.sites - sites.away(state.sites)
        asked = sites.sublattice >= (first or -1)
        columns = np.flatnonzero(asked & _near(state.sites, around))
        away = fit.residuals.series.away(state.sites)
        questions = [
            self._about_column(
                n, int(sites.sublattice[n]), int(state.kinds[n]), expected[n], away[n]
            )
            for n in columns.tolist()
        ]
        away = fit.residuals.series.away(sites.free)
        asked = (sites.free_sublattice >= first) & (away < _UNSEEN)
        questions += [
            self._about_free(sites, n, away[n])
            for n in np.flatnonzero(asked & _near(sites.free, around)).tolist()
            if fit.model.has_room(sites.free[n])
        ]
        return on_all_cores(lambda each: self._site(change, each, scale), questions)

    def _about_column(
        self,
        column: int,
        sublattice: int,
        kind: int,
        predicted: NDArray[np.float64],
        away: float,
    ) -> _Question:
        """Return the question about the site of a column."""
        if sublattice < 0:
            # It may be anything else than a column, such as an atom on the sheet.
            allowed, spread = [(kind, 0.5), (self.empty, 0.5)], _ANYWHERE
        else:
            allowed = self._allowed[sublattice]
            spread = self._spreads[sublattice // 2]
            if kind not in [each for each, _ in allowed]:
                allowed = [*allowed, (kind, 1e-4)]
        return _Question(column, sublattice, allowed, kind, predicted, spread, away)

    def _about_free(self, sites: Sites, number: int, away: float) -> _Question:
        """Return the question about a site without a column."""
        place, sublattice = sites.free[number], int(sites.free_sublattice[number])
        allowed, spread = self._allowed[sublattice], self._spreads[sublattice // 2]
        if sites.free_bonds[number] < 2:
            others = sum(share for kind, share in allowed if kind != self.empty)
            allowed = [
                (
                    kind,
                    BESIDE if kind == self.empty else share * (1 - BESIDE) / others,
                )
                for kind, share in allowed
            ]
        return _Question(None, sublattice, allowed, self.empty, place, spread, away)

    def _site(self, change: LocalChange, question: _Question, scale: float) -> Site:
        if question.away > _UNSEEN:
            return _unseen(question)
        column, predicted, spread = question.column, question.predicted, question.spread
        shares, kinds = dict(question.allowed), question.kinds
        starts = np.array(
            [self._start(change.state, column, kind, predicted) for kind in kinds]
        )
        off = np.sum((starts - predicted) ** 2, axis=1) / (2 * spread**2)
        # Where nothing stands it is nowhere else.
        off[[kind == self.empty for kind in kinds]] = 0
        # What stands there now changes nothing.
        values = off
        values[1:] += change.values(column, kinds[1:], starts[1:])
        known = np.eye(2) / spread**2
        found = {
            kind: Hypothesis(kind, start, float(value), known)
            for kind, start, value in zip(kinds, starts, values, strict=True)
        }
        limit = _cost(values[0], shares[kinds[0]], scale) + _HOPELESS
        hopeful = [
            n
            for n, (kind, value) in enumerate(zip(kinds, values, strict=True))
            if kind != self.empty
            and _cost(value * (1 - _MENDED), shares[kind], scale) < limit
        ]
        # What stands there now is at its best place already.
        settled = column is not None and hopeful == [0]
        if hopeful and not settled and question.away < _HARDLY:
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

    def _expected(self, kinds: NDArray[np.intp], layer: int) -> NDArray[np.intp] | None:
        """Return the sublattice of a sheet on which each kind is usual, -1 for none.

        None if both sublattices are alike, so that a kind tells nothing.
        """
        if self._alike[layer]:
            return None
        shares = np.zeros((2, len(self.occupants)))
        for sublattice, allowed in enumerate(self._allowed[2 * layer : 2 * layer + 2]):
            for kind, share in allowed:
                shares[sublattice, kind] = share
        first, second = shares[0], shares[1]
        of_kind = np.where(first > second, 0, np.where(second > first, 1, -1))
        return np.asarray(of_kind[kinds])


def _unseen(question: _Question) -> Site:
    """Return a site of which no image tells: what stands there is as good as any."""
    shares = dict(question.allowed)
    shares[question.kind] = max(shares.values())
    known = np.eye(2) / question.spread**2
    hypotheses = tuple(
        Hypothesis(n, question.predicted, 0.0, known) for n in question.kinds
    )
    costs = np.array([_cost(0.0, shares[n], 1.0) for n in question.kinds])
    return Site(question.column, question.sublattice, hypotheses, costs)


def changed(
    state: SheetState, sites: list[Site], identities: Identities
) -> tuple[SheetState, NDArray[np.float64]]:
    """Return a state with the better hypotheses, and where it changed, (place, 2).

    Of neighbors only the one that gains most changes, for the others' gains may be its.

    Parameters
    ----------
    state
        The columns.
    sites
        Their sites, and free ones.
    identities
        What may stand on sites.
    """
    gains = []
    for site in sites:
        best, gain = site.best, float(site.costs[0] - site.costs.min())
        if best is not site.hypotheses[0] and gain > 0:
            gains.append((gain, site, best))
    gains.sort(key=lambda each: -each[0])
    positions, kinds = state.positions.copy(), state.kinds.copy()
    removed, added, places = [], [], np.zeros((0, 2))
    reach = _NEIGHBORS * identities.bond(state)
    for _, site, best in gains:
        if np.any(np.hypot(*(places - best.site).T) < reach):
            continue
        places = np.vstack([places, best.site])
        position = best.site + state.centers[best.kind] * state.normal
        if site.column is None:
            added.append((position, best.kind))
        elif best.kind == identities.empty:
            removed.append(site.column)
        else:
            positions[site.column], kinds[site.column] = position, best.kind
    positions, kinds = np.delete(positions, removed, 0), np.delete(kinds, removed)
    for position, kind in added:
        positions, kinds = np.vstack([positions, position]), np.append(kinds, kind)
    return state.with_columns(positions, kinds), places


def _doubles(state: SheetState, own: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return pairs of numbers of columns, of those of a sheet, that are on one site."""
    sites = state.sites[own]
    near = _DOUBLE * bond_length(sites)
    pairs = cKDTree(sites).query_pairs(near, output_type="ndarray")
    return np.asarray(own[pairs], np.intp)


def _near(
    places: NDArray[np.float64], around: NDArray[np.float64] | None
) -> NDArray[np.bool_]:
    if around is None or not len(places):
        return np.ones(len(places), bool)
    return np.asarray(cKDTree(around).query(places)[0] < _AFFECTED)


def _cost(value: float, share: float, scale: float) -> float:
    return value / scale - math.log(share)
