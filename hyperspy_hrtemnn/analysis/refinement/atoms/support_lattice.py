# SPDX-License-Identifier: GPL-3.0-or-later
"""Support lattice: the honeycomb of graphene in a map that is large at its atoms.

The six spots nearest to the middle of the map's spectrum tell the lattice, and their
phases where it is. The map may be weak and have holes; the lattice is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Spacing of the (10) planes of graphene [Å], and how far it may be off, by the tilt and
# by the calibration of the pixels.
SPACING, _OFF = 2.130, 0.03

# Directions that are tried within the 60 degrees after which all repeats, and scales.
_DIRECTIONS, _SCALES = 240, 13

# Power of the spots over that of other directions, of which noise alone has 4 to 6.
_CLEAR = 10.0


@dataclass(frozen=True)
class Lattice:
    """A honeycomb.

    Parameters
    ----------
    origin
        Position (y, x) of the middle of a hexagon [Å].
    vectors
        Two lattice vectors, 120 degrees apart, one per row [Å].
    """

    origin: NDArray[np.float64]
    vectors: NDArray[np.float64]

    def atoms(self, field: tuple[float, float]) -> NDArray[np.float64]:
        """Return the positions (y, x) of all sites from (0, 0) to the field [Å]."""
        corners = np.array([(y, x) for y in (0, field[0]) for x in (0, field[1])])
        cells = (corners - self.origin) @ np.linalg.inv(self.vectors)
        first, last = np.floor(cells.min(axis=0)), np.ceil(cells.max(axis=0))
        ranges = [np.arange(a - 1, b + 1) for a, b in zip(first, last, strict=True)]
        cells = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, 2)
        of_cell = np.array([(1, 2), (2, 1)]) / 3
        indices = (cells[:, np.newaxis] + of_cell).reshape(-1, 2)
        sites = self.origin + indices @ self.vectors
        return np.asarray(sites[np.all((sites >= 0) & (sites <= field), axis=1)])


def find_lattice(
    values: NDArray[np.floating], field: tuple[float, float]
) -> Lattice | None:
    """Find graphene in a map.

    Parameters
    ----------
    values
        The map, shape (y, x), 0 outside what is known.
    field
        Lengths of the map along (y, x) [Å].

    Returns
    -------
    The lattice, None if there is none, or more than one.
    """
    places = [
        length * np.arange(n) / n for n, length in zip(values.shape, field, strict=True)
    ]

    # Without an edge, which would spread what another lattice has left.
    values = values * np.outer(*(np.hanning(n) for n in values.shape))

    def spots(waves: NDArray[np.float64]) -> NDArray[np.complex128]:
        """Return the spectrum at frequencies (y, x), shape (..., 2)."""
        along_y, along_x = (
            np.exp(-2j * np.pi * waves[..., axis, np.newaxis] * place)
            for axis, place in enumerate(places)
        )
        return np.asarray(np.sum((along_y @ values) * along_x, axis=-1))

    def power(pairs: NDArray[np.float64]) -> NDArray[np.float64]:
        # The geometric mean: all three have to be there.
        logarithms = 2 * np.log(np.abs(spots(_three(pairs))) + 1e-30)
        return np.asarray(np.exp(logarithms.mean(axis=-1)))

    tried = _tried()
    found = power(tried)
    best = tried[np.unravel_index(found.argmax(), found.shape)]
    if found.max() < _CLEAR * float(np.median(found)):
        return None
    top = float(found.max())
    refined = minimize(
        lambda x: -float(power(x.reshape(2, 2))) / top,
        best.ravel(),
        method="Nelder-Mead",
        options={
            "initial_simplex": best.ravel() + 2e-3 * np.eye(5, 4, -1),
            "xatol": 1e-5,
            "fatol": 1e-6,
        },
    )
    pair = refined.x.reshape(2, 2)
    # The middles of the hexagons are where the three waves are darkest together.
    phases = np.angle(-spots(_three(pair)))
    closure = np.angle(np.exp(1j * (phases[0] - phases[1] - phases[2])))
    if abs(closure) > np.pi / 2:
        return None
    # The three phases are those of two planes; their mismatch is shared.
    phases[:2] += np.array([-1, 1]) * closure / 3
    inverse = np.linalg.inv(pair)
    return Lattice(inverse @ (-phases[:2] / (2 * np.pi)), inverse.T)


def _three(pairs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return frequencies 60 degrees apart and their difference, shape (..., 3, 2)."""
    third = pairs[..., :1, :] - pairs[..., 1:, :]
    return np.concatenate([pairs, third], axis=-2)


def _tried() -> NDArray[np.float64]:
    """Return pairs of frequencies, shape (scale, direction, 2, 2)."""
    lengths = np.linspace(1 - _OFF, 1 + _OFF, _SCALES) / SPACING
    angles = np.pi / 3 * np.arange(_DIRECTIONS) / _DIRECTIONS
    both = np.stack([angles, angles + np.pi / 3], axis=1)
    ways = np.stack([np.sin(both), np.cos(both)], axis=-1)
    return np.asarray(lengths[:, np.newaxis, np.newaxis, np.newaxis] * ways)
