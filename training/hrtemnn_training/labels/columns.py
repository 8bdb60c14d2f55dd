# SPDX-License-Identifier: GPL-3.0-or-later
"""Disk and Gaussian: where atomic columns of each class are."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hrtemnn_training.images.site_labels import check_diameter, discs, gaussians
from hrtemnn_training.metrics.columns import (
    ColumnPrediction,
    column_metrics,
)
from hrtemnn_training.metrics.metric import Metric

from ._pixel_classes import PixelClasses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hrtemnn_training.baselines.baseline import Baseline
    from hrtemnn_training.images.grid import Grid
    from hrtemnn_training.images.sample import Sample
    from hrtemnn_training.store import Specimens
    from hrtemnn_training.structures import Sites
    from hyperspy_hrtemnn.networks import Network

_HALF = 0.5


@dataclass(frozen=True)
class AtomicColumns(PixelClasses):
    """Where columns of each class are; predictions are `ColumnPrediction`."""

    classifies_columns: ClassVar[bool] = True
    plotted: ClassVar[tuple[Metric, ...]] = (
        Metric("atomic_f1", top=1.02),
        Metric("perfect", is_share=True, top=1.02),
        Metric("position_error", unit="Å", less_is_better=True),
    )

    @abstractmethod
    def draw_sites(self, sites: Sites, grid: Grid) -> NDArray[Any]:
        """Return the label of sites without the background, shape (y, x, class)."""

    def draw(self, sample: Sample, grid: Grid) -> NDArray[Any]:
        """Return the label of the columns, shape (y, x, class)."""
        sites = sample.specimen.sites
        if len(sites.names) != self.objects:
            with_null = self.parameters.null_class
            raise ValueError(
                f"num_classes: the sites are of the classes {', '.join(sites.names)}"
                f"{' and there is a null class' if with_null else ''}, so it "
                f"must be {len(sites.names) + with_null}, not "
                f"{self.parameters.num_classes}."
            )
        return self.with_background(self.draw_sites(sites, grid))

    def predict(self, network: Network, sample: Sample) -> ColumnPrediction:
        """Return the columns in the probabilities of a network."""
        from hyperspy_hrtemnn.analysis import find_columns

        probabilities = super().predict(network, sample)[: self.objects]
        found = find_columns(probabilities)
        return ColumnPrediction(found.positions, found.classes, probabilities)

    def metrics(self, prediction: ColumnPrediction, sample: Sample) -> dict[str, float]:
        """Return the metrics of the columns, and pixel F1 of their probabilities."""
        pixels = None
        if prediction.probabilities is not None:
            label = np.moveaxis(self.draw(sample, sample.grid), -1, 0)
            pixels = label[: self.objects] > _HALF
        return column_metrics(prediction, sample, self.names, pixels)

    def baselines(
        self,
        validation: Sequence[Sample],
        data: Specimens,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
    ) -> dict[str, Baseline]:
        """Return the matched filter, with classes by intensity."""
        from hrtemnn_training.baselines.column_search import (
            tune_column_search,
        )

        return {"matched filter": tune_column_search(validation)}


@dataclass(frozen=True)
class Disk(AtomicColumns):
    """A disc at each column, of the diameter `spotsize`."""

    name: ClassVar[str] = "Disk"

    def check_sampling(self, sampling: float) -> None:
        """Raise a ValueError if discs fall between pixels."""
        check_diameter(self.parameters.spotsize, sampling)

    def draw_sites(self, sites: Sites, grid: Grid) -> NDArray[np.bool_]:
        """Return discs at the sites, shape (y, x, class)."""
        return discs(sites, self.parameters.spotsize, grid)


@dataclass(frozen=True)
class Gaussian(AtomicColumns):
    """A Gaussian at each column, of the standard deviation `spotsize`."""

    name: ClassVar[str] = "Gaussian"
    aliases: ClassVar[tuple[str, ...]] = ("Blob",)  # listing A.1

    def draw_sites(self, sites: Sites, grid: Grid) -> NDArray[np.float32]:
        """Return Gaussians at the sites, shape (y, x, class)."""
        return gaussians(sites, self.parameters.spotsize, grid)

    def removable_weight(self, object_weight: float) -> float | None:
        """Return 1 if objects had no weight of their own, else None.

        Of blurred labels predictions are not probabilities, and the weight of a pixel
        that is known to be half an object's does not change what half is.
        """
        return object_weight if object_weight == 1 else None
