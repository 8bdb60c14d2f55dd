# SPDX-License-Identifier: GPL-3.0-or-later
"""Chirality: the pair of indices (n, m) of a nanotube, from its layer lines."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hrtemnn_training.images.tube_strip import tube_strip
from hrtemnn_training.metrics.metric import Metric
from hyperspy_hrtemnn.analysis import (
    chiral_angle,
    strip_spectrum,
    tube_diameter,
)
from hyperspy_hrtemnn.networks import layer_lines

from ._spectrum_label import SpectrumLabel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hrtemnn_training.baselines.baseline import Baseline
    from hrtemnn_training.images.grid import Grid
    from hrtemnn_training.images.sample import Sample
    from hrtemnn_training.store import Specimens

    from ._kind import Activation, Task

_PAIR = re.compile(r"([1-9]\d?)-(0|[1-9]\d?)")
_SHOWN = 3  # most probable pairs, as users get them


@dataclass(frozen=True)
class Chirality(SpectrumLabel):
    """Chiral indices of a nanotube; predictions are a probability of each pair.

    The categories are the pairs, as "11-6".
    """

    name: ClassVar[str] = "Chirality"
    task: ClassVar[Task] = "chirality"
    takes_categories: ClassVar[bool] = True
    plotted: ClassVar[tuple[Metric, ...]] = (
        Metric("accuracy", is_share=True, top=1.02),
        Metric("in_top_3", is_share=True, top=1.02),
        Metric("diameter_error", "Å", less_is_better=True),
        Metric("angle_error", "degrees", less_is_better=True),
    )

    @property
    def needed_channels(self) -> tuple[int, str]:
        """One channel for each pair, two at least."""
        return max(len(self.parameters.categories), 2), "one for each of the categories"

    @property
    def activation(self) -> Activation:
        """Softmax, because a tube has one pair of indices."""
        return "softmax"

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        """Pairs of indices, in the order of the categories."""
        return [_pair(text) for text in self.parameters.categories]

    def check(self) -> None:
        """Raise a ValueError if images are not single and square, or pairs repeat."""
        super().check()
        if len(set(self.pairs)) < len(self.pairs):
            raise ValueError("categories: a pair is there twice")

    def spectrum(
        self, sample: Sample, rng: np.random.Generator | None
    ) -> tuple[NDArray[np.floating], tuple[float, float]]:
        """Return the spectrum of the straightened tube, which lies along x."""
        return strip_spectrum(tube_strip(sample, rng), sample.pixel)

    def as_seen(
        self, spectrum: NDArray[np.floating], step: tuple[float, float], sampling: float
    ) -> NDArray[np.float32]:
        """Return its layer lines, one quarter, shape (across, along)."""
        return layer_lines(spectrum, step, sampling, self.parameters.image_size[0])

    def augment(
        self,
        image: NDArray[np.float32],
        label: NDArray[Any],
        rng: np.random.Generator,  # noqa: ARG002
    ) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """Return the pair: along and across a tube cannot be exchanged."""
        return image, label

    def draw(self, sample: Sample, grid: Grid) -> NDArray[np.float32]:  # noqa: ARG002
        """Return 1 for the pair of the tube and 0 for the others, shape (pair,)."""
        true = self._number_of(sample)
        return np.array([i == true for i in range(len(self.pairs))], np.float32)

    def _number_of(self, sample: Sample) -> int:
        """Return which of the pairs the tube has."""
        n, m = self._of(sample)
        if (n, m) not in self.pairs:
            raise ValueError(f"categories: the tube ({n}, {m}) is missing in them.")
        return self.pairs.index((n, m))

    def _of(self, sample: Sample) -> tuple[int, int]:
        values = sample.specimen.values
        if "n" not in values or "m" not in values:
            raise ValueError(
                "label: Chirality needs the indices of one tube to a field, which the "
                "generator nanotube knows where tubes is [1, 1]."
            )
        return int(values["n"]), int(values["m"])

    def metrics(
        self, prediction: NDArray[np.floating], sample: Sample
    ) -> dict[str, float]:
        """Return whether the pair is right, and how far off the most probable one is.

        ``in_top_3`` is whether it is among the three most probable pairs.
        """
        true = self._number_of(sample)
        best = np.argsort(-prediction, kind="stable")
        found, known = self.pairs[best[0]], self.pairs[true]
        off = tube_diameter(*found) - tube_diameter(*known)
        return {
            "accuracy": float(best[0] == true),
            "in_top_3": float(true in best[:_SHOWN]),
            "probability_of_truth": float(prediction[true]),
            "diameter_error": abs(off),
            "angle_error": abs(chiral_angle(*found) - chiral_angle(*known)),
        }

    def baselines(
        self,
        validation: Sequence[Sample],  # noqa: ARG002
        data: Specimens,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
    ) -> dict[str, Baseline]:
        """Return diameter and angle of the equatorial and layer lines."""
        from hrtemnn_training.baselines.equatorial_lines import equatorial_lines

        return {"equatorial lines": equatorial_lines(self.pairs)}


def _pair(text: str) -> tuple[int, int]:
    match = _PAIR.fullmatch(text)
    if match is None or int(match[1]) < int(match[2]):
        raise ValueError(
            f"categories: {text!r} is not a pair of chiral indices, the larger first, "
            'such as "11-6"'
        )
    return int(match[1]), int(match[2])
