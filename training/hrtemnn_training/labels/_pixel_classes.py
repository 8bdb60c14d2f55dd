# SPDX-License-Identifier: GPL-3.0-or-later
"""Classes of pixels: what labels share whose channels are probabilities of pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hrtemnn_training.metrics.pixels import mean_f1

from ._kind import Activation, LabelKind, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
