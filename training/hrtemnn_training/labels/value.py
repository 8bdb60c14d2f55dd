# SPDX-License-Identifier: GPL-3.0-or-later
"""Value: a number that is true of the image as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hrtemnn_training.metrics.metric import Metric

from ._image_label import ImageLabel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hrtemnn_training.baselines.baseline import Baseline
    from hrtemnn_training.images.grid import Grid
    from hrtemnn_training.images.sample import Sample
    from hrtemnn_training.store import Specimens

    from ._kind import Task


@dataclass(frozen=True)
class Value(ImageLabel):
    """A number of the image, in its own unit; predictions have shape (1,)."""

    name: ClassVar[str] = "Value"
    task: ClassVar[Task] = "image regression"
    needs_value: ClassVar[bool] = True
    plotted: ClassVar[tuple[Metric, ...]] = (
        Metric("absolute_error", less_is_better=True),
    )

    @property
    def needed_channels(self) -> tuple[int, str]:
        """One channel."""
        return 1, "the value"

    def draw(self, sample: Sample, grid: Grid) -> NDArray[np.float32]:  # noqa: ARG002
        """Return the value, shape (1,)."""
        name, value = self.known_value(sample)
        if isinstance(value, str):
            raise ValueError(
                f"value: {name} is a text, {value!r}; use the label Class."
            )
        return np.array([value], np.float32)

    def metrics(
        self, prediction: NDArray[np.floating], sample: Sample
    ) -> dict[str, float]:
        """Return the error, its size and its square."""
        error = float(prediction[0] - self.draw(sample, sample.grid)[0])
        return {"error": error, "absolute_error": abs(error), "squared_error": error**2}

    def baselines(
        self,
        validation: Sequence[Sample],
        data: Specimens,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
    ) -> dict[str, Baseline]:
        """Return the mean of the values."""
        from hrtemnn_training.baselines.constants import mean_value

        return {"mean": mean_value([self.draw(s, s.grid) for s in validation])}
