# SPDX-License-Identifier: GPL-3.0-or-later
"""Class: which of several texts is true of the image as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hrtemnn_training.metrics.metric import Metric

from ._image_label import ImageLabel, f1_of_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hrtemnn_training.baselines.baseline import Baseline
    from hrtemnn_training.images.grid import Grid
    from hrtemnn_training.images.sample import Sample
    from hrtemnn_training.store import Specimens

    from ._kind import Activation, Task


@dataclass(frozen=True)
class ImageClass(ImageLabel):
    """The class of the image; predictions are a probability for each, (class,)."""

    name: ClassVar[str] = "Class"
    task: ClassVar[Task] = "image classification"
    needs_value: ClassVar[bool] = True
    takes_categories: ClassVar[bool] = True
    plotted: ClassVar[tuple[Metric, ...]] = (
        Metric("accuracy", is_share=True, top=1.02),
    )

    @property
    def needed_channels(self) -> tuple[int, str]:
        """One channel for each category, two at least."""
        return max(len(self.parameters.categories), 2), "one for each category"

    @property
    def activation(self) -> Activation:
        """Softmax, because classes exclude each other."""
        return "softmax"

    def draw(self, sample: Sample, grid: Grid) -> NDArray[np.float32]:  # noqa: ARG002
        """Return 1 for the class of the image and 0 for the others, shape (class,)."""
        name, value = self.known_value(sample)
        categories = self.parameters.categories
        if value not in categories:
            raise ValueError(f"categories: {value!r} of {name} is missing in them.")
        return np.array([value == category for category in categories], np.float32)

    def validation_metrics(
        self,
        predicted: NDArray[np.float32],
        truth: NDArray[np.float32],
        threshold: float,  # noqa: ARG002
    ) -> dict[str, float]:
        """Return ``validation_f1`` of all images together, at 0.5."""
        return f1_of_all(predicted, truth)

    def metrics(
        self, prediction: NDArray[np.floating], sample: Sample
    ) -> dict[str, float]:
        """Return whether the most probable class is right, and what it is taken for."""
        names = self.parameters.categories
        true = int(np.argmax(self.draw(sample, sample.grid)))
        found = int(np.argmax(prediction))
        return {
            "accuracy": float(found == true),
            "probability_of_truth": float(prediction[true]),
            f"{names[true]} as {names[found]}": 1,
        }

    def baselines(
        self,
        validation: Sequence[Sample],
        data: Specimens,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
    ) -> dict[str, Baseline]:
        """Return the most common class."""
        from hrtemnn_training.baselines.constants import most_common

        return {"most common": most_common([self.draw(s, s.grid) for s in validation])}
