# SPDX-License-Identifier: GPL-3.0-or-later
"""Gaussian filter: clean images without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

from hrtemnn_training.metrics.pixels import rmse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from hrtemnn_training.images.sample import Sample

_FILTERS = tuple(np.geomspace(0.1, 3.0, 16))
"""Standard deviations of the Gaussian filters [Å]."""


def tune_filter(
    validation: Sequence[Sample], truths: Sequence[NDArray[np.float32]]
) -> Callable[[Sample], NDArray[np.float32]]:
    """Return the Gaussian filter with the least mean RMSE.

    Parameters
    ----------
    validation
        Samples that the filter is tuned on.
    truths
        Clean images of each sample, shape (image, y, x).
    """

    def error(width: float) -> float:
        pairs = zip(validation, truths, strict=True)
        return float(np.mean([rmse(_smooth(s, width), truth) for s, truth in pairs]))

    width = min(_FILTERS, key=error)
    return lambda sample: _smooth(sample, width)


def _smooth(sample: Sample, width: float) -> NDArray[np.float32]:
    sigma = width / sample.sampling
    return np.stack([gaussian_filter(image, sigma) for image in sample.standardized])
