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


def average_orientations(run: Run, batch: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean prediction for images in their eight orientations.

    Parameters
    ----------
    run
        Function from a batch to the predictions, which are images of the same shape, or
        numbers for the whole image.
    batch
        Images, shape (N, channel, y, x).
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
    return np.asarray(np.mean(predictions, axis=0), np.float32)
