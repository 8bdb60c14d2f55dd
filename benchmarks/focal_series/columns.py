# SPDX-License-Identifier: GPL-3.0-or-later
"""True columns of flakes of MX2, and names of classes whatever the elements are.

Upper is where the beam leaves the flake, at larger z, lower where it enters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from ase.data import atomic_numbers
from ase.formula import Formula

from hrtemnn_training.metrics.columns import reach_of
from hrtemnn_training.structures import column_of_atoms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hrtemnn_training.structures import Structure

CLASSES = ("1M", "2X", "1X upper", "1X lower", "C", "empty")
"""What may stand at a site."""


def elements(formula: str) -> tuple[str, str]:
    """Return M and X of MX2."""
    counts = Formula(formula).count()
    return min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)


def general_names(formula: str) -> dict[str, str]:
    """Return the general name of each class of a material, "1M" of "1Mo"."""
    m, x = elements(formula)
    sides = ("", " upper", " lower")
    names = {f"1{m}": "1M", f"2{x}": "2X", "C": "C", "empty": "empty"}
    return names | {f"1{x}{side}": f"1X{side}" for side in sides}


def true_columns(structure: Structure, formula: str) -> pd.DataFrame:
    """Return class and x, y, z [Å] of each column of a flake, and of each C below it.

    Atoms of one element that are nearer to each other in projection than half of what
    is between neighboring columns are one column, as in the labels of networks.
    """
    m, x = (atomic_numbers[symbol] for symbol in elements(formula))
    of_flake = structure.particles > 0
    positions = structure.positions.astype(float)
    metal = positions[of_flake & (structure.numbers == m)]
    radius = reach_of(structure.sites.positions)
    parts = [_table("1M", metal)]
    other = positions[of_flake & (structure.numbers == x)]
    column, _ = column_of_atoms(other, radius)
    count = np.bincount(column)
    sums = np.stack([np.bincount(column, each) for each in other.T], axis=1)
    means = np.asarray(sums / count[:, np.newaxis], np.float64)
    above = _above_middle(means, metal)
    names = np.where(count > 1, "2X", np.where(above, "1X upper", "1X lower"))
    carbon = positions[~of_flake & (structure.numbers == atomic_numbers["C"])]
    parts += [_table(names, means), _table("C", carbon)]
    return pd.concat(parts, ignore_index=True)


def _above_middle(
    places: NDArray[np.float64], metal: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return which places are above the plane through the atoms of M."""
    return np.asarray(_over(places, metal)[0] > 0)


def true_distance(columns: pd.DataFrame) -> float:
    """Return how far C is below the plane through the columns of M [Å].

    Parameters
    ----------
    columns
        From `true_columns`.
    """
    metal, carbon = (
        columns.loc[columns["class"] == name, ["x", "y", "z"]].to_numpy()
        for name in ("1M", "C")
    )
    heights, along = _over(carbon, metal)
    return float(-heights.mean() * along)


def _over(
    places: NDArray[np.float64], metal: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Return heights over the plane of M, and its normal's component along z."""
    ones = np.ones((len(metal), 1))
    plane, *_ = np.linalg.lstsq(np.hstack([metal[:, :2], ones]), metal[:, 2])
    heights = places[:, 2] - places[:, :2] @ plane[:2] - plane[2]
    return heights, float(1 / np.sqrt(1 + plane[:2] @ plane[:2]))


def _table(
    classes: str | NDArray[np.str_], places: NDArray[np.float64]
) -> pd.DataFrame:
    x, y, z = places.T
    return pd.DataFrame({"class": classes, "x": x, "y": y, "z": z}, copy=True)
