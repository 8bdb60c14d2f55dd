# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics of the atoms of columns: how many columns have the right number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .columns import match, reach_of
from .pixels import ratio
from .true_columns import true_atoms, within

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hrtemnn_training.images.sample import Sample


@dataclass(frozen=True)
class AtomCounts:
    """Columns that were found, with their atoms.

    Parameters
    ----------
    positions
        (row, column) in the pixels of the camera, shape (column, 2).
    atoms
        Atoms of each column, not rounded, shape (column,).
    """

    positions: NDArray[np.floating]
    atoms: NDArray[np.floating]


def compare_counts(
    prediction: AtomCounts, sample: Sample
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the atoms that were found in each true column, and those it has.

    Parameters
    ----------
    prediction
        Columns that were found.
    sample
        Image with known columns.

    Returns
    -------
    Found and true atoms of the columns that are at least the reach of a match away from
    the edges of the image; found ones are NaN where no column was found.
    """
    truth, heights = true_atoms(sample)
    reach = reach_of(truth)
    places = (prediction.positions + 0.5) * sample.grid.pixel
    rows, columns = match(places, truth, reach)
    found = np.full(len(truth), np.nan)
    found[columns] = prediction.atoms[rows]
    counted = within(truth, sample, reach)
    return found[counted], heights[counted]


def atom_metrics(prediction: AtomCounts, sample: Sample) -> dict[str, float]:
    """Return how many columns have the right number of atoms.

    Parameters
    ----------
    prediction
        Columns that were found.
    sample
        Image with known columns.

    Returns
    -------
    Of the true columns the shares whose number of atoms is ``exact`` after rounding,
    ``within_one`` of it, and ``found`` at all; ``precision``, the share of the found
    columns that are true ones; and ``atoms_rmse``, the root mean square error of the
    numbers, not rounded, of the columns that were found. Nan where there are none.
    """
    found, true = compare_counts(prediction, sample)
    positions, _ = true_atoms(sample)
    reach = reach_of(positions)
    places = (prediction.positions + 0.5) * sample.grid.pixel
    rows, _ = match(places, positions, reach)
    counted = within(places, sample, reach)
    is_true = np.zeros(len(places), bool)
    is_true[rows] = True
    off = np.abs(np.rint(found) - true)  # NaN is neither
    error = (found - true)[np.isfinite(found)]
    return {
        "exact": ratio(np.count_nonzero(off == 0), len(true)),
        "within_one": ratio(np.count_nonzero(off <= 1), len(true)),
        "found": ratio(len(error), len(true)),
        "precision": ratio(
            np.count_nonzero(is_true & counted), np.count_nonzero(counted)
        ),
        "atoms_rmse": float(np.sqrt(np.mean(error**2))) if len(error) else np.nan,
    }
