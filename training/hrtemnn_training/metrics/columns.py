# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics of atomic columns: matching with the true ones, confusion, atomic F1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import diags_array, hstack
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from scipy.spatial import cKDTree

from .pixels import f1_score, ratio
from .true_columns import true_columns, within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hrtemnn_training.images.sample import Sample

_HALF = 0.5

REACH = 1.0
"""Farthest a found column may be from the true one, publication III [Å]."""


@dataclass(frozen=True)
class ColumnPrediction:
    """Columns that were found.

    Parameters
    ----------
    positions
        (row, column) in the pixels of the camera, shape (column, 2).
    classes
        Class of each column, shape (column,).
    probabilities
        Probabilities they were found in, shape (class, y, x), if there are any.
    """

    positions: NDArray[np.floating]
    classes: NDArray[np.integer]
    probabilities: NDArray[np.floating] | None = None


def reach_of(positions: NDArray[np.floating]) -> float:
    """Return how far a found column may be from the true one [Å].

    The 1 Å of publication III, but never more than half the distance of neighbors:
    between the atoms of graphene, 1.42 Å apart, everything is within 1 Å of an atom.

    Parameters
    ----------
    positions
        Positions of the true columns, shape (column, 2) [Å].
    """
    if len(positions) < 2:
        return REACH
    distance, _ = cKDTree(positions).query(positions, k=2)
    return min(REACH, float(np.median(distance[:, 1])) / 2)


