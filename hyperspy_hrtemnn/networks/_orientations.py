# SPDX-License-Identifier: GPL-3.0-or-later
"""Orientations: predictions averaged over rotated and mirrored images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]

_IMAGE = (-2, -1)


def average_orientations(
    run: Run, batch: NDArray[np.float32], *, spread: bool = False
) -> NDArray[np.float32]:
    """Return the mean prediction for images in their eight orientations.

    Parameters
    ----------
    run
        Function from a batch to the predictions, which are images of the same shape, or
        numbers for the whole image.
    batch
        Images, shape (N, channel, y, x).
    spread
        Whether to return the standard deviation of the eight predictions, too.

    Returns
    -------
    The mean, of the shape of a prediction, (N, class, ...). With the spread there are
    twice as many channels, first the means of all classes, then their deviations.
    """
    predictions = []
    for turns in range(4):
        for mirrored in (False, True):
            turned = np.rot90(batch, turns, _IMAGE)
            prediction = run(turned[..., ::-1] if mirrored else turned)
            if prediction.ndim == batch.ndim:
                prediction = prediction[..., ::-1] if mirrored else prediction
                prediction = np.rot90(prediction, -turns, _IMAGE)
            predictions.append(prediction)
    mean = np.asarray(np.mean(predictions, axis=0), np.float32)
    if not spread:
        return mean
    return np.concatenate([mean, _deviation(predictions, mean)], axis=1)


def _deviation(
    predictions: list[NDArray[np.float32]], mean: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the standard deviation around the mean, without a copy of all."""
    squares = np.zeros_like(mean)
    for prediction in predictions:
        squares += (prediction - mean) ** 2
    return np.sqrt(squares / len(predictions))
