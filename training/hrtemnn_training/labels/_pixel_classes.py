# SPDX-License-Identifier: GPL-3.0-or-later
"""Classes of pixels: what labels share whose channels are probabilities of pixels."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hrtemnn_training.metrics.pixels import mean_f1

from ._kind import Activation, LabelKind, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hrtemnn_training.images.grid import Grid
    from hyperspy_hrtemnn.jobs.labeled_images import LabeledImage


@dataclass(frozen=True)
class PixelClasses(LabelKind):
    """A label with a probability of each class for each pixel."""

    task: ClassVar[Task] = "segmentation"
    weighs_objects: ClassVar[bool] = True
    limits: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    @property
    def has_background(self) -> bool:
        """Whether the last class is the background; a single class never is."""
        return self.parameters.null_class and self.parameters.num_classes > 1

    @property
    def activation(self) -> Activation:
        """Softmax where the background makes classes exclude each other."""
        return "softmax" if self.has_background else "sigmoid"

    def validation_metrics(
        self,
        predicted: NDArray[np.float32],
        truth: NDArray[np.float32],
        threshold: float,
    ) -> dict[str, float]:
        """Return ``validation_f1``, the mean F1 of the images with an object."""
        shown = slice(self.objects)
        f1 = mean_f1(predicted[..., shown], truth[..., shown], threshold)
        return {"validation_f1": f1}

    def removable_weight(self, object_weight: float) -> float | None:
        """Return the weight of objects that can be taken out of the predictions."""
        return object_weight

    @abstractmethod
    def draw_by_hand(self, image: LabeledImage, grid: Grid) -> NDArray[Any]:
        """Return the label of an image that someone has labeled, shape (y, x, class).

        Parameters
        ----------
        image
            The image, with a mask or points.
        grid
            Pixels of the label, over the whole image, whose corner is (0, 0).

        Raises
        ------
        ValueError
            If the label needs something else than what was drawn.
        """

    @abstractmethod
    def score_by_hand(
        self,
        probability: NDArray[np.floating],
        image: LabeledImage,
        region: tuple[slice, slice],
        threshold: float,
    ) -> dict[str, float]:
        """Return F1, precision and recall of a prediction against what was drawn.

        Parameters
        ----------
        probability
            In the pixels of the image, shape (class, y, x).
        image
            The image, with a mask or points.
        region
            Rows and columns that count.
        threshold
            Smallest probability of an object's pixel, where that is asked.
        """

    def with_background(self, label: NDArray[Any]) -> NDArray[Any]:
        """Add what the classes leave of 1; classes that exceed 1 are scaled to it.

        Parameters
        ----------
        label
            Classes without the background, shape (y, x, class).
        """
        if not self.has_background:
            return label
        total = label.sum(axis=-1, keepdims=True)
        if label.dtype == bool:
            return np.concatenate([label, total == 0], axis=-1)
        return np.concatenate(
            [label / np.maximum(total, 1), 1 - np.minimum(total, 1)], axis=-1
        )
