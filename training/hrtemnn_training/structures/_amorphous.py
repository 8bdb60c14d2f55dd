# SPDX-License-Identifier: GPL-3.0-or-later
"""Amorphous carbon: a random network in which an atom has at most three neighbors."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from ase.data import atomic_masses, atomic_numbers
from ase.units import kg
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._assembly import Group

_CARBON = atomic_numbers["C"]
_BOND = 1.45  # [Å], between graphite and diamond
_SECOND = 2.5  # [Å], across an angle of 120 degrees; unbonded atoms are not nearer
_NEAREST = 1.2  # [Å]
_NEIGHBORS = 3
_TILE = 40.0  # [Å]
_TILE_DENSITY = 2.0  # [g/cm³]
_DENSITIES = (1.5, 2.5)  # [g/cm³]


def amorphous_carbon(
    lengths: tuple[float, float, float],
    rng: np.random.Generator,
    *,
    density: float = 2.0,
) -> Group:
    """Return a film of amorphous carbon.

    Bricks cut from one periodic tile, each from another place and in another of the
    48 orientations of a cube, are put side by side, and the network is relaxed until
    it has closed the seams. Its shells are those of films of low density (Li and
    Lannin, Phys. Rev. Lett. 65, 1905 (1990)): a bond of 1.46 Å, second neighbors near
    2.5 Å, nothing between. There are 2.75 bonds an atom; atoms with four are left out.

    Parameters
    ----------
    lengths
        Lengths of the film along x, y, z [Å]; periodic along x and y, with free
        surfaces at both ends of z.
    rng
        Source of all random choices.
    density
        Evaporated films have 1.8 to 2.3 [g/cm³].

    Returns
    -------
    Positions, shape (atom, 3), inside [0, lengths) [Å], and atomic numbers.

    Raises
    ------
    ValueError
        If the film is too narrow to be periodic, or the density is not one of a
        network of three neighbors.
    """
    if min(lengths[:2]) < 3 * _SECOND or lengths[2] <= 0:
        raise ValueError(
            f"A film of {lengths} Å is too small; x and y must be {3 * _SECOND} Å."
        )
    if not _DENSITIES[0] <= density <= _DENSITIES[1]:
        raise ValueError(
            f"A density of {density} g/cm³ is outside {_DENSITIES}, where carbon has "
            "about three neighbors."
        )
    scale = (_TILE_DENSITY / density) ** (1 / 3)
    size = np.asarray(lengths, float)
    bricks = np.ceil(size / (_TILE * scale)).astype(int)
    brick = size / bricks
    # A seam stays 12 % less dense within 1 Å. Seams that lean show nowhere: seen along
    # the beam, each is spread over a whole brick.
    lean = np.minimum(brick[:2] / size[2], 1.0)
    parts = []
    for place in np.ndindex(*bricks):
        turned = _tile()[:, rng.permutation(3)] * rng.choice([-1, 1], 3)
        atoms = (turned + rng.uniform(0, _TILE, 3)) % _TILE * scale
        aside = lean * (atoms[:, 2:] + place[2] * brick[2])
        atoms[:, :2] = (atoms[:, :2] - aside) % (_TILE * scale)
        inside = np.all(atoms < brick, axis=1)
        atoms[:, :2] += aside
        parts.append(atoms[inside] + place * brick)
    # With vacuum behind the free surfaces the film is periodic along z, too.
    period = size + np.array([0, 0, 2 * _SECOND])
    positions = _relaxed(np.concatenate(parts), period, steps=20)
    positions = positions[positions[:, 2] < size[2]]
    # The few knots that a seam can leave take longer than they are worth.
    knots = cKDTree(positions, boxsize=period).query_pairs(
        _NEAREST, output_type="ndarray"
    )
    positions = np.delete(positions, knots[:, 0], axis=0)
    return positions, np.full(len(positions), _CARBON, np.uint8)


@cache
def _tile() -> NDArray[np.float64]:
    """Return the positions of a cube of carbon, periodic along x, y and z [Å]."""
    grams = atomic_masses[_CARBON] / kg * 1e3
    n = round(_TILE_DENSITY * (_TILE * 1e-8) ** 3 / grams)
    start = np.random.default_rng(0).uniform(0, _TILE, (n, 3))
    return _relaxed(start, np.full(3, _TILE), steps=300)


def _relaxed(
    positions: NDArray[np.float64], period: NDArray[np.float64], *, steps: int
) -> NDArray[np.float64]:
    """Pull bonded atoms to the bond length, push all others beyond the second shell.

    Steepest descent with momentum on springs along the pairs, all stiff enough that a
    lone pair is nearly at rest after one step. The bonds are found anew every fifth.
    """
    n = len(positions)
    momentum, stiffness, softness = 0.8, 0.2, 0.1
    velocity = np.zeros_like(positions)
    for step in range(steps):
        if step % 5 == 0:
            positions = positions % period
            pairs, bonded = _pairs(positions, period)
            first, second = pairs.T
        apart = positions[first] - positions[second]
        apart -= period * np.round(apart / period)
        distance = np.linalg.norm(apart, axis=1)
        push = np.where(
            bonded,
            stiffness * (_BOND - distance),
            softness * np.maximum(_SECOND - distance, 0),
        )
        push = apart * (push / distance)[:, np.newaxis]
        force = [
            np.bincount(first, push[:, i], n) - np.bincount(second, push[:, i], n)
            for i in range(3)
        ]
        velocity = momentum * velocity + np.stack(force, axis=1)
        positions = positions + velocity
    return positions % period


def _pairs(
    positions: NDArray[np.float64], period: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return pairs of atoms that may touch soon, shape (pair, 2), and the bonded ones.

    Two atoms are bonded if each is one of the three nearest of the other.
    """
    pairs = cKDTree(positions, boxsize=period).query_pairs(
        _SECOND + 0.3, output_type="ndarray"
    )
    apart = positions[pairs[:, 0]] - positions[pairs[:, 1]]
    apart -= period * np.round(apart / period)
    pairs = pairs[np.argsort(np.linalg.norm(apart, axis=1))]
    # From the nearest pair on, the how-manieth pair it is for each of its atoms.
    atoms = pairs.ravel()
    order = np.argsort(atoms, kind="stable")
    in_order = atoms[order]
    rank = np.empty_like(atoms)
    rank[order] = np.arange(len(atoms)) - np.searchsorted(in_order, in_order)
    return pairs, np.all(rank.reshape(-1, 2) < _NEIGHBORS, axis=1)
