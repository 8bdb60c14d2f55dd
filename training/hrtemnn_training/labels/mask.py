# SPDX-License-Identifier: GPL-3.0-or-later
"""Mask: where particles are, all of them or each kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hrtemnn_training.images.outlines import masks
from hrtemnn_training.metrics.masks import MaskPrediction, mask_metrics
from hrtemnn_training.metrics.masks_by_camera import (
    camera_plan,
    dose_bins,
    mean_f1_by_camera,
    summarize_masks,
)
from hrtemnn_training.metrics.metric import Metric
from hyperspy_hrtemnn.networks import resample

from ._pixel_classes import PixelClasses

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from hrtemnn_training.baselines.baseline import Baseline
    from hrtemnn_training.images.grid import Grid
    from hrtemnn_training.images.keys import ImageKeys
    from hrtemnn_training.images.sample import Sample
    from hrtemnn_training.store import Specimens
    from hyperspy_hrtemnn.jobs.labeled_images import LabeledImage
    from hyperspy_hrtemnn.networks import Network

_HALF = 0.5


@dataclass(frozen=True)
class Mask(PixelClasses):
    """Where particles are; predictions are `MaskPrediction`."""

    name: ClassVar[str] = "Mask"
    takes_categories: ClassVar[bool] = True
    measures_area: ClassVar[bool] = True
    plotted: ClassVar[tuple[Metric, ...]] = (
        Metric("f1", top=1.02),
        Metric("found_over_true_area", top=1.5, ideal=1.0),
    )

    @property
    def needed_channels(self) -> tuple[int, str]:
        """One channel for each category, or for all particles; and the background."""
        classes = max(len(self.parameters.categories), 1) + self.has_background
        return classes, "one for each category, one for the background"

    @property
    def by_camera(self) -> bool:
        """Whether it is of one class in single images, evaluated with two cameras."""
        return (self.parameters.num_classes, self.parameters.channels) == (1, 1)

    def draw(self, sample: Sample, grid: Grid) -> NDArray[np.bool_]:
        """Return the masks of a sample, shape (y, x, class)."""
        return self.with_background(
            masks(sample.specimen, self.parameters.categories, grid)
        )

    def draw_by_hand(self, image: LabeledImage, grid: Grid) -> NDArray[np.bool_]:
        """Return the mask of an image that someone has labeled, shape (y, x, class)."""
        if self.objects > 1:
            raise ValueError(
                f"The network tells {', '.join(self.names)} apart, and a mask does not "
                "say which of them an object is; give a network of one class."
            )
        covered = resample(_drawn(image).astype(np.float32), grid.shape)
        return self.with_background(covered[..., np.newaxis] >= _HALF)

    def score_by_hand(
        self,
        probability: NDArray[np.floating],
        image: LabeledImage,
        region: tuple[slice, slice],
        threshold: float,
    ) -> dict[str, float]:
        """Return pixel F1, precision and recall of a mask."""
        shown = MaskPrediction(probability[0][region][np.newaxis], threshold)
        metrics = mask_metrics(shown, _drawn(image)[region][np.newaxis], self.names)
        return {name: metrics[name] for name in ("f1", "precision", "recall")}

    def predict(self, network: Network, sample: Sample) -> MaskPrediction:
        """Return the prediction of a network, with the threshold of its card."""
        probability = super().predict(network, sample)[: self.objects]
        return MaskPrediction(probability, network.card.unbiased_threshold)

    def metrics(self, prediction: MaskPrediction, sample: Sample) -> dict[str, float]:
        """Return shares of the area, F1 at two thresholds, precision and recall."""
        return mask_metrics(prediction, self._truth(sample), self.names)

    def probability_and_truth(
        self, prediction: MaskPrediction, sample: Sample
    ) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
        """Return the probability of pixels and whether they are an object's."""
        return prediction.probability, self._truth(sample)

    def _truth(self, sample: Sample) -> NDArray[np.bool_]:
        """Return the masks in the pixels of the camera, shape (class, y, x)."""
        return np.moveaxis(self.draw(sample, sample.grid), -1, 0)[: self.objects]

    def baselines(
        self,
        validation: Sequence[Sample],
        data: Specimens,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
    ) -> dict[str, Baseline]:
        """Return a threshold of the local contrast or brightness."""
        from hrtemnn_training.baselines.local_contrast import tune_threshold

        return {"threshold": tune_threshold(validation, self.objects)}

    def plan(self, count: int) -> Iterator[tuple[int, ImageKeys, dict[str, Any]]]:
        """Yield each structure once with each of two cameras, see `camera_plan`."""
        if self.by_camera:
            return camera_plan(self.parameters, count)
        return super().plan(count)

    @property
    def dose_edges(self) -> tuple[float, ...] | None:
        """Edges of the bins of the dose, those of the noise paper [e-/Å²]."""
        return dose_bins(self.parameters) if self.by_camera else None

    def summarize(self, rows: pd.DataFrame, threshold: float | None) -> dict[str, Any]:
        """Return ``cameras``, see `summarize_masks`, where both cameras were used."""
        if "dose_bin" not in rows:
            return {}
        return {"cameras": summarize_masks(rows, threshold)}

    def card_scores(self, summary: dict[str, Any]) -> dict[str, Any]:
        """Return the scores by camera and dose, and mean F1 of the baselines."""
        if not self.by_camera:
            return super().card_scores(summary)
        name, *others = summary
        own = summary[name]
        means = {name: mean_f1_by_camera(summary[name]["cameras"]) for name in others}
        return {
            **own["cameras"],
            "reliability": own["reliability"],
            "baselines": means,
        }


def _drawn(image: LabeledImage) -> NDArray[np.bool_]:
    if image.mask is None:
        raise ValueError(
            f"{image.label_path} has points, and a network of masks needs masks or "
            "outlines."
        )
    return image.mask
