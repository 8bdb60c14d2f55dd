# SPDX-License-Identifier: GPL-3.0-or-later
"""Column height: how many atoms each column has."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hrtemnn_training.images.site_labels import check_diameter, column_heights
from hrtemnn_training.metrics.atom_counts import AtomCounts, atom_metrics
from hrtemnn_training.metrics.metric import Metric

from ._kind import LabelKind, Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from hrtemnn_training.baselines.baseline import Baseline
    from hrtemnn_training.images.grid import Grid
    from hrtemnn_training.images.sample import Sample
    from hrtemnn_training.store import Specimens
    from hyperspy_hrtemnn.networks import Network


@dataclass(frozen=True)
class ColumnHeight(LabelKind):
    """Atoms in columns; predictions are `AtomCounts`.

    The map that a network is trained to give is the number of atoms on the disc of each
    column, and 0 elsewhere.
    """

    name: ClassVar[str] = "Column height"
    task: ClassVar[Task] = "regression"
    channel_names: ClassVar[tuple[str, ...]] = ("atoms",)
    # What tells a column of eight atoms from one of nine is its contrast.
    varies_intensity: ClassVar[bool] = False
    plotted: ClassVar[tuple[Metric, ...]] = (
        Metric("exact", top=1.02),
        Metric("within_one", top=1.02),
        Metric("atoms_rmse", unit="atoms", less_is_better=True),
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

    def predict(self, network: Network, sample: Sample) -> AtomCounts:
        """Return the columns in the map of a network, as users get them."""
        from hyperspy_hrtemnn.analysis import count_atoms

        found = count_atoms(super().predict(network, sample)[0])
        return AtomCounts(found.positions, found.atoms)

    def metrics(self, prediction: AtomCounts, sample: Sample) -> dict[str, float]:
        """Return the shares of columns with the right number, see `atom_metrics`."""
        return atom_metrics(prediction, sample)

    @property
    def dose_edges(self) -> tuple[float, ...]:
        """Powers of ten, and the ends of the doses of the images."""
        low, high = self.parameters.log_dose
        between = range(math.floor(low) + 1, math.ceil(high))
        return 10.0**low, *(10.0**n for n in between), 10.0**high

    def baselines(
        self,
        validation: Sequence[Sample],
        data: Specimens,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
    ) -> dict[str, Baseline]:
        """Return the brightness of columns as atoms, by a straight line.

        It is given the places of the columns.
        """
        from hrtemnn_training.baselines.column_brightness import fit_heights

        return {"fitted brightness": fit_heights(validation)}
