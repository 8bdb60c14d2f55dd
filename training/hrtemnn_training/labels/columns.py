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
    atomic_metrics,
    column_metrics,
    confusion,
    match,
    reach_of,
)
from hrtemnn_training.metrics.metric import Metric
from hrtemnn_training.structures import Sites

from ._pixel_classes import PixelClasses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hrtemnn_training.baselines.baseline import Baseline
    from hrtemnn_training.images.grid import Grid
    from hrtemnn_training.images.sample import Sample
    from hrtemnn_training.store import Specimens
    from hyperspy_hrtemnn.jobs.labeled_images import LabeledImage
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

    def draw_by_hand(self, image: LabeledImage, grid: Grid) -> NDArray[Any]:
        """Return the label of the columns that someone has marked."""
        positions, classes = self._marked(image)
        sites = Sites(
            (positions[:, ::-1] * image.sampling).astype(np.float32),
            np.ones(len(positions), np.uint8),
            np.zeros(0, np.uint8),
            np.zeros((len(positions), 0), np.uint16),
            classes.astype(np.uint8),
            self.names,
        )
        return self.with_background(self.draw_sites(sites, grid))

    def _marked(
        self, image: LabeledImage
    ) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """Return places (y, x) from the corner of an image [its pixels], and classes.

        Raises
        ------
        ValueError
            If there are no points, or not of the classes of the network.
        """
        points, names = image.points, ", ".join(self.names)
        if points is None:
            raise ValueError(
                f"{image.label_path} has areas, and a network of columns needs points: "
                "a .csv with the columns x and y."
            )
        positions = points.positions + 0.5
        if points.classes is None:
            if self.objects > 1:
                raise ValueError(
                    f"{image.label_path} has no column class, and the network tells "
                    f"{names} apart."
                )
            return positions, np.zeros(len(positions), np.intp)
        unknown = sorted(set(points.classes) - set(self.names))
        if unknown and self.objects > 1:
            raise ValueError(
                f"{image.label_path} has the class {unknown[0]!r}, which the network "
                f"does not know; it knows {names}."
            )
        if self.objects == 1:
            return positions, np.zeros(len(positions), np.intp)
        return positions, np.array([self.names.index(c) for c in points.classes], int)

    def score_by_hand(
        self,
        probability: NDArray[np.floating],
        image: LabeledImage,
        region: tuple[slice, slice],
        threshold: float,  # noqa: ARG002 - columns have one of their own
    ) -> dict[str, float]:
        """Return atomic F1, precision and recall of the columns in a region."""
        from hyperspy_hrtemnn.analysis import find_columns

        columns = find_columns(probability[: self.objects])
        truth, true_classes = self._marked(image)
        found = columns.positions + 0.5
        reach = reach_of(truth * image.sampling) / image.sampling
        pairs = match(found, truth, reach, columns.classes, true_classes)
        matrix = confusion(
            pairs,
            columns.classes,
            true_classes,
            self.objects,
            found_counts=_inside(found, region),
            truth_counts=_inside(truth, region),
        )
        metrics = atomic_metrics(matrix, self.names)
        return {name: metrics[name] for name in ("atomic_f1", "precision", "recall")}

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


def _inside(
    places: NDArray[np.floating], region: tuple[slice, slice]
) -> NDArray[np.bool_]:
    """Return which places (y, x) are in rows and columns."""
    low = [part.start for part in region]
    high = [part.stop for part in region]
    return np.asarray(np.all((places >= low) & (places < high), axis=1))


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
