# SPDX-License-Identifier: GPL-3.0-or-later
"""Sites: atomic columns seen along the beam, with what they are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ._columns import column_of_atoms

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Sites:
    """Atomic columns of the objects in a structure (thesis 3.1, table 3.1).

    Parameters
    ----------
    positions
        x, y of each column, the mean of its atoms, shape (site, 2) [Å].
    particles
        Particle each column belongs to, from 1, shape (site,).
    elements
        Atomic numbers that occur, ascending, shape (element,).
    counts
        Atoms of each element in each column, shape (site, element).
    classes
        Class of each column, an index into `names`, shape (site,).
    names
        Names of the classes.
    """

    positions: NDArray[np.float32]
    particles: NDArray[np.uint8]
    elements: NDArray[np.uint8]
    counts: NDArray[np.uint16]
    classes: NDArray[np.uint8]
    names: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of columns."""
        return len(self.positions)

    @property
    def heights(self) -> NDArray[np.int64]:
        """Atoms in each column, shape (site,)."""
        return np.asarray(self.counts.sum(axis=1), np.int64)


def find_sites(
    positions: NDArray[np.floating],
    numbers: NDArray[np.uint8],
    particles: NDArray[np.uint8],
    *,
    names: tuple[str, ...] = ("column",),
    classify: Callable[[NDArray[np.uint8], NDArray[np.uint16]], NDArray[np.integer]]
    | None = None,
    radius: float = 0.3,
) -> Sites:
    """Return the columns of all particles; two particles never share one.

    Parameters
    ----------
    positions
        x, y, z of each atom, shape (atom, 3) [Å].
    numbers
        Atomic number of each atom, shape (atom,).
    particles
        Particle each atom belongs to, shape (atom,); atoms of 0 have no sites.
    names
        Names of the classes.
    classify
        Returns the class of each column from the elements, shape (element,), and the
        counts, shape (site, element). All columns are of the first class without it.
    radius
        See `column_of_atoms`.
    """
    elements = np.unique(numbers[particles > 0])
    parts = []
    for particle in np.unique(particles[particles > 0]):
        own = particles == particle
        column, centers = column_of_atoms(positions[own], radius)
        counts = np.zeros((len(centers), len(elements)), np.uint16)
        np.add.at(counts, (column, np.searchsorted(elements, numbers[own])), 1)
        parts.append((centers, np.full(len(centers), particle, np.uint8), counts))
    if parts:
        centers, owners, counts = map(np.concatenate, zip(*parts, strict=True))
    else:
        centers = np.zeros((0, 2), np.float32)
        owners = np.zeros(0, np.uint8)
        counts = np.zeros((0, 0), np.uint16)
    classes = classify(elements, counts) if classify else np.zeros(len(centers))
    return Sites(
        positions=centers.astype(np.float32),
        particles=owners,
        elements=elements.astype(np.uint8),
        counts=counts,
        classes=np.asarray(classes).astype(np.uint8),
        names=names,
    )