def match(
    found: NDArray[np.floating],
    truth: NDArray[np.floating],
    reach: float,
    found_classes: NDArray[np.integer] | None = None,
    true_classes: NDArray[np.integer] | None = None,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pair found with true columns, each at most once.

    As many pairs as possible; among these the most of one class, and the nearest.

    Parameters
    ----------
    found, truth
        Positions, shape (column, 2), in one unit.
    reach
        Largest distance of a pair, in that unit.
    found_classes, true_classes
        Class of each, shape (column,); by default all of one.

    Returns
    -------
    Indices of the found and of the true column of each pair.
    """
    none = np.zeros(0, np.intp)
    if not len(found) or not len(truth):
        return none, none
    near = cKDTree(found).sparse_distance_matrix(
        cKDTree(truth), reach, output_type="coo_matrix"
    )
    # Costs between 1 and 2, so that no edge is 0, which would be none.
    cost = 1 + 0.4 * near.data / reach
    if found_classes is not None and true_classes is not None:
        cost += 0.5 * (found_classes[near.row] != true_classes[near.col])
    near.data = cost
    # Whoever is found may stay alone, at a cost no exchange of pairs can save.
    alone = diags_array(np.full(len(found), len(found) + 3.0))
    edges = hstack([near, alone]).tocsr()
    rows, columns = min_weight_full_bipartite_matching(edges)
    paired = columns < len(truth)
    return rows[paired], columns[paired]


def confusion(
    pairs: tuple[NDArray[np.intp], NDArray[np.intp]],
    found_classes: NDArray[np.integer],
    true_classes: NDArray[np.integer],
    classes: int,
    *,
    found_counts: NDArray[np.bool_] | None = None,
    truth_counts: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:
    """Count the columns of each true class that were found as each class.

    Parameters
    ----------
    pairs
        Pairs from `match`.
    found_classes, true_classes
        Class of each, shape (column,).
    classes
        Number of classes.
    found_counts, truth_counts
        Whether each counts, shape (column,), by default all: at the edge of an image a
        column may be half seen. A pair counts with its true column; a found one whose
        partner does not count is not a mistake.

    Returns
    -------
    Shape (classes + 1, classes + 1): true class by found class; the last row are
    columns that are not there, the last column those that were missed.
    """
    if found_counts is None:
        found_counts = np.ones(len(found_classes), bool)
    if truth_counts is None:
        truth_counts = np.ones(len(true_classes), bool)
    matrix = np.zeros((classes + 1, classes + 1), np.int64)
    rows, columns = pairs
    counted = truth_counts[columns]
    ends = true_classes[columns[counted]], found_classes[rows[counted]]
    np.add.at(matrix, ends, 1)
    missed, false = truth_counts.copy(), found_counts.copy()
    missed[columns], false[rows] = False, False
    matrix[:-1, -1] = np.bincount(true_classes[missed], minlength=classes)
    matrix[-1, :-1] = np.bincount(found_classes[false], minlength=classes)
    return matrix


def atomic_f1(matrix: NDArray[np.integer]) -> float:
    """Return the atomic F1 score: equation 3.5 with 4.1 and 4.2 of the thesis.

    A true positive is a column that was found, and found to be of its class.

    Parameters
    ----------
    matrix
        Matrix from `confusion`.

    Returns
    -------
    From 0 to 1; nan without columns, found or true.
    """
    right = np.trace(matrix[:-1, :-1])
    found, true = matrix[:, :-1].sum(), matrix[:-1].sum()
    return ratio(2 * right, found + true)


def atomic_metrics(
    matrix: NDArray[np.integer], names: Sequence[str]
) -> dict[str, float]:
    """Return precision and recall of all columns and, if there are several, each class.

    Parameters
    ----------
    matrix
        Matrix from `confusion`.
    names
        Names of the classes.

    Returns
    -------
    ``atomic_f1``, ``precision`` and ``recall`` and, for several classes, ``precision
    NAME`` and ``recall NAME``; nan where nothing was found, or nothing is there.
    """
    right = np.diag(matrix)[:-1]
    found, true = matrix[:, :-1].sum(axis=0), matrix[:-1].sum(axis=1)
    metrics = {
        "atomic_f1": atomic_f1(matrix),
        "precision": ratio(right.sum(), found.sum()),
        "recall": ratio(right.sum(), true.sum()),
    }
    if len(names) > 1:
        for i, name in enumerate(names):
            metrics[f"precision {name}"] = ratio(right[i], found[i])
            metrics[f"recall {name}"] = ratio(right[i], true[i])
    return metrics


def column_metrics(
    prediction: ColumnPrediction,
    sample: Sample,
    names: Sequence[str],
    pixels: NDArray[np.bool_] | None = None,
) -> dict[str, float]:
    """Return atomic F1, precision and recall, and the confusion of the classes.

    A column counts if it is at least the reach of a match away from the edges of the
    image. ``perfect`` is 1 where atomic F1 is exactly 1, so that its mean is the share
    of such images. The position error is the root mean square of the distances of
    matched columns [Å]. ``A as B`` is the number of columns of class A that were found
    as B, ``none`` for what is not there or was missed.

    Parameters
    ----------
    prediction
        Columns that were found.
    sample
        Image with known columns.
    names
        Names of the classes.
    pixels
        True pixels of each class, shape (class, y, x), for the pixel F1 of the
        probabilities.
    """
    truth, true_classes = true_columns(sample)
    found = (prediction.positions + 0.5) * sample.grid.pixel
    found_classes = prediction.classes
    reach = reach_of(truth)
    pairs = match(found, truth, reach, found_classes, true_classes)
    matrix = confusion(
        pairs,
        found_classes,
        true_classes,
        len(names),
        found_counts=within(found, sample, reach),
        truth_counts=within(truth, sample, reach),
    )
    off = found[pairs[0]] - truth[pairs[1]]
    metrics = atomic_metrics(matrix, names)
    f1 = metrics["atomic_f1"]
    metrics |= {
        "perfect": f1 if np.isnan(f1) else float(f1 == 1),
        "position_error": float(np.sqrt(np.mean(np.sum(off**2, axis=1))))
        if len(off)
        else np.nan,
    }
    if prediction.probabilities is not None and pixels is not None:
        metrics["pixel_f1"] = f1_score(prediction.probabilities > _HALF, pixels)
    if len(names) > 1:
        ends = (*names, "none")
        metrics |= {
            f"{true} as {other}": int(matrix[i, j])
            for i, true in enumerate(ends)
            for j, other in enumerate(ends)
            if (i, j) != (len(names),) * 2
        }
    return metrics
