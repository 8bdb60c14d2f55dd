# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers about nanotubes: the most probable indices of regions and of whole tubes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

# Probability that a region says nothing true, as one in which the tube has a defect.
_WRONG = 0.02


def combined_probabilities(probabilities: ArrayLike) -> NDArray[np.float64]:
    """Return the probabilities of a whole tube, from those of its regions.

    The regions have the same indices and noise of their own, so that their
    probabilities are multiplied. Each is first mixed with 2 % of equal ones: a single
    region that is sure of something wrong does not decide.

    Parameters
    ----------
    probabilities
        Probabilities of each region, shape (region, pair).

    Returns
    -------
    Shape (pair,), adding up to 1.

    Examples
    --------
    >>> combined_probabilities([[0.6, 0.4], [0.9, 0.1]]).round(2)
    array([0.92, 0.08])
    """
    each = np.asarray(probabilities, float)
    mixed = (1 - _WRONG) * each + _WRONG / each.shape[1]
    total = np.log(mixed).sum(axis=0)
    share = np.exp(total - total.max())
    return np.asarray(share / share.sum())


def most_probable(
    probabilities: ArrayLike, names: Sequence[str], count: int = 3
) -> list[tuple[str, float]]:
    """Return the most probable names and their probabilities, the first the most.

    Parameters
    ----------
    probabilities
        One for each name.
    names
        The names, such as "11-6".
    count
        Number of names.
    """
    values = np.asarray(probabilities, float)
    best = np.argsort(-values, kind="stable")[:count]
    return [(names[i], float(values[i])) for i in best]
