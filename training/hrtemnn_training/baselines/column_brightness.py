# SPDX-License-Identifier: GPL-3.0-or-later
"""Column brightness: heights of columns by a straight line, without a network."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

from hrtemnn_training.metrics.atom_counts import AtomCounts
from hrtemnn_training.metrics.true_columns import read_columns, seen_columns
from hyperspy_hrtemnn.networks import resample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hrtemnn_training.baselines.baseline import Baseline
    from hrtemnn_training.images.sample import Sample

_WIDTHS = (0.15, 0.25, 0.35, 0.5, 0.7, 0.9)
"""Widths of the Gaussian filter [Å]."""


def fit_heights(validation: Sequence[Sample]) -> Baseline:
    """Return the brightness of columns as atoms, by the straight line that fits best.

    It does not look for columns: it is given their true places. The width of the
    Gaussian filter and the image of a focal series are those with which the line leaves
    the least error.
    """
    heights = np.concatenate(
        [s.specimen.sites.heights[seen_columns(s)] for s in validation]
    )
    best = (np.inf, (_WIDTHS[0], 0), np.array([0.0, 0.0]))
    for candidate in product(_WIDTHS, range(validation[0].parameters.channels)):
        values = np.concatenate(
            [read_columns(_brightness(s, *candidate), s) for s in validation]
        )
        ones = np.stack([values, np.ones_like(values)], axis=1)
        line = np.linalg.lstsq(ones, heights, rcond=None)[0]
        error = float(np.sum((ones @ line - heights) ** 2))
        best = min(best, (error, candidate, line), key=lambda b: b[0])
    _, candidate, (slope, offset) = best

    def baseline(sample: Sample) -> AtomCounts:
        places = sample.specimen.sites.positions[seen_columns(sample)]
        values = read_columns(_brightness(sample, *candidate), sample)
        return AtomCounts(sample.grid.indices(places), slope * values + offset)

    return baseline


def _brightness(sample: Sample, width: float, channel: int) -> NDArray[np.float32]:
    filtered = gaussian_filter(sample.standardized[channel], width / sample.sampling)
    return resample(filtered, sample.grid.shape)
