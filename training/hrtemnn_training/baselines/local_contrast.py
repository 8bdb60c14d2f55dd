# SPDX-License-Identifier: GPL-3.0-or-later
"""Local contrast: masks by a threshold of contrast or brightness, without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

from hrtemnn_training.images.outlines import masks
from hrtemnn_training.metrics.masks import MaskPrediction
from hyperspy_hrtemnn.networks import resample

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from hrtemnn_training.images.sample import Sample

_WIDTHS = (0.0, 0.3, 0.6, 1.0, 2.0)
"""Widths of the Gaussian filters, from noise left in to fringes left out [Å]."""

_WINDOWS = (2.0, 4.0, 8.0)
"""Windows over which contrast and brightness are averaged [Å]."""

_QUANTILES = np.linspace(0, 1, 101)[:-1]
"""Quantiles at which thresholds are tried."""


def tune_threshold(
    validation: Sequence[Sample], classes: int
) -> Callable[[Sample], MaskPrediction]:
    """Return the best threshold of a local contrast or brightness, by its mean F1.

    The contrast is the mean of the square of the image between two Gaussian filters,
    which is large on lattice fringes; the brightness is the image under one, or its
    negative. What is found is all of the most common class.

    Parameters
    ----------
    validation
        Samples that the threshold is tuned on.
    classes
        Number of classes of particles.
    """
    candidates = [
        (window, low, high, 0)
        for window in _WINDOWS
        for low in _WIDTHS
        for high in (1.0, 2.0, 4.0)
        if low < high
    ] + [(window, 0.0, 0.0, sign) for window in _WINDOWS for sign in (1, -1)]
    truths = [
        masks(s.specimen, s.parameters.categories, s.working_grid) for s in validation
    ]
    areas = np.sum([truth.sum(axis=(0, 1)) for truth in truths], axis=0)
    shown = [
        (sample, np.asarray(truth.any(axis=-1)))
        for sample, truth in zip(validation, truths, strict=True)
        if truth.any()
    ]
    best = (-1.0, candidates[0], np.inf)
    for candidate in candidates if shown else []:
        features = [_feature(sample, *candidate) for sample, _ in shown]
        edges = np.quantile(np.concatenate([f.ravel() for f in features]), _QUANTILES)
        f1_means = np.mean(
            [
                _f1_above(edges, feature, truth)
                for feature, (_, truth) in zip(features, shown, strict=True)
            ],
            axis=0,
        )
        best = max(best, (f1_means.max(), candidate, edges[f1_means.argmax()]))
    _, candidate, threshold = best

    def baseline(sample: Sample) -> MaskPrediction:
        found = (_feature(sample, *candidate) > threshold).astype(np.float32)
        probability = np.zeros((classes, *sample.grid.shape), np.float32)
        probability[areas.argmax()] = resample(found, sample.grid.shape) > 0.5
        return MaskPrediction(probability)

    return baseline


def _feature(
    sample: Sample, window: float, low: float, high: float, sign: int
) -> NDArray[np.float32]:
    image = sample.standardized.mean(axis=0)
    if sign:
        return sign * _filtered(image, window, sample)
    band = _filtered(image, low, sample) - _filtered(image, high, sample)
    return _filtered(band**2, window, sample)


def _filtered(
    image: NDArray[np.float32], width: float, sample: Sample
) -> NDArray[np.float32]:
    if width == 0:
        return image
    filtered: NDArray[np.float32] = gaussian_filter(image, width / sample.sampling)
    return filtered


def _f1_above(
    thresholds: NDArray[np.floating],
    feature: NDArray[np.floating],
    truth: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Return the F1 score of what is above each of ascending thresholds."""

    def above(values: NDArray[np.floating]) -> NDArray[np.intp]:
        return len(values) - np.searchsorted(np.sort(values), thresholds, "right")

    both = above(feature[truth])
    return 2 * both / (above(feature.ravel()) + np.count_nonzero(truth))
