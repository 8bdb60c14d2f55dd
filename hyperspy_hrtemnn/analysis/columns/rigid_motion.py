# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigid motion: the turn and shift that bring columns onto those of a crystal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from .drift import common_shift

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Places = NDArray[np.float64]

_ROUNDS = 8  # rounds in which pairs and motion are found from each other

_FEWEST = 3  # pairs that fix a turn and a shift


@dataclass(frozen=True)
class RigidMotion:
    """A turn about the origin, and the shift after it.

    Parameters
    ----------
    angle
        Turn from x towards y [radians].
    shift
        Shift (x, y).
    """

    angle: float
    shift: Places

    @property
    def matrix(self) -> Places:
        """The turn as a matrix for columns of coordinates."""
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        return np.array([[cosine, -sine], [sine, cosine]])

    def forward(self, places: Places) -> Places:
        """Return where places go, shape (place, 2)."""
        return np.asarray(places @ self.matrix.T + self.shift)

    def back(self, places: Places) -> Places:
        """Return where places came from, shape (place, 2)."""
        return np.asarray((places - self.shift) @ self.matrix)


def fit_motion(before: Places, after: Places) -> RigidMotion:
    """Return the motion that brings places onto others, by least squares.

    Parameters
    ----------
    before, after
        Pairs of places, shape (pair, 2).

    References
    ----------
    Kabsch, Acta Cryst. A 32 (1976) 922.
    """
    middle, other = before.mean(axis=0), after.mean(axis=0)
    a, b = before - middle, after - other
    cross = np.sum(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
    angle = float(np.arctan2(cross, np.sum(a * b)))
    turned = RigidMotion(angle, np.zeros(2)).forward(middle[np.newaxis])[0]
    return RigidMotion(angle, other - turned)


def find_motion(
    sites: Places, found: Places, angles: Iterable[float], distance: float
) -> tuple[RigidMotion, int]:
    """Find the motion that brings sites of a crystal onto the columns of a frame.

    For each angle the sites are laid with their middle on that of the columns, which
    some columns that come or go move by less than half a site, and shifted to where
    most pairs agree; then pairs and motion are found from each other. The motion with
    the most pairs is taken.

    Parameters
    ----------
    sites
        Sites with a column, shape (site, 2).
    found
        Columns of the frame, shape (column, 2).
    angles
        Turns to begin with [radians], the most probable first: of equally good ones
        it is taken.
    distance
        Distance of neighboring columns.

    Returns
    -------
    The motion, and the number of columns that it brings onto a site, within a third of
    the distance; 0 if no three do.
    """
    best, most = RigidMotion(0.0, np.zeros(2)), 0
    if len(found) < _FEWEST or len(sites) < _FEWEST:
        return best, most
    tree = cKDTree(found)
    class_of_sites, class_of_found = (np.zeros(len(p), np.intp) for p in (sites, found))
    for angle in angles:
        turned = RigidMotion(angle, np.zeros(2)).forward(sites)
        middle = found.mean(axis=0) - turned.mean(axis=0)
        step = common_shift(
            (turned + middle, class_of_sites),
            (found, class_of_found),
            0.75 * distance,
            distance / 8,
        )
        motion, pairs = _refined(
            RigidMotion(angle, middle + step), sites, found, tree, distance / 3
        )
        if pairs > most:
            best, most = motion, pairs
    return best, most


def _refined(
    motion: RigidMotion, sites: Places, found: Places, tree: cKDTree, nearest: float
) -> tuple[RigidMotion, int]:
    """Return a motion fitted to its own pairs, and their number."""
    pairs: NDArray[np.intp] = np.zeros(0, np.intp)
    for _ in range(_ROUNDS):
        _, partner = tree.query(motion.forward(sites), distance_upper_bound=nearest)
        near = partner < len(found)
        if near.sum() < _FEWEST:
            return motion, 0
        if np.array_equal(partner, pairs):
            break
        pairs = partner
        motion = fit_motion(sites[near], found[partner[near]])
    return motion, int((pairs < len(found)).sum())
