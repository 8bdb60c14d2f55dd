# SPDX-License-Identifier: GPL-3.0-or-later
"""Grains of a honeycomb lattice, one or two, grown together without a gap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms
from ase.build import graphene
from scipy.spatial import Delaunay
from scipy.spatial.transform import Rotation

from ._bond_network import BondNetwork
from ._columns import column_of_atoms
from ._crystal import oriented_block

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

_NEAREST = 0.55  # ring centers that stay two, in lattice constants
_SMOOTHED = 4.0  # distance from the boundary, in lattice constants
_ROUNDS = 4


def join_grains(
    angles: Sequence[float],
    distance: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    half: float,
    a: float,
    *,
    elements: tuple[int, int],
    rng: np.random.Generator,
) -> BondNetwork:
    """Return a square of honeycomb of one or two grains, three bonds to an atom.

    After Ophus et al., Phys. Rev. B 92, 205402 (2015): the centers of the rings are
    two triangular lattices joined at the boundary, where those that are too near to
    each other become one and all are moved to the mean of their neighbors. The atoms
    are the triangles of their Delaunay triangulation. So the boundary is a row of
    pentagons and heptagons. It is not relaxed.

    Parameters
    ----------
    angles
        Direction of the shortest lattice vector of each grain, from x [degrees].
    distance
        Distance of points, shape (point, 2), from the boundary, negative in the first
        grain [Å]. Only its sign and whether it is small matter. Not used for one grain.
    half
        Half the side of the square, which is centered at 0 [Å].
    a
        Lattice constant [Å].
    elements
        Atomic numbers of the two sublattices.
    rng
        Source of where the lattices of the grains begin.
    """

    def grain_of(points: NDArray[np.float64]) -> NDArray[np.intp]:
        return (distance(points) > 0) * (len(angles) - 1)

    edge = half + 4 * a
    grains = []
    for i, angle in enumerate(angles):
        points = _triangular(a, angle, edge + a) + rng.uniform(0, a, 2)
        inside = np.all(np.abs(points) < edge, axis=1)
        grains.append(points[inside & (grain_of(points) == i)])
    _, merged = column_of_atoms(np.concatenate(grains), _NEAREST * a)
    centers = merged.astype(np.float64)
    # Not at the rim, whose neighbors are all on one side: it would fall together.
    inside = np.all(np.abs(centers) < edge - 2 * a, axis=1)
    moved = inside & (np.abs(distance(centers)) < _SMOOTHED * a)
    for _ in range(_ROUNDS if len(angles) > 1 else 0):
        first, others = Delaunay(centers).vertex_neighbor_vertices
        sums = np.add.reduceat(centers[others], first[:-1])
        means = sums / np.diff(first)[:, np.newaxis]
        centers = np.where(moved[:, np.newaxis], means, centers)

    triangles = Delaunay(centers)
    corners = centers[triangles.simplices]
    atoms = corners.mean(axis=1)
    # Which way a triangle points tells its sublattice.
    x, y = np.moveaxis(corners - atoms[:, np.newaxis], -1, 0)
    turned = np.arctan2(y, x) - np.radians(angles)[grain_of(atoms), np.newaxis]
    upward = np.sin(3 * turned).sum(axis=1) < 0
    network = BondNetwork(
        positions=atoms,
        numbers=np.where(upward, *elements).astype(np.uint8),
        neighbors=triangles.neighbors.astype(np.intp),
    )
    return network.keep(np.all(np.abs(atoms) < half, axis=1))


def _triangular(a: float, angle: float, half: float) -> NDArray[np.float64]:
    """Return the points of a triangular lattice in a square, shape (point, 2) [Å]."""
    cell = Atoms("X", cell=graphene(a=a, vacuum=1).cell)
    turn = Rotation.from_euler("z", angle, degrees=True).as_matrix()
    points, _ = oriented_block(cell, turn, [-half, -half, -0.5], [half, half, 0.5])
    return points[:, :2]
