# SPDX-License-Identifier: GPL-3.0-or-later
"""Surroundings of columns: how peaks must surround each other to be a crystal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# In distances of neighbors: nothing is nearer than the first, and up to the second all
# are neighbors.
_NEAREST, _FARTHEST = 0.85, 1.35

_MOST = 12  # peaks around one that are looked at

_FEWEST = 5  # peaks that can look like a crystal


@dataclass(frozen=True)
class Surroundings:
    """How far neighboring columns of a material are apart, and how many there are.

    Parameters
    ----------
    distance
        Distance of neighbors.
    neighbors
        Number of neighbors of most columns, such as 3 in a honeycomb.
    """

    distance: float
    neighbors: int

    @classmethod
    def of(cls, images: Sequence[NDArray[np.floating]]) -> Surroundings:
        """Return those of the true columns of some images, shape (column, 2) each.

        Where no image has two columns they are 2 apart, with no neighbors.
        """
        trees = [cKDTree(places) for places in images if len(places) > 1]
        if not trees:
            return cls(2.0, 0)
        nearest = [tree.query(tree.data, k=2)[0][:, 1] for tree in trees]
        distance = float(np.median(np.concatenate(nearest)))
        counts = [
            tree.query_ball_point(tree.data, _FARTHEST * distance, return_length=True)
            for tree in trees
        ]
        return cls(distance, int(np.bincount(np.concatenate(counts)).argmax()) - 1)

    def regular_shares(
        self,
        positions: NDArray[np.floating],
        heights: NDArray[np.floating],
        thresholds: NDArray[np.floating],
    ) -> NDArray[np.float64]:
        """Return which share of the peaks above each threshold is surrounded like that.

        One neighbor may be missing. Fewer than five peaks have a share of 0.

        Parameters
        ----------
        positions
            Shape (peak, 2), in the unit of `distance`.
        heights
            Shape (peak,).
        thresholds
            Shape (threshold,).
        """
        shares = np.zeros(len(thresholds))
        if len(positions) < _FEWEST:
            return shares
        distance, index = cKDTree(positions).query(
            positions, k=_MOST + 1, distance_upper_bound=_FARTHEST * self.distance
        )
        too_near = distance[:, 1:] < _NEAREST * self.distance
        # No neighbor is as one that is below every threshold.
        around = np.append(heights, -np.inf)[index[:, 1:]]
        for i, threshold in enumerate(thresholds):
            above = heights >= threshold
            seen = around >= threshold
            count = seen.sum(axis=1)
            regular = (
                (count >= self.neighbors - 1)
                & (count <= self.neighbors)
                & ~(seen & too_near).any(axis=1)
            )
            if above.sum() >= _FEWEST:
                shares[i] = regular[above].mean()
        return shares
