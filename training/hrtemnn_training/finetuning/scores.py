# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of a fine-tuning: left-out parts of images as a user segments them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hrtemnn_training.evaluation.unbiased_threshold import add_simulations
from hrtemnn_training.metrics.summary import rounded
from hrtemnn_training.metrics.unbiased_area import UnbiasedArea
from hyperspy_hrtemnn.networks import predict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hrtemnn_training.recipe import Recipe
    from hyperspy_hrtemnn.networks import Network

    from .frames import Frame


class Judged:
    """What a network finds in the images, and how good that is where it is left out.

    Parameters
    ----------
    network
        The network.
    frames
        The images.
    recipe
        Label of the network.

    Attributes
    ----------
    probabilities
        Prediction of each image in its own pixels, shape (class, y, x).
    """

    def __init__(
        self, network: Network, frames: Sequence[Frame], recipe: Recipe
    ) -> None:
        self._network = network
        self._frames = frames
        self._recipe = recipe
        self.probabilities = [
            predict(network, frame.image.counts, frame.image.sampling)
            for frame in frames
        ]

    def scores(self, threshold: float) -> dict[str, Any]:
        """Return the means of F1, precision and recall over the left-out parts.

        Parameters
        ----------
        threshold
            Smallest probability of an object's pixel.

        Returns
        -------
        None where no left-out part has such a score, as without any object.
        """
        label: Any = self._recipe.label
        rows = [
            label.score_by_hand(probability, frame.image, frame.region, threshold)
            for probability, frame in zip(self.probabilities, self._frames, strict=True)
            if not frame.left_out.is_empty
        ]
        means = {}
        for name in rows[0]:
            known = [row[name] for row in rows if np.isfinite(row[name])]
            means[name] = rounded(np.mean(known)) if known else None
        return means

    def threshold_of_trained(self) -> float | None:
        """Return the threshold of unbiased area on the parts that are trained on.

        It could be chosen without any fine-tuning. None if the label has no area.
        """
        return self._areas(left_out=False).threshold()

    def threshold(self, waves: Path) -> float | None:
        """Return the threshold of unbiased area on left-out parts and simulations.

        There are as many of each, at most, so that they count alike.

        Parameters
        ----------
        waves
            Folder with the exit waves for validation.

        Returns
        -------
        None if the label has no area.
        """
        areas = self._areas(left_out=True)
        if areas.threshold() is None:
            return None
        count = sum(not frame.left_out.is_empty for frame in self._frames)
        add_simulations(
            areas, self._recipe, waves, self._network, most=count, progress=False
        )
        return areas.threshold()

    def _areas(self, *, left_out: bool) -> UnbiasedArea:
        areas = UnbiasedArea()
        if self._recipe.label.measures_area:
            for probability, frame in zip(
                self.probabilities, self._frames, strict=True
            ):
                region = frame.region if left_out else frame.trained_region
                if frame.image.mask is not None:
                    areas.add(probability[0][region], frame.image.mask[region])
        return areas
