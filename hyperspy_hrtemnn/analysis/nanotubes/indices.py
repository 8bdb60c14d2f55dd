# SPDX-License-Identifier: GPL-3.0-or-later
"""Chiral indices (n, m) of carbon nanotubes, with their diameters and angles.

Saito, Dresselhaus and Dresselhaus, Physical Properties of Carbon Nanotubes (1998).
"""

from __future__ import annotations

import math

BOND = 1.42
"""Length of a bond of graphene [Å]."""

LATTICE = math.sqrt(3) * BOND
"""Lattice constant of graphene [Å]."""


def tube_diameter(n: int, m: int) -> float:
    """Return the diameter of a nanotube, a √(n² + nm + m²) / π [Å].

    Equation 3.2 of the reference.

    Parameters
    ----------
    n, m
        Chiral indices.

    Examples
    --------
    >>> round(tube_diameter(11, 6), 2)
    11.69
    """
    return LATTICE * math.sqrt(n**2 + n * m + m**2) / math.pi


def chiral_angle(n: int, m: int) -> float:
    """Return the angle to the zigzag direction, 0 (zigzag) to 30 (armchair) [degrees].

    Equation 3.4 of the reference.

    Parameters
    ----------
    n, m
        Chiral indices, n not less than m.

    Examples
    --------
    >>> round(chiral_angle(11, 6), 1)
    20.4
    """
    return math.degrees(math.atan2(math.sqrt(3) * m, 2 * n + m))


def tube_indices(least: float, most: float) -> list[tuple[int, int]]:
    """Return all indices (n, m), n not less than m, of tubes between two diameters.

    The mirror image (m, n) of a tube is not listed apart.

    Parameters
    ----------
    least, most
        Diameters, both included [Å].

    Examples
    --------
    >>> tube_indices(6.5, 7.0)
    [(5, 5), (6, 4), (7, 3), (8, 1)]
    """
    largest = math.floor(math.pi * most / LATTICE)
    pairs = ((n, m) for n in range(1, largest + 1) for m in range(n + 1))
    return [pair for pair in pairs if least <= tube_diameter(*pair) <= most]
