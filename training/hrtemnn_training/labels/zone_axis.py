# SPDX-License-Identifier: GPL-3.0-or-later
"""Zone axis: whether a particle is on one, from its local Fourier transform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hrtemnn_training.images.spectrum import particle_spectrum
from hrtemnn_training.metrics.metric import Metric
from hyperspy_hrtemnn.networks import relative_spectrum

from ._spectrum_label import SpectrumLabel

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from hrtemnn_training.baselines.baseline import Baseline
    from hrtemnn_training.images.grid import Grid
    from hrtemnn_training.images.sample import Sample
    from hrtemnn_training.store import Specimens

    from ._kind import Activation, Task

_HALF = 0.5

# Sizes of the outlines of a segmentation, in those of the particles.
_DRAWN = (0.9, 1.2)


@dataclass(frozen=True)
class ZoneAxis(SpectrumLabel):
    """Whether the particle is on a zone axis; predictions are a probability, (1,)."""

    name: ClassVar[str] = "Zone axis"
    task: ClassVar[Task] = "zone axis"
    plotted: ClassVar[tuple[Metric, ...]] = (
        Metric("accuracy", is_share=True, top=1.02),
    )

    @property
    def needed_channels(self) -> tuple[int, str]:
        """One channel."""
        return 1, "the probability"

    @property
    def activation(self) -> Activation:
        """Sigmoid."""
        return "sigmoid"

    def check(self) -> None:
        """Raise a ValueError if images are not single, square and of an odd size."""
        x, y = self.parameters.image_size
        if x % 2 == 0:
            raise ValueError(
                "image_size: the label Zone axis is of square spectra with zero in the "
                f"middle of an odd number of pixels, not {x} and {y}"
            )
        super().check()

    def spectrum(
        self, sample: Sample, rng: np.random.Generator | None
    ) -> tuple[NDArray[np.floating], tuple[float, float]]:
        """Return the spectrum of the particle.

        In training it is cut out along an outline that is up to 10 % too small or 20 %
        too large.
        """
        drawn = 1.0 if rng is None else rng.uniform(*_DRAWN)
        return particle_spectrum(sample, drawn)

    def as_seen(
        self, spectrum: NDArray[np.floating], step: tuple[float, float], sampling: float
    ) -> NDArray[np.float32]:
        """Return it relative to its background, shape (ky, kx)."""
        return relative_spectrum(
            spectrum, step, sampling, self.parameters.image_size[0]
        )

    def draw(self, sample: Sample, grid: Grid) -> NDArray[np.float32]:  # noqa: ARG002
        """Return 1 on a zone axis, else 0, shape (1,)."""
        values = sample.specimen.values  # noqa: PD011 - not of pandas
        if "tilt" not in values:
            raise ValueError(
                "label: Zone axis needs the tilt of a particle, which the generator "
                "tilted particle knows."
            )
        is_on = float(values["tilt"]) <= self.parameters.max_tilt
        return np.array([is_on], np.float32)

    def metrics(
        self, prediction: NDArray[np.floating], sample: Sample
    ) -> dict[str, float]:
        """Return the probability, the truth, and whether they agree at one half."""
        probability, truth = float(prediction[0]), self._is_on(sample)
        return {
            "accuracy": float((probability > _HALF) == truth),
            "probability": probability,
            "on_axis": float(truth),
        }

    def _is_on(self, sample: Sample) -> bool:
        return bool(self.draw(sample, sample.grid)[0])

    def baselines(
        self,
        validation: Sequence[Sample],
        data: Specimens,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
    ) -> dict[str, Baseline]:
        """Return the brightness ratio of single spectra, with its best threshold."""
        from hrtemnn_training.baselines.brightness_ratio import (
            tune_brightness_ratio,
        )

        truth = np.array([self._is_on(sample) for sample in validation])
        return {"brightness ratio": tune_brightness_ratio(validation, truth)}

    def summarize(
        self,
        rows: pd.DataFrame,
        threshold: float | None,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Return ``roc_auc``, the area under the ROC curve, see `roc_auc`."""
        from hrtemnn_training.metrics.roc import roc_auc

        return {"roc_auc": roc_auc(rows)}

    def card_scores(self, summary: dict[str, Any]) -> dict[str, Any]:
        """Return the scores of the card, with the areas of all contenders."""
        areas = {name: part["roc_auc"] for name, part in summary.items()}
        return super().card_scores(summary) | {"roc_auc": areas}
