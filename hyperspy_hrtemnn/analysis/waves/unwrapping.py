# SPDX-License-Identifier: GPL-3.0-or-later
"""Phase unwrapping of columns beyond one turn, from thin columns to thicker neighbors.

A single column does not show how many turns its phase has made. Its neighbors do, as in
any unwrapping of a phase in space: where the height of a crystal changes from column to
column by an atom or two, the phase of the thicker one is larger by a small step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import (
    breadth_first_order,
    connected_components,
    minimum_spanning_tree,
)
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

TURN = 2 * np.pi

# Longest distance of neighbors, in distances to the nearest. The six around a column of
# gold along [110] are at 1 and 1.15.
_NEIGHBORS = 1.5

# Largest step between neighbors [rad], three atoms of gold along [110]. Near a full
# turn the steps of a wedge are up to 85°, because columns hardly change the wave there.
_STEP = np.radians(100)

# Number that is added to steps, because a graph has no edge where the step is 0 [rad].
_NO_STEP = 1e-6


def unwrapped(
    phases: NDArray[np.float64],
    positions: ArrayLike,
    frames: ArrayLike | None = None,
) -> tuple[NDArray[np.float64], int]:
    """Unwrap the phases of columns beyond one turn, and count steps that are unsure.

    Columns are joined to patches by steps of the phase of up to 100°, the smallest
    first, and the lightest column of each patch keeps its phase. A patch in which even
    this column is beyond a turn is not recognized.

    Parameters
    ----------
    phases
        Phase of each column in the first turn [rad], shape (column,).
    positions
        Position of each column, in any unit, shape (column, 2).
    frames
        Frame of each column, shape (column,); by default all are in one.

    Returns
    -------
    The phases with multiples of a turn added, shape (column,); and the number of pairs
    of neighbors in two patches, one of them beyond half a turn: how often that one has
    gone around is not known.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a position is not finite.
    """
    places = np.asarray(positions, float)
    numbers = np.zeros(len(places)) if frames is None else np.asarray(frames)
    if phases.ndim != 1 or places.shape != (len(phases), 2):
        raise ValueError(
            f"There are phases of shape {phases.shape} and positions of shape "
            f"{places.shape}; (column,) and (column, 2) are needed."
        )
    if numbers.shape != phases.shape:
        raise ValueError(f"frames has the shape {numbers.shape}, not {phases.shape}.")
    if not np.isfinite(places).all():
        raise ValueError("positions has NaN or infinite ones; leave these columns out.")
    result = phases.copy()
    unsure = 0
    for number in np.unique(numbers):
        inside = np.flatnonzero(numbers == number)
        result[inside], pairs = _of_frame(phases[inside], places[inside])
        unsure += pairs
    return result, unsure


def _of_frame(
    phases: NDArray[np.float64], places: NDArray[np.float64]
) -> tuple[NDArray[np.float64], int]:
    count = len(phases)
    if count < 2:
        return phases, 0
    tree = cKDTree(places)
    nearest = tree.query(places, 2)[0][:, 1]
    first, second = tree.query_pairs(
        _NEIGHBORS * np.median(nearest), output_type="ndarray"
    ).T
    steps = np.abs(_wrapped(phases[second] - phases[first]))
    small = steps <= _STEP
    edges = steps[small] + _NO_STEP, (first[small], second[small])
    joined = minimum_spanning_tree(coo_matrix(edges, shape=(count, count)))
    result = phases.copy()
    patch_of = np.zeros(count, int)
    for number, patch in enumerate(_patches(joined)):
        patch_of[patch] = number
        order, before = breadth_first_order(joined, patch[0], directed=False)
        for column in order[1:]:
            step = _wrapped(phases[column] - phases[before[column]])
            result[column] = result[before[column]] + step
        lightest = patch[result[patch].argmin()]
        result[patch] -= result[lightest] - phases[lightest]
    apart = patch_of[first] != patch_of[second]
    beyond = np.fmax(result[first], result[second]) > np.pi
    return result, int(np.count_nonzero(apart & beyond & np.isfinite(steps)))


def _patches(joined: coo_matrix) -> list[NDArray[np.intp]]:
    """Return the columns of each connected part of a graph."""
    _, label = connected_components(joined, directed=False)
    order = np.argsort(label, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(label[order])) + 1)


def _wrapped(step: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return steps of a phase, wrapped to the shortest step [rad]."""
    return np.asarray((step + np.pi) % TURN - np.pi, np.float64)
