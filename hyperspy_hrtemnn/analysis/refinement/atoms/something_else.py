# SPDX-License-Identifier: GPL-3.0-or-later
"""Something else: how probable it is that a column is none of what was allowed.

Classes are compared with each other, so that the nearest one seems certain wherever
something else stands: an element that nobody named, or an atom on the sheet. Here a
column that is as strong as its class is compared with one of any strength.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from .identities import Site
    from .occupants import Sheet

OTHER = "other"
"""Name of what was not allowed, in the names of probabilities."""

# Share of the sites where it is expected: nobody knows it, and it is as rare as an
# antisite. Its strength, over that of a class, is anything up to this one.
_SHARE, _STRONGEST = 1e-3, 3.0

# Errors of strengths by the model itself, its potentials, vibrations, and what columns
# scatter into each other: of each column, and at most of all together. In images of two
# other simulators right columns are weaker by up to 0.04, all alike to 0.01.
_MODEL, _TOGETHER = 0.02, 0.05


def common_strength(
    occupancies: NDArray[np.float64], errors: NDArray[np.float64]
) -> float:
    """Return the mean strength of columns, by their errors.

    Parameters
    ----------
    occupancies, errors
        As of `probability_of_else`.
    """
    weights = 1 / (errors**2 + _MODEL**2)
    return (
        float(np.sum(weights * occupancies) / np.sum(weights)) if len(errors) else 1.0
    )


def probability_of_else(
    occupancies: NDArray[np.float64],
    errors: NDArray[np.float64],
    shares: NDArray[np.float64],
    probabilities: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return how probable it is that columns are something else, shape (column,).

    By Bayes' theorem, with the ratio of Savage and Dickey: how much better a column of
    any strength explains the images is how much less probable a strength of 1 becomes
    by them (Dickey, Ann. Math. Stat. 42, 204 (1971)).

    Parameters
    ----------
    occupancies, errors
        Strength of each column over that of its class, and its standard error.
    shares
        Share of such sites on which its class is expected.
    probabilities
        Probability of its class if it is one of those that were allowed.
    """
    variances = errors**2 + _MODEL**2
    at_one = -((occupancies - 1) ** 2) / variances - np.log(2 * math.pi * variances)
    odds = np.log(_SHARE / _STRONGEST) - at_one / 2
    tiny = np.finfo(float).tiny
    return np.asarray(expit(odds + np.log(np.maximum(probabilities, tiny) / shares)))


def with_something_else(
    table: pd.DataFrame, sites: Sequence[Site], layers: Sequence[Sheet]
) -> pd.DataFrame:
    """Return a table of columns with the probability that they are something else.

    Parameters
    ----------
    table
        ``class``, ``occupancy``, ``sigma_occupancy``, and the ``probability_`` of each
        class if it is one of those that were allowed.
    sites
        The site of each column.
    layers
        The sheets.

    Returns
    -------
    The table with ``probability_other``; the other probabilities are of what is left.
    """
    chances, names = table.filter(like="probability_"), table["class"].tolist()
    of_class = [chances[f"probability_{name}"].iloc[n] for n, name in enumerate(names)]
    shares = [
        _share(name, site.sublattice, layers)
        for name, site in zip(names, sites, strict=True)
    ]
    occupancies = table["occupancy"].to_numpy()
    errors = table["sigma_occupancy"].to_numpy()
    together = common_strength(occupancies, errors)
    other = probability_of_else(
        occupancies / min(max(together, 1 - _TOGETHER), 1 + _TOGETHER),
        errors,
        np.array(shares),
        np.array(of_class),
    )
    left = chances.mul(1 - other, axis=0)
    return table.assign(**left, **{f"probability_{OTHER}": other})


def _share(name: str, sublattice: int, layers: Sequence[Sheet]) -> float:
    """Return the share of the sites of a sublattice on which a class is expected."""
    if sublattice < 0:
        return 1.0
    occupants = layers[sublattice // 2].sublattices[sublattice % 2]
    shares = {each.name: each.share for each in occupants}
    return shares.get(name, min(shares.values()))
