# SPDX-License-Identifier: GPL-3.0-or-later
"""Honeycomb: on which site of a hexagonal sheet each column is, and where sites are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from .grains import find_grains, free_sites, nearest_places
from .occupants import ELASTIC

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Sites:
    """Sites of the columns of a sheet, and sites beside them without a column.

    Parameters
    ----------
    sublattice
        Sublattice of each column, -1 for one that is not on a site.
    ideal
        Position of the site of each in the ideal lattice [Å], NaN for a column that is
        not on a site, shape (column, 2).
    roughness
        Matrix that makes of the displacements from there what neighbors do not share,
        shape (column, column); rows of 0 for columns that are not on a site.
    spread
        Standard deviation that is expected of those [Å], shape (column,).
    lattice_constant
        Lattice constant of the largest grain of the first sheet, by the area of its
        cell, NaN without one [Å].
    free
        Positions of the sites without a column [Å], shape (site, 2).
    free_sublattice
        Their sublattices.
    free_bonds
        Number of columns that are bonded to each.
    """

    sublattice: NDArray[np.intp]
    ideal: NDArray[np.float64]
    roughness: csr_array
    spread: NDArray[np.float64]
    lattice_constant: float
    free: NDArray[np.float64]
    free_sublattice: NDArray[np.intp]
    free_bonds: NDArray[np.intp]

    def away(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far columns are from where their surroundings expect them [Å]."""
        return np.asarray(self.roughness @ (positions - np.nan_to_num(self.ideal)))


def find_sites(
    positions: NDArray[np.float64],
    expected: NDArray[np.intp] | None = None,
    spread: float = ELASTIC,
) -> Sites:
    """Find the sites of columns.

    Parameters
    ----------
    positions
        Positions of the columns in the plane of the sheet [Å], shape (column, 2).
    expected
        Sublattice that the class of each column tells, mostly right, -1 where it tells
        none; None where both are alike.
    spread
        Standard deviation of a site from where its surroundings expect it [Å].

    Returns
    -------
    The sites; none where the columns are on no honeycomb.
    """
    count = len(positions)
    sublattice, lattice = np.full(count, -1), np.full((count, 2), np.nan)
    entries: list[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]] = []
    free, of_free = [np.zeros((0, 2))], [np.zeros(0, np.intp)]
    largest, constant = 0, np.nan
    for columns, grain in find_grains(positions, expected):
        if len(columns) > largest:
            largest = len(columns)
            area = abs(float(np.linalg.det(grain.vectors)))
            constant = float(np.sqrt(area * 2 / np.sqrt(3)))
        ideal = grain.ideal(grain.sublattice, grain.indices)
        sublattice[columns], lattice[columns] = grain.sublattice, ideal
        near = columns[nearest_places(ideal, ideal, leave=True)]
        around = near.shape[1]
        entries.append((columns, columns, np.ones(len(columns))))
        entries.append(
            (np.repeat(columns, around), near.ravel(), np.full(near.size, -1 / around))
        )
        beside, indices = free_sites(grain)
        places = grain.ideal(beside, indices)
        displacement = positions[columns] - ideal
        shared = displacement[nearest_places(ideal, places, leave=False)].mean(axis=1)
        free.append(places + shared)
        of_free.append(beside)
    none = (np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0))
    rows, others, values = (
        np.concatenate(each) for each in zip(none, *entries, strict=True)
    )
    roughness = csr_array((values, (rows, others)), shape=(count, count))
    places, numbers = _clear(free, of_free, positions)
    bonds = _bonds(places, positions)
    return Sites(
        sublattice,
        lattice,
        roughness,
        np.full(count, spread),
        constant,
        places,
        numbers,
        bonds,
    )


def join_sites(parts: Sequence[tuple[NDArray[np.intp], Sites]]) -> Sites:
    """Return the sites of several sheets.

    Parameters
    ----------
    parts
        Numbers of the columns of each sheet, and its sites; sublattices of the second
        count from 2, and so on.
    """
    count = sum(len(columns) for columns, _ in parts)
    sublattice, ideal = np.full(count, -1), np.full((count, 2), np.nan)
    spread = np.zeros(count)
    rows, others, values = [], [], []
    for number, (columns, sites) in enumerate(parts):
        on = sites.sublattice >= 0
        sublattice[columns[on]] = sites.sublattice[on] + 2 * number
        ideal[columns], spread[columns] = sites.ideal, sites.spread
        own = sites.roughness.tocoo()
        rows.append(columns[own.row])
        others.append(columns[own.col])
        values.append(own.data)
    entries = (np.concatenate(rows), np.concatenate(others))
    return Sites(
        sublattice,
        ideal,
        csr_array((np.concatenate(values), entries), shape=(count, count)),
        spread,
        parts[0][1].lattice_constant,
        np.concatenate([sites.free for _, sites in parts]),
        np.concatenate(
            [sites.free_sublattice + 2 * n for n, (_, sites) in enumerate(parts)]
        ),
        np.concatenate([sites.free_bonds for _, sites in parts]),
    )


def largest_grain(
    positions: NDArray[np.float64], expected: NDArray[np.intp] | None = None
) -> NDArray[np.intp]:
    """Return the numbers of the columns of the largest grain, as of `find_sites`."""
    grains = [columns for columns, _ in find_grains(positions, expected)]
    return max(grains, key=len, default=np.zeros(0, np.intp))


def bond_length(sites: NDArray[np.float64]) -> float:
    """Return the usual distance of neighboring sites (y, x) [Å], 0 for a single one."""
    if len(sites) < 2:
        return 0.0
    return float(np.median(cKDTree(sites).query(sites, k=2)[0][:, 1]))


def _clear(
    free: list[NDArray[np.float64]],
    sublattice: list[NDArray[np.intp]],
    positions: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the free sites that no column of any grain is near to."""
    places, numbers = np.concatenate(free), np.concatenate(sublattice)
    if not len(places):
        return places, numbers
    clear = cKDTree(positions).query(places)[0] > 0.5 * bond_length(positions)
    return places[clear], numbers[clear]


def _bonds(
    free: NDArray[np.float64], positions: NDArray[np.float64]
) -> NDArray[np.intp]:
    """Return the number of columns that are bonded to each free site."""
    if not len(free):
        return np.zeros(0, np.intp)
    near = cKDTree(positions).query_ball_point(free, 1.3 * bond_length(positions))
    return np.array([len(each) for each in near], np.intp)
