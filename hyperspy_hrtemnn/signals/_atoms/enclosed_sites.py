# SPDX-License-Identifier: GPL-3.0-or-later
"""Enclosed sites: which empty sites are vacancies, and which the edge of the sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from hyperspy_hrtemnn.analysis import find_vacancies
from hyperspy_hrtemnn.analysis.columns.table import neighbor_distance

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


def is_enclosed(sites: pd.DataFrame, columns: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which sites columns of their sublattice enclose, shape (site,).

    Parameters
    ----------
    sites, columns
        Tables of one frame with ``frame``, ``x`` and ``y``, and ``class`` of columns.
    """
    try:
        vacancies = find_vacancies(columns)
    except ValueError:  # too few columns for a lattice, which enclose nothing
        return np.zeros(len(sites), bool)
    if vacancies.empty:
        return np.zeros(len(sites), bool)
    near = neighbor_distance(columns) / 2
    tree = cKDTree(vacancies[["x", "y"]])
    distances, _ = tree.query(sites[["x", "y"]].to_numpy(float))
    return np.asarray(distances < near)
