# SPDX-License-Identifier: GPL-3.0-or-later
"""Novelty of particles: how unlike the training of a network their places are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray


def novelty_of_particles(
    labels: NDArray[np.integer], novelty: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return the mean novelty of each particle of a frame.

    Parameters
    ----------
    labels
        Integer labels, 0 = background, below 0 = no data, shape (y, x).
    novelty
        Novelty of each pixel, NaN where there is no data, shape (y, x).

    Returns
    -------
    One value for each particle, by ascending label; NaN where nothing is known of it.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.array([[0, 2, 2], [5, 0, 2]])
    >>> novelty_of_particles(labels, np.array([[9, 1, 2], [4, 9, 3]])).tolist()
    [2.0, 4.0]
    """
    known = np.isfinite(novelty) & (labels > 0)
    ids = np.unique(labels[labels > 0])
    if not known.any():
        return np.full(len(ids), np.nan)
    with np.errstate(invalid="ignore"):
        values = ndimage.mean(novelty, np.where(known, labels, 0), ids)
    return np.asarray(values, float)
