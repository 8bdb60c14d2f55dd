# SPDX-License-Identifier: GPL-3.0-or-later
"""Exitwave: the exit wave that images were made of, its real and imaginary part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hrtemnn_training.images.wave_label import exit_wave
from hrtemnn_training.metrics.metric import Metric
from hrtemnn_training.metrics.pixels import rmse
from hyperspy_hrtemnn.analysis import compare_waves

from ._kind import LabelKind, Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hrtemnn_training.baselines.baseline import Baseline
    from hrtemnn_training.images.grid import Grid
    from hrtemnn_training.images.sample import Sample
    from hrtemnn_training.store import Specimens

# Largest shift of waves onto each other, as in `ExitWave.compare` [Å].
_LARGEST_SHIFT = 0.5


@dataclass(frozen=True)
class Exitwave(LabelKind):
    """The exit wave; predictions are its real and imaginary part, (2, y, x)."""

    name: ClassVar[str] = "Exitwave"
    task: ClassVar[Task] = "exit wave"
    is_wave: ClassVar[bool] = True
    plotted: ClassVar[tuple[Metric, ...]] = (
        Metric("rmse registered", less_is_better=True),
        Metric("rmse", less_is_better=True),
    )

    @property
    def needed_channels(self) -> tuple[int, str]:
        """Two channels."""
        return 2, "the real and the imaginary part"

    @property
    def empty(self) -> tuple[float, ...]:
        """The wave of the vacuum."""
        return 1.0, 0.0

    def draw(self, sample: Sample, grid: Grid) -> NDArray[np.float32]:
        """Return the real and the imaginary part of the wave, shape (y, x, 2)."""
        return exit_wave(sample.specimen.wave, sample.specimen.extent, grid)

    def metrics(
        self, prediction: NDArray[np.floating], sample: Sample
    ) -> dict[str, float]:
        """Return the RMSE of the wave, registered and as it is, and of its two parts.

        A shift of all columns alike is the lenses', which are unknown to the network.
        """
        truth = np.moveaxis(self.draw(sample, sample.grid), -1, 0)
        both = compare_waves(
            prediction[0] + 1j * prediction[1],
            truth[0] + 1j * truth[1],
            largest_shift=_LARGEST_SHIFT / sample.pixel,
        )
        return {
            "rmse registered": both["rmse_registered"],
            "rmse": rmse(prediction, truth),
            "rmse real": rmse(prediction[0], truth[0]),
            "rmse imaginary": rmse(prediction[1], truth[1]),
        }

    def baselines(
        self,
        validation: Sequence[Sample],  # noqa: ARG002
        data: Specimens,
        rng: np.random.Generator,
    ) -> dict[str, Baseline]:
        """Return the wave of the vacuum, and the true wave of another structure."""
        from hrtemnn_training.baselines.waves import constant_wave, scramble

        found: dict[str, Baseline] = {"constant wave": constant_wave}
        if len(data) > 1:  # one wave cannot be exchanged with another
            found["Y-scramble"] = scramble(data, rng)
        return found
