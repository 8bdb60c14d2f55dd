# SPDX-License-Identifier: GPL-3.0-or-later
"""Optics: defocus, twofold astigmatism and blur of an image, each with its error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hrtemnn_training.images.augmentation import draw_turn
from hrtemnn_training.images.rings import ring_input, true_optics
from hrtemnn_training.images.sample import take_sample
from hrtemnn_training.loss_names import OPTICS_LOSS
from hrtemnn_training.metrics.metric import Metric
from hrtemnn_training.metrics.optics import (
    coverage,
    error_factors,
    optics_errors,
    signed_errors,
)
from hyperspy_hrtemnn.analysis import ring_coordinates, ring_directions
from hyperspy_hrtemnn.networks import (
    MEASURED,
    OPTICS,
    OPTICS_ANSWER,
    OPTICS_INPUT,
    OPTICS_SCALE,
    PredictedOptics,
    read_optics,
)

from ._image_label import ImageLabel

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from hrtemnn_training.baselines.baseline import Baseline
    from hrtemnn_training.images.grid import Grid
    from hrtemnn_training.images.sample import Sample
    from hrtemnn_training.store import Specimen, Specimens
    from hyperspy_hrtemnn.networks import Network

    from ._kind import Task

# What a training begins with: the mean of the blur, and about the errors of who knows
# nothing. A defocus of zero would be the same for both signs, and never leave it.
_EMPTY = (3.0, 0.0, 0.0, 0.4, 3.5, 0.0, 0.0, -2.8, 0.0)


@dataclass(frozen=True)
class Optics(ImageLabel):
    """The lens of an image, from its ring spectrum; predictions have shape (9,)."""

    name: ClassVar[str] = "Optics"
    task: ClassVar[Task] = "image optics"
    sees_rings: ClassVar[bool] = True
    is_calibrated: ClassVar[bool] = True
    varies_intensity: ClassVar[bool] = False  # a spectrum has no brightness
    plotted: ClassVar[tuple[Metric, ...]] = (
        Metric("defocus_error", unit="Å", less_is_better=True),
        Metric("astigmatism_error", unit="Å", less_is_better=True),
        Metric("blur_error", unit="Å", less_is_better=True),
        Metric("sign_is_right", is_share=True, top=1.02),
    )

    @property
    def needed_channels(self) -> tuple[int, str]:
        """Values, their log variances and the log odds of the sign."""
        return len(OPTICS_ANSWER), ", ".join(OPTICS_ANSWER)

    @property
    def input_channels(self) -> int:
        """Channels of a ring spectrum."""
        return len(OPTICS_INPUT)

    @property
    def loss(self) -> str:
        """Likelihood of the lens."""
        return OPTICS_LOSS

    @property
    def empty(self) -> tuple[float, ...]:
        """What a training begins with."""
        return _EMPTY

    def check(self) -> None:
        """Raise a ValueError if there are no ring spectra of single images."""
        steps, directions = len(ring_coordinates()), len(ring_directions())
        if self.parameters.image_size != (steps, directions):
            raise ValueError(
                f"image_size: the label Optics is of ring spectra, {steps} and "
                f"{directions}, not {self.parameters.image_size}"
            )
        if self.parameters.channels > 1:
            raise ValueError("multifocus: the label Optics is of single images")
        super().check()

    def pair(
        self, specimen: Specimen, *, sampling: float, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the ring spectrum of an image as a network sees it, and its lens.

        Parameters
        ----------
        specimen
            Specimen whose whole field is imaged.
        sampling
            Working sampling of the recipe, which does not matter here [Å].
        rng
            Source of all random choices.

        Returns
        -------
        Spectrum, shape (direction, u, channel), and label, shape (value,).
        """
        sample = take_sample(specimen, self.parameters, sampling=sampling, rng=rng)
        image = np.moveaxis(ring_input(sample), 0, -1)
        return image, self.draw(sample, sample.grid)

    def draw(self, sample: Sample, grid: Grid) -> NDArray[np.float32]:  # noqa: ARG002
        """Return the values `OPTICS` in the units of the network, shape (value,)."""
        return np.asarray(true_optics(sample) / OPTICS_SCALE, np.float32)

    def augment(
        self,
        image: NDArray[np.float32],
        label: NDArray[Any],
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """Return a spectrum turned by any of its directions, and perhaps mirrored.

        A spectrum of half a turn returns after it, so that turns of images are shifts.
        """
        count = len(image)
        shift = int(rng.integers(count))
        mirrored = bool(draw_turn(image.shape, rng)[1])
        image, label = image.copy(), np.array(label)
        measured = image[..., :MEASURED]
        cosine, sine = label[1:3]
        if mirrored:
            measured, sine = measured[::-1], -sine
        turn = 2 * np.pi * shift / count  # twice the angle
        label[1] = cosine * np.cos(turn) - sine * np.sin(turn)
        label[2] = cosine * np.sin(turn) + sine * np.cos(turn)
        image[..., :MEASURED] = np.roll(measured, shift, axis=0)
        return image, label

    def validation_metrics(
        self,
        predicted: NDArray[np.float32],
        truth: NDArray[np.float32],
        threshold: float,  # noqa: ARG002
    ) -> dict[str, float]:
        """Return ``validation_rmse``, of the defocus with the better sign [Å]."""
        error = signed_errors(predicted, truth)[0][:, 0] * OPTICS_SCALE[0]
        return {"validation_rmse": float(np.sqrt(np.mean(error**2)))}

    def calibration(
        self, predicted: NDArray[np.float32], truth: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return what is added to the log variances, see `error_factors`."""
        added = np.zeros(len(OPTICS_ANSWER), np.float32)
        factors = error_factors(predicted, truth)
        added[len(OPTICS) : 2 * len(OPTICS)] = 2 * np.log(factors)
        return added

    def predict(self, network: Network, sample: Sample) -> PredictedOptics:
        """Return the lens that a network sees in a sample."""
        return read_optics(network.predict(ring_input(sample)[np.newaxis])[0])

    def metrics(self, prediction: PredictedOptics, sample: Sample) -> dict[str, float]:
        """Return the errors with the better sign, and whether the sign is right."""
        return optics_errors(prediction, true_optics(sample))

    def baselines(
        self,
        validation: Sequence[Sample],
        data: Specimens,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
    ) -> dict[str, Baseline]:
        """Return the Thon-ring fit, which is told energy and spherical aberration."""
        from hrtemnn_training.baselines.thon_rings import tune_thon_rings

        return {"Thon-ring fit": tune_thon_rings(validation)}

    def summarize(
        self,
        rows: pd.DataFrame,
        threshold: float | None,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Return ``coverage``, the shares of truths within one and two errors."""
        return {"coverage": coverage(rows)}
