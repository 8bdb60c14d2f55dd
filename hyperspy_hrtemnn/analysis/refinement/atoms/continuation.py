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
    from .identities import Identities
    from .padded_series import PaddedSeries
    from .sheet_state import SheetState

# Longest bond [Å].
_BOND = 2.9


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
            # The sheet grows outwards only.
            tree = cKDTree(state.sites)
            distance, near = tree.query(sites.free, k=min(3, len(state)))
            nearer = series.outside(state.sites)[near] < outside[:, np.newaxis]
            wanted &= np.any(nearer & (distance < _BOND), axis=1)
        if not wanted.any():
            return state
        kinds = identities.usual(sites.free_sublattice[wanted])
        state = state.with_sites(sites.free[wanted], kinds)
