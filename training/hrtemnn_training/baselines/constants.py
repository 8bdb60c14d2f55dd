# SPDX-License-Identifier: GPL-3.0-or-later
"""Constant predictions, whatever the image: the mean, and the most common class."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray


def mean_value(truths: Sequence[NDArray[np.float32]]) -> Callable[[Any], Any]:
    """Return the mean of some labels, shape (channel,), as the prediction of all."""
    mean = np.mean(truths, axis=0)
    return lambda _: mean


def most_common(truths: Sequence[NDArray[np.float32]]) -> Callable[[Any], Any]:
    """Return the most common of some one-hot labels as the prediction of all."""
    counts = Counter(int(truth.argmax()) for truth in truths)
    prediction = np.zeros_like(truths[0])
    prediction[counts.most_common(1)[0][0]] = 1
    return lambda _: prediction
