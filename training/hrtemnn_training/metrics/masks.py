# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics of masks: F1, precision, recall and areas of probabilities of pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .pixels import f1_score, precision_recall

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_HALF = 0.5


@dataclass(frozen=True)
class MaskPrediction:
    """Probabilities of particles, and the threshold from which they count as seen.

    Parameters
    ----------
    probability
        Probability of each pixel for each class, shape (class, y, x).
    threshold
        Pixels of at least this probability belong to a particle.
    """

    probability: NDArray[np.floating]
    threshold: float = _HALF

    @property
    def found(self) -> NDArray[np.bool_]:
        """The particles, shape (class, y, x)."""
        return self.probability >= self.threshold


def mask_metrics(
    prediction: MaskPrediction, truth: NDArray[np.bool_], names: Sequence[str]
) -> dict[str, float]:
    """Return shares of the area, F1 at two thresholds, precision and recall.

    Metrics of several classes are of all their pixels together, and precision and
    recall also of each class. F1 is nan where the image shows no particle.

    Parameters
    ----------
    prediction
        Probabilities, with their threshold.
    truth
        True masks, shape (class, y, x).
    names
        Names of the classes.
    """
    found = prediction.found
    seen = truth.any()
    true_share, found_share = float(truth.mean()), float(found.mean())
    half = prediction.probability >= _HALF
    metrics = {
        "true_share": true_share,
        "found_share": found_share,
        "found_over_true_area": found_share / true_share if seen else np.nan,
        "f1": f1_score(found, truth) if seen else np.nan,
        "f1_half": f1_score(half, truth) if seen else np.nan,
    }
    metrics["precision"], metrics["recall"] = precision_recall(found, truth)
    if len(names) > 1:
        for i, name in enumerate(names):
            both = precision_recall(found[i], truth[i])
            metrics[f"precision {name}"], metrics[f"recall {name}"] = both
    return metrics
