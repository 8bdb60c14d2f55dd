# SPDX-License-Identifier: GPL-3.0-or-later
"""Alloy particles: where the two elements are, and how far apart their atoms."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.spatial import ConvexHull, cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._assembly import Group

Arrangement = Literal["core-shell", "Janus", "disordered"]

# Least distance of two atoms, of the mean distance of neighbors in their crystals.
_NEAREST = 0.86
_BOND = 1.2  # longest distance that is a bond, likewise
_COHERENT = 0.03  # largest misfit at which one crystal goes on in the other
_SHIFTS = 8  # of the second crystal, of which the best is taken
_TRIES = 10
_SHARE = 0.01  # of the atoms, a good approximation to the concentration
# How far the second crystal may stand out of the particle, in distances of neighbors
# of the first: half of what planes (110) are apart, which end most of the particles.
_BEYOND = 0.25


def arrange(
    positions: NDArray[np.float64],
    elements: tuple[int, int],
    arrangement: Arrangement,
    concentration: float,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Return the elements of the atoms of an alloy particle (Förster, Ag/Co).

    Parameters
    ----------
    positions
        Positions of the atoms, shape (atom, 3) [Å].
    elements
        Atomic numbers of the first and the second element.
    arrangement
        "core-shell": the second element is inside a shell of even thickness; "Janus":
        it is on a random side of a plane; "disordered": it is anywhere.
    concentration
        Share of the atoms that are of the second element, to the nearest atom.
    rng
        Source of the plane and of the disorder.

    Returns
    -------
    Atomic numbers, shape (atom,).
    """
    return _numbers(_rank(positions, arrangement, rng), elements, concentration)


