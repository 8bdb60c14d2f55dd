# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the two elements of an alloy particle are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.spatial import ConvexHull

if TYPE_CHECKING:
    from numpy.typing import NDArray

Arrangement = Literal["core-shell", "Janus", "disordered"]


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
        Of the atoms, shape (atom, 3) [Å].
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
    match arrangement:
        case "core-shell":
            faces = ConvexHull(positions).equations
            rank = (positions @ faces[:, :3].T + faces[:, 3]).max(axis=1)
        case "Janus":
            rank = positions @ rng.normal(size=3)
        case "disordered":
            rank = rng.random(len(positions))
    numbers = np.full(len(positions), elements[0], np.uint8)
    numbers[np.argsort(rank)[: round(concentration * len(positions))]] = elements[1]
    return numbers


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
        Atomic number of the second element; half of a column is no majority.
    """
    of_second = counts[:, elements == second].sum(axis=1, dtype=int)
    return np.asarray(2 * of_second > counts.sum(axis=1), np.intp)
