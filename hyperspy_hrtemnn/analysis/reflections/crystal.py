# SPDX-License-Identifier: GPL-3.0-or-later
"""Crystals: the reflections of a crystal, and the reflections of its zone axes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.analysis.lattices.vectors import span_a_plane

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

# Reflections with a structure factor below this fraction of that of all atoms in phase
# are forbidden.
_FORBIDDEN = 1e-3

_LARGEST_INDEX = 3  # of a zone axis


@dataclass(frozen=True, eq=False)
class Crystal:
    """One cell of a crystal.

    Parameters
    ----------
    cell
        The three vectors of the cell, one per row [nm]. Miller indices refer to this
        cell.
    positions
        Positions of the atoms, in fractions of the vectors, shape (atom, 3).
    numbers
        Atomic numbers, shape (atom,).
    """

    cell: NDArray[np.float64]
    positions: NDArray[np.float64]
    numbers: NDArray[np.int_]

    # By the values, so that what is known of a crystal is found again.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Crystal) and self._values == other._values

    def __hash__(self) -> int:
        return hash(self._values)

    @property
    def _values(self) -> tuple[bytes, ...]:
        arrays = (self.cell, self.positions, self.numbers)
        return tuple(np.asarray(each, np.float64).tobytes() for each in arrays)


@dataclass(frozen=True)
class Planes:
    """Lattice planes of a crystal that reflect: one for (hkl) and its opposite.

    Parameters
    ----------
    hkl
        Miller indices, shape (plane, 3).
    vectors
        Reciprocal lattice vectors [1/nm], shape (plane, 3).
    family
        Number of the family of each plane, shape (plane,).
    names
        Names of the families, such as ``"{111}"``.
    """

    hkl: NDArray[np.intp]
    vectors: NDArray[np.float64]
    family: NDArray[np.intp]
    names: list[str]

    @property
    def spacing(self) -> NDArray[np.float64]:
        """Spacing of each plane [nm], shape (plane,)."""
        return np.asarray(1 / np.linalg.norm(self.vectors, axis=1))


@dataclass(frozen=True)
class ZonePattern:
    """Reflections of a zone axis, as an image shows them.

    Parameters
    ----------
    zone_axis
        Name of the zone axis, such as ``"[110]"``.
    planes
        Numbers of the planes among the `Planes`, shape (reflection,).
    angle
        Angle of each reflection from an arbitrary direction [degrees], shape
        (reflection,).
    """

    zone_axis: str
    planes: NDArray[np.intp]
    angle: NDArray[np.float64]


def reflecting_planes(crystal: Crystal, min_spacing: float) -> Planes:
    """Return the planes of a crystal that are not forbidden.

    The structure factors are kinematical, with scattering factors in proportion to the
    atomic number. Planes are of one family if spacing, structure factor and order are
    equal: (333) and (511) differ in order.

    Parameters
    ----------
    crystal
        Cell of the crystal.
    min_spacing
        Smallest spacing [nm].
    """
    reciprocal = np.linalg.inv(crystal.cell).T
    largest = np.floor(np.linalg.norm(crystal.cell, axis=1) / min_spacing).astype(int)
    hkl = _half(*largest)
    vectors = hkl @ reciprocal
    length = np.linalg.norm(vectors, axis=1)
    phase = np.exp(2j * np.pi * hkl @ crystal.positions.T)
    strength = np.abs(phase @ crystal.numbers) / crystal.numbers.sum()
    kept = (length <= 1 / min_spacing) & (strength > _FORBIDDEN)
    hkl, vectors = hkl[kept], vectors[kept]
    order = np.gcd.reduce(hkl, axis=1)
    # Texts are equal if the numbers are equal to four digits.
    equal = [
        f"{k:.4g} {f:.3f} {n}"
        for k, f, n in zip(length[kept], strength[kept], order, strict=True)
    ]
    _, first, family = np.unique(equal, return_index=True, return_inverse=True)
    names = [
        _text(min(hkl[family == number].tolist(), key=_unusual), "{}")
        for number in range(len(first))
    ]
    return Planes(hkl, vectors, family, names)


def zone_patterns(crystal: Crystal, planes: Planes) -> Iterator[ZonePattern]:
    """Yield the patterns of zone axes up to [333], those of short translations first.

    There is one of equivalent zone axes, and each pattern also has its mirror image.
    """
    zones = _half(*(_LARGEST_INDEX,) * 3)
    zones = zones[np.gcd.reduce(zones, axis=1) == 1]
    known = set()
    for zone in sorted(zones.tolist(), key=partial(_length_first, crystal.cell)):
        members = np.flatnonzero(planes.hkl @ zone == 0)
        # The number of vectors of each length distinguishes a plane lattice from
        # others.
        key = tuple(np.sort(planes.family[members]))
        if not span_a_plane(planes.hkl[members]) or key in known:
            continue
        known.add(key)
        beam = zone @ crystal.cell
        x = planes.vectors[members[0]]
        y = np.cross(beam / np.linalg.norm(beam), x)
        vectors = planes.vectors[members]
        angle = np.degrees(np.arctan2(vectors @ y, vectors @ x))
        for sense in (1, -1):
            yield ZonePattern(_text(zone, "[]"), members, sense * angle)


def _length_first(
    cell: NDArray[np.float64], zone: list[int]
) -> tuple[float, tuple[int, list[int]]]:
    return round(float(np.linalg.norm(zone @ cell)), 6), _unusual(zone)


def _half(*largest: int) -> NDArray[np.intp]:
    """Return all triples of indices but 0 0 0, one of each triple and its opposite.

    It is the one that `_unusual` puts first.
    """
    axes = np.ix_(*(np.arange(-n, n + 1) for n in largest))
    triples = np.stack(np.broadcast_arrays(*axes), axis=-1).reshape(-1, 3)
    more_positive = np.sign(triples).sum(axis=1)
    # Of as many positive as negative indices the first one decides.
    first = np.take_along_axis(
        triples, np.argmax(triples != 0, axis=1)[:, np.newaxis], axis=1
    )[:, 0]
    kept = (more_positive > 0) | ((more_positive == 0) & (first > 0))
    return triples[kept].astype(np.intp)


def _unusual(indices: Sequence[int]) -> tuple[int, list[int]]:
    """Return a key that sorts (111) before (-111), and (200) before (002)."""
    return sum(i < 0 for i in indices), [-i for i in indices]


def _text(indices: Sequence[int], brackets: str) -> str:
    between = "" if max(map(abs, indices)) < 10 else " "
    return brackets[0] + between.join(map(str, indices)) + brackets[1]