def _rank(
    positions: NDArray[np.float64], arrangement: Arrangement, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return a number for each atom; the second element takes the lowest."""
    match arrangement:
        case "core-shell":
            return _height(positions, positions)
        case "Janus":
            return np.asarray(positions @ rng.normal(size=3))
        case "disordered":
            return rng.random(len(positions))


def _height(
    points: NDArray[np.float64], positions: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how far points are outside of a particle, negative inside [Å]."""
    # Most triangles of the hull are parts of the same face.
    faces = np.unique(ConvexHull(positions).equations.round(6), axis=0)
    return np.asarray((points @ faces[:, :3].T + faces[:, 3]).max(axis=1))


def _numbers(
    rank: NDArray[np.float64], elements: tuple[int, int], share: float
) -> NDArray[np.uint8]:
    numbers = np.full(len(rank), elements[0], np.uint8)
    numbers[np.argsort(rank)[: round(share * len(rank))]] = elements[1]
    return numbers


@dataclass(frozen=True)
class Alloy:
    """Two metals in one particle, each atom as far from the next as they have it.

    Where the elements are apart, each has a crystal of its own lattice constant, in
    the same orientation, that ends where the other begins: an incoherent interface,
    with the misfit in it rather than in the crystals. A disordered alloy has one
    lattice, whose constant is between the two (Vegard's law).

    Parameters
    ----------
    elements
        Atomic numbers of the first and the second element.
    constants
        Lattice constants of both as FCC crystals [Å].
    arrangement
        See `arrange`.
    concentration
        Share of the atoms that are of the second element; as near as whole atoms come
        to it where it is disordered, and whole planes otherwise.
    """

    elements: tuple[int, int]
    constants: tuple[float, float]
    arrangement: Arrangement
    concentration: float

    def make(
        self,
        positions: NDArray[np.float64],
        crystal: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> Group:
        """Return the particle as an alloy.

        Parameters
        ----------
        positions
            Positions of a particle of the first element, shape (atom, 3) [Å].
        crystal
            Positions of the second element, in the particle and around it, shape
            (atom, 3) [Å].
        rng
            See `arrange`.
        """
        rank = _rank(positions, self.arrangement, rng)
        if self.arrangement == "disordered":
            stretched = positions * self._stretch()
            return stretched, _numbers(rank, self.elements, self.concentration)
        crystals = [crystal]
        if abs(self.constants[1] / self.constants[0] - 1) > _COHERENT:
            # No reason why the two should have an atom in the same place.
            shifts = rng.uniform(-0.5, 0.5, (_SHIFTS, 3)) * self.constants[1]
            crystals += [crystal + shift for shift in shifts]
        own = self.constants[0] / sqrt(2)
        return self._two_crystals(
            positions, rank, [_inside(positions, own, each) for each in crystals]
        )

    def _stretch(self) -> float:
        """Return the lattice constant of the disordered alloy over the first one's."""
        mean = np.average(
            self.constants, weights=[1 - self.concentration, self.concentration]
        )
        # Metals that differ by more than a seventh hardly mix (Hume-Rothery): the
        # larger ones are not pressed together any further.
        return float(max(mean, _NEAREST * max(self.constants)) / self.constants[0])

    def _two_crystals(
        self,
        positions: NDArray[np.float64],
        rank: NDArray[np.float64],
        crystals: list[_Crystal],
    ) -> Group:
        """Return the particle whose share of atoms is nearest to the concentration.

        As many atoms of the second element as fit take the place of a share of the
        sites, and that share is sought. Of the crystals the one is taken that has most
        neighbors across the interface.
        """
        share = self.concentration
        tried = []
        for _ in range(_TRIES):
            is_second = _numbers(rank, (0, 1), share).astype(bool)
            first = positions[~is_second]
            second = self._best_fit(first, is_second, crystals)
            found = len(second) / max(len(first) + len(second), 1)
            tried.append((abs(found - self.concentration), first, second))
            if tried[-1][0] < _SHARE:
                break
            share = min(max(share + self.concentration - found, 0.0), 1.0)
        _, first, second = min(tried, key=lambda each: each[0])
        return np.concatenate([first, second]), np.repeat(
            np.array(self.elements, np.uint8), [len(first), len(second)]
        )

    def _best_fit(
        self,
        first: NDArray[np.float64],
        is_second: NDArray[np.bool_],
        crystals: list[_Crystal],
    ) -> NDArray[np.float64]:
        """Return the atoms of the crystal that fits best beside the first element."""
        own = [crystal[is_second[nearest]] for crystal, nearest in crystals]
        if not len(first):
            return own[0]
        apart = sum(self.constants) / (2 * sqrt(2))
        atoms = cKDTree(first)
        fitting: list[NDArray[np.float64]] = []
        bonds = []
        for crystal in own:
            distances, _ = atoms.query(crystal)
            fits = distances >= _NEAREST * apart
            beside = crystal[fits & (distances < _BOND * apart)]
            fitting.append(crystal[fits])
            bonds.append(_pairs(atoms, beside, _BOND * apart))
        return fitting[int(np.argmax(bonds))]


_Crystal = tuple["NDArray[np.float64]", "NDArray[np.intp]"]
"""Positions of a crystal's atoms, and the site of the particle nearest to each."""


def _inside(
    positions: NDArray[np.float64], apart: float, crystal: NDArray[np.float64]
) -> _Crystal:
    """Return the atoms of a crystal that are inside of a particle.

    Parameters
    ----------
    positions
        Positions of the particle's atoms, shape (atom, 3) [Å].
    apart
        Distance of neighbors in it [Å].
    crystal
        Positions, shape (atom, 3) [Å].
    """
    crystal = crystal[_height(crystal, positions) < _BEYOND * apart]
    # In the particle no point is as far from its sites, not even a void.
    distances, nearest = cKDTree(positions).query(crystal)
    near = distances < apart
    return crystal[near], nearest[near]


def _pairs(atoms: cKDTree, others: NDArray[np.float64], longest: float) -> int:
    return int(atoms.count_neighbors(cKDTree(others), longest)) if len(others) else 0


def majority(
    elements: NDArray[np.uint8], counts: NDArray[np.uint16], second: int
) -> NDArray[np.intp]:
    """Return which columns are mostly of the second element: 1, the others 0.

    Parameters
    ----------
    elements
        Atomic numbers, shape (element,).
    counts
        Atoms of each of them, shape (site, element).
    second
        Atomic number of the second element; half of a column is not a majority.
    """
    of_second = counts[:, elements == second].sum(axis=1, dtype=int)
    return np.asarray(2 * of_second > counts.sum(axis=1), np.intp)
