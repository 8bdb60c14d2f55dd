# SPDX-License-Identifier: GPL-3.0-or-later
"""Rings of atoms in a sheet: hexagons, and pentagons and heptagons at defects."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import Delaunay, QhullError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_LONGEST_BOND = 1.35
_BONDS_OF_AN_ATOM = 3  # in an sp2 sheet


@dataclass(frozen=True)
class AtomRing:
    """One ring of atoms.

    Parameters
    ----------
    atoms
        Numbers of the atoms, in order around the ring.
    center
        Mean of the positions of the atoms, with coordinates in the order given.
    """

    atoms: tuple[int, ...]
    center: tuple[float, float]

    def __len__(self) -> int:
        """Return the number of atoms."""
        return len(self.atoms)


def find_rings(
    positions: ArrayLike, *, longest_bond: float | None = None, largest: int = 9
) -> list[AtomRing]:
    """Find the rings of atoms in a sheet, such as graphene, from their positions.

    Atoms are bonded if they are neighbors in the Delaunay triangulation and nearer than
    `longest_bond`, each to its nearest three at most, because the atoms of a distorted
    pentagon may be as near across it. As the edges do not cross, the rings are the
    faces between the bonds. Only closed rings count: rings that are open at the edge of
    the image, holes of more than `largest` atoms, and rings with loose ends inside are
    left out.

    Parameters
    ----------
    positions
        Positions of the atoms, shape (atom, 2), in any unit; the columns ``x`` and
        ``y`` of `Segmentation.find_columns`.
    longest_bond
        Length of the longest bond, in the same unit. The default is 1.35 times the
        median distance to the nearest atom: bonds at defects are up to 1.1 times as
        long as others, and the second neighbors in a pentagon are at 1.6 times.
    largest
        Largest number of atoms of a ring.

    Raises
    ------
    ValueError
        If the positions have another shape or are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> angle = np.arange(6) * np.pi / 3
    >>> hexagon = 0.142 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    >>> [len(ring) for ring in find_rings(hexagon)]
    [6]
    """
    points = np.asarray(positions, float)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise ValueError(
            "Finite positions of shape (atom, 2) are needed, not "
            f"{np.shape(positions)}; of a table take table[['x', 'y']]."
        )
    following = _next_bonds(points, _bonds(points, longest_bond))
    rings = []
    while following:
        first = edge = next(iter(following))
        face = []
        while edge in following:
            face.append(edge[0])
            edge = following.pop(edge)
        closed = edge == first and len(set(face)) == len(face)
        # The outer face runs the other way round.
        if closed and len(face) <= largest and _area(points[face]) > 0:
            x, y = points[face].mean(axis=0)
            rings.append(AtomRing(tuple(face), (float(x), float(y))))
    return rings


def count_rings(
    positions: ArrayLike, *, longest_bond: float | None = None, largest: int = 9
) -> dict[int, int]:
    """Count the rings of each size, in ascending order.

    Parameters
    ----------
    positions, longest_bond, largest
        See `find_rings`.
    """
    rings = find_rings(positions, longest_bond=longest_bond, largest=largest)
    return dict(sorted(Counter(map(len, rings)).items()))


def _bonds(points: NDArray[np.float64], longest: float | None) -> NDArray[np.intp]:
    """Return pairs of bonded atoms, each in both directions, shape (bond, 2)."""
    none = np.zeros((0, 2), np.intp)
    if len(points) < 3:
        return none
    try:
        triangles = Delaunay(points).simplices
    except QhullError:  # all on one line
        return none
    sides = np.concatenate(
        [triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]
    )
    sides = np.unique(np.concatenate([sides, sides[:, ::-1]]), axis=0)
    length = np.linalg.norm(points[sides[:, 0]] - points[sides[:, 1]], axis=1)
    if longest is None:
        # The nearest atom is always a neighbor in the triangulation.
        nearest = np.full(len(points), np.inf)
        np.minimum.at(nearest, sides[:, 0], length)
        longest = _LONGEST_BOND * float(np.median(nearest))
    near = length <= longest
    sides, length = sides[near], length[near]
    order = np.lexsort([length, sides[:, 0]])
    start = sides[order, 0]
    rank = np.arange(len(start)) - np.searchsorted(start, start)
    wanted = {tuple(side) for side in sides[order[rank < _BONDS_OF_AN_ATOM]].tolist()}
    kept = [side for side in sorted(wanted) if side[::-1] in wanted]
    return np.array(kept, np.intp).reshape(-1, 2)


def _next_bonds(
    points: NDArray[np.float64], bonds: NDArray[np.intp]
) -> dict[tuple[int, int], tuple[int, int]]:
    """Return for each bond the one that follows around the face to its left."""
    arms = points[bonds[:, 1]] - points[bonds[:, 0]]
    angle = np.arctan2(arms[:, 1], arms[:, 0])
    bonds = bonds[np.lexsort([angle, bonds[:, 0]])]
    following = {}
    starts = np.flatnonzero(np.diff(bonds[:, 0], prepend=-1))
    for around in np.split(bonds, starts[1:]) if len(bonds) else []:
        atom, others = int(around[0, 0]), around[:, 1].tolist()
        for k, other in enumerate(others):
            # The path enters the atom and leaves on the next bond clockwise.
            following[other, atom] = (atom, others[k - 1])
    return following


def _area(corners: NDArray[np.float64]) -> float:
    x, y = corners.T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
