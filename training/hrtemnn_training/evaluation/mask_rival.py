# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks without a network: a threshold of the local contrast or brightness."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

from hrtemnn_training.images.labels import masks
from hyperspy_hrtemnn.networks import resample

from .mask_task import MaskAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from .mask_task import Masks
    from .shots import Shot

_WIDTHS = (0.0, 0.3, 0.6, 1.0, 2.0)
"""Of the Gaussian filters, from noise left in to lattice fringes left out [Å]."""

_WINDOWS = (2.0, 4.0, 8.0)
"""Over which contrast and brightness are averaged [Å]."""

_QUANTILES = np.linspace(0, 1, 101)[:-1]
"""At which of them thresholds are tried."""


def tune_threshold(
    task: Masks, validation: Sequence[Shot]
) -> Callable[[Shot], MaskAnswer]:
    """Return the best threshold of a local contrast or brightness, by its mean F1.

    The contrast is the mean of the square of the image between two Gaussian filters,
    which is large on lattice fringes; the brightness is the image under one, or its
    negative. What is found is all of the most common class.
    """
    candidates = [
        (window, low, high, 0)
        for window in _WINDOWS
        for low in _WIDTHS
        for high in (1.0, 2.0, 4.0)
        if low < high
    ] + [(window, 0.0, 0.0, sign) for window in _WINDOWS for sign in (1, -1)]
    truths = [
        masks(s.sample, s.parameters.categories, s.working_grid) for s in validation
    ]
    areas = np.sum([truth.sum(axis=(0, 1)) for truth in truths], axis=0)
    shown = [
        (shot, np.asarray(truth.any(axis=-1)))
        for shot, truth in zip(validation, truths, strict=True)
        if truth.any()
    ]
    best = (-1.0, candidates[0], np.inf)
    for candidate in candidates if shown else []:
        features = [_feature(shot, *candidate) for shot, _ in shown]
        edges = np.quantile(np.concatenate([f.ravel() for f in features]), _QUANTILES)
        scores = np.mean(
            [
                _f1_above(edges, feature, truth)
                for feature, (_, truth) in zip(features, shown, strict=True)
            ],
            axis=0,
        )
        best = max(best, (scores.max(), candidate, edges[scores.argmax()]))
    _, candidate, threshold = best

    def rival(shot: Shot) -> MaskAnswer:
        found = (_feature(shot, *candidate) > threshold).astype(np.float32)
        answer = np.zeros((len(task.names), *shot.grid.shape), np.float32)
        answer[areas.argmax()] = resample(found, shot.grid.shape) > 0.5
        return MaskAnswer(answer)

    return rival


def _feature(
    shot: Shot, window: float, low: float, high: float, sign: int
) -> NDArray[np.float32]:
    image = shot.standardized.mean(axis=0)
    if sign:
        return sign * _filtered(image, window, shot)
    band = _filtered(image, low, shot) - _filtered(image, high, shot)
    return _filtered(band**2, window, shot)


def _filtered(
    image: NDArray[np.float32], width: float, shot: Shot
) -> NDArray[np.float32]:
    if width == 0:
        return image
    filtered: NDArray[np.float32] = gaussian_filter(image, width / shot.sampling)
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
