# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of masks: where particles are, from a probability for each pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hrtemnn_training.images.labels import masks
from hrtemnn_training.scores import f1_score, precision_recall

from .pixel_tasks import ask_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.networks import Network

    from .shots import Shot

_HALF = 0.5


@dataclass(frozen=True)
class MaskAnswer:
    """How likely particles are, and from when on they are taken for seen.

    Parameters
    ----------
    probability
        Of each pixel for each class, shape (class, y, x).
    threshold
        Pixels of at least this probability belong to a particle.
    """

    probability: NDArray[np.floating]
    threshold: float = _HALF

    @property
    def found(self) -> NDArray[np.bool_]:
        """The particles, shape (class, y, x)."""
        return self.probability >= self.threshold


@dataclass(frozen=True)
class Masks:
    """Where particles are.

    Scores of several classes are of all their pixels together.

    Parameters
    ----------
    names
        Of the classes, without the background.
    """

    names: tuple[str, ...]
    plotted: ClassVar[tuple[str, ...]] = ("f1", "found_over_true_area")

    def ask(self, network: Network, shot: Shot) -> MaskAnswer:
        """Return a network's answer, with the threshold of its card."""
        probability = ask_pixels(network, shot)[: len(self.names)]
        return MaskAnswer(probability, network.card.unbiased_threshold)

    def truth(self, shot: Shot) -> NDArray[np.bool_]:
        """Return the label, shape (class, y, x)."""
        label = masks(shot.sample, shot.parameters.categories, shot.grid)
        return np.moveaxis(label, -1, 0)

    def score(self, answer: MaskAnswer, shot: Shot) -> dict[str, float]:
        """Return shares of the area, F1 at two thresholds, precision and recall.

        F1 is nan where the image shows no particle.
        """
        truth = self.truth(shot)
        found = answer.found
        seen = truth.any()
        true_share, found_share = float(truth.mean()), float(found.mean())
        half = answer.probability >= _HALF
        scores = {
            "true_share": true_share,
            "found_share": found_share,
            "found_over_true_area": found_share / true_share if seen else np.nan,
            "f1": f1_score(found, truth) if seen else np.nan,
            "f1_half": f1_score(half, truth) if seen else np.nan,
        }
        scores["precision"], scores["recall"] = precision_recall(found, truth)
        if len(self.names) > 1:
            for i, name in enumerate(self.names):
                both = precision_recall(found[i], truth[i])
                scores[f"precision {name}"], scores[f"recall {name}"] = both
        return scores
