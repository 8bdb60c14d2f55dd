# SPDX-License-Identifier: GPL-3.0-or-later
"""Amorphous films: bricks of a periodic tile of a random network, put together."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from ase.data import atomic_masses
from ase.units import kg
from scipy.spatial import cKDTree

from ._amorphous_materials import NETWORKS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._amorphous_materials import Material, RandomNetwork
    from ._assembly import Group


def amorphous_carbon(
    lengths: tuple[float, float, float],
    rng: np.random.Generator,
    *,
    density: float = 2.0,
) -> Group:
    """Return a film of amorphous carbon, see `amorphous_film`.

    Parameters
    ----------
    lengths, rng
        See `amorphous_film`.
    density
        Evaporated films have 1.8 to 2.3 [g/cm³].
    """
    return amorphous_film("amorphous carbon", lengths, rng, density=density)


def amorphous_film(
    material: Material,
    lengths: tuple[float, float, float],
    rng: np.random.Generator,
    *,
    density: float,
) -> Group:
    """Return a film of a random network.

    Bricks cut from one periodic tile, each from another place and in another of the
    48 orientations of a cube, are put side by side, and the network is relaxed until
    it has closed the seams.

    Parameters
    ----------
    material
        One of `AMORPHOUS`.
    lengths
        Lengths of the film along x, y, z [Å]; periodic along x and y, with free
        surfaces at both ends of z.
    rng
        Source of all random choices.
    density
        Density of the film [g/cm³].

    Returns
    -------
    Positions, shape (atom, 3), inside [0, lengths) [Å], and atomic numbers.

    Raises
    ------
    ValueError
        If the film is too narrow to be periodic, or the density is not one of the
        network.
    """
    network = NETWORKS[material]
    reach, (low, high) = network.reach, network.possible
    if min(lengths[:2]) < 3 * reach or lengths[2] <= 0:
        raise ValueError(
            f"A film of {lengths} Å is too small; x and y must be {3 * reach} Å."
        )
    if not low <= density <= high:
        raise ValueError(
            f"A density of {density} g/cm³ is not one of the network of {material}, "
            f"which are {low} to {high}."
        )
    size = np.asarray(lengths, float)
    positions, elements = _bricks(network, size, density, rng)
    # With vacuum behind the free surfaces the film is periodic along z, too.
    period = size + np.array([0, 0, 2 * reach])
    positions = network.springs.relaxed(positions, elements, period, steps=20)
    inside = positions[:, 2] < size[2]
    positions, elements = positions[inside], elements[inside]
    # The few knots that a seam can leave take longer than they are worth.
    knots = cKDTree(positions, boxsize=period).query_pairs(
        network.nearest, output_type="ndarray"
    )
    positions = np.delete(positions, knots[:, 0], axis=0)
    return positions, network.numbers[np.delete(elements, knots[:, 0])]


def _bricks(
    network: RandomNetwork,
    size: NDArray[np.float64],
    density: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Fill a film with bricks of the tile; return positions and elements."""
    tile, of_tile = _tile(network)
    scale = (network.density / density) ** (1 / 3)
    bricks = np.ceil(size / (network.tile * scale)).astype(int)
    brick = size / bricks
    # A seam stays 12 % less dense within 1 Å. Seams that lean show nowhere: seen along
    # the beam, each is spread over a whole brick.
    lean = np.minimum(brick[:2] / size[2], 1.0)
    parts, elements = [], []
    for place in np.ndindex(*bricks):
        turned = tile[:, rng.permutation(3)] * rng.choice([-1, 1], 3)
        atoms = (turned + rng.uniform(0, network.tile, 3)) % network.tile * scale
        aside = lean * (atoms[:, 2:] + place[2] * brick[2])
        atoms[:, :2] = (atoms[:, :2] - aside) % (network.tile * scale)
        inside = np.all(atoms < brick, axis=1)
        atoms[:, :2] += aside
        parts.append(atoms[inside] + place * brick)
        elements.append(of_tile[inside])
    return np.concatenate(parts), np.concatenate(elements)


@cache
def _tile(network: RandomNetwork) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return positions [Å] and elements of a cube, periodic along x, y and z."""
    counts = np.array([count for _, count in network.formula])
    grams = atomic_masses[network.numbers] @ counts / kg * 1e3
    units = round(network.density * (network.tile * 1e-8) ** 3 / grams)
    elements = np.repeat(np.arange(len(counts)), units * counts)
    rng = np.random.default_rng(0)
    period = np.full(3, network.tile)
    relaxed = network.springs.relaxed
    positions = rng.uniform(0, network.tile, (len(elements), 3))
    for heat in network.heats:
        hot = positions + rng.normal(0, heat, positions.shape)
        positions = relaxed(hot, elements, period, steps=20)
    return relaxed(positions, elements, period, steps=300), elements
