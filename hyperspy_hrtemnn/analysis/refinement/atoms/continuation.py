# SPDX-License-Identifier: GPL-3.0-or-later
"""Continuation: columns beyond the edge of the images, as the sheet goes on.

Electrons that they scatter are in the images, too. What is really there is not known;
where the images tell, the identities are found as of all others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .identities import Identities
    from .padded_series import PaddedSeries
    from .sheet_state import SheetState

# Distance of sites around one, bonded to it or to the same [Å], and share of them, of
# those nearer to the images, that has to be occupied.
_AROUND, _SHARE = 3.6, 0.7


def continued(
    state: SheetState, identities: Identities, series: PaddedSeries, reach: float
) -> SheetState:
    """Return a state with the columns that are expected beyond the images.

    Parameters
    ----------
    state
        The columns in the images.
    identities
        What is usual on each sublattice.
    series
        The images.
    reach
        How far beyond the images columns matter [Å].
    """
    while True:
        sites = identities.sites(state)
        outside = series.outside(sites.free)
        wanted = (outside > 0) & (outside < reach)
        if wanted.any():
            wanted &= _share_occupied(state.sites, sites.free, series) > _SHARE
        if not wanted.any():
            return state
        kinds = identities.usual(sites.free_sublattice[wanted])
        state = state.with_sites(sites.free[wanted], kinds)


def _share_occupied(
    occupied: NDArray[np.float64], free: NDArray[np.float64], series: PaddedSeries
) -> NDArray[np.float64]:
    """Return for free sites the share of the sites around that has a column.

    Only sites that are nearer to the images count: the sheet grows outwards.
    """
    outside = series.outside(free)
    counts = []
    for places in (occupied, free):
        of_places = series.outside(places)
        near = cKDTree(places).query_ball_point(free, _AROUND)
        counts.append(
            [
                sum(of_places[n] < limit - 0.1 for n in each)
                for each, limit in zip(near, outside, strict=True)
            ]
        )
    full, empty = np.array(counts, float)
    return np.asarray(full / np.maximum(full + empty, 1))
