# SPDX-License-Identifier: GPL-3.0-or-later
"""Column height: how many atoms each column has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hrtemnn_training.images.site_labels import check_diameter, column_heights
from hrtemnn_training.metrics.metric import Metric
from hrtemnn_training.metrics.pixels import rmse
from hrtemnn_training.metrics.true_columns import read_columns, seen_columns

from ._kind import LabelKind, Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hrtemnn_training.baselines.baseline import Baseline
    from hrtemnn_training.images.grid import Grid
    from hrtemnn_training.images.sample import Sample
    from hrtemnn_training.store import Specimens


@dataclass(frozen=True)
class ColumnHeight(LabelKind):
    """Atoms in columns; predictions are a map of them, shape (1, y, x)."""

    name: ClassVar[str] = "Column height"
    task: ClassVar[Task] = "regression"
    plotted: ClassVar[tuple[Metric, ...]] = (
        Metric("height_rmse", less_is_better=True),
        Metric("height_accuracy", top=1.02),
    )

    @property
    def needed_channels(self) -> tuple[int, str]:
        """One channel."""
        return 1, "atoms in a column"

    def check_sampling(self, sampling: float) -> None:
        """Raise a ValueError if discs fall between pixels."""
        check_diameter(self.parameters.spotsize, sampling)

    def draw(self, sample: Sample, grid: Grid) -> NDArray[np.float32]:
        """Return the atoms in each column on its disc, shape (y, x, 1)."""
        return column_heights(sample.specimen.sites, self.parameters.spotsize, grid)

    def metrics(
        self, prediction: NDArray[np.floating], sample: Sample
    ) -> dict[str, float]:
        """Return errors of the heights of the true columns, and of the pixels.

        The height of a column is the median over its disc; it is right if it rounds
        to the number of its atoms.
        """
        label = self.draw(sample, sample.grid)
        metrics = {"rmse": rmse(prediction[0], label[..., 0])}
        truth = sample.specimen.sites.heights[seen_columns(sample)]
        found = read_columns(prediction[0], sample)
        if len(truth):
            metrics["height_rmse"] = rmse(found, truth)
            metrics["height_accuracy"] = float(np.mean(np.rint(found) == truth))
        return metrics

    def baselines(
        self,
        validation: Sequence[Sample],
        data: Specimens,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
    ) -> dict[str, Baseline]:
        """Return the brightness of columns as heights, by a straight line."""
        from hrtemnn_training.baselines.column_brightness import fit_heights

        return {"fitted brightness": fit_heights(validation)}
