# SPDX-License-Identifier: GPL-3.0-or-later
"""Unaberrated image: what a lens without aberrations shows, with a phase plate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hrtemnn_training.images.phase_plate import phase_plate_image
from hrtemnn_training.metrics.metric import Metric
from hrtemnn_training.metrics.pixels import psnr_and_ssim, rmse
from hyperspy_hrtemnn.networks import local_scale

from ._kind import LabelKind, Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hrtemnn_training.baselines.baseline import Baseline
    from hrtemnn_training.images.grid import Grid
    from hrtemnn_training.images.sample import Sample
    from hrtemnn_training.store import Specimens
    from hyperspy_hrtemnn.networks import Network

# Contrast that is added to the local deviation, so that vacuum and the faintest sheets
# are not amplified [intensity of vacuum].
_FAINT = 0.02


@dataclass(frozen=True)
class UnaberratedImage(LabelKind):
    """The image without noise and aberrations, atoms bright, shape (1, y, x).

    It has a local mean of 0 and, where there is contrast, a local deviation of 1: how
    strong the contrast of a phase plate is, an image without one does not say.
    """

    name: ClassVar[str] = "Unaberrated image"
    task: ClassVar[Task] = "aberration removal"
    plotted: ClassVar[tuple[Metric, ...]] = (
        Metric("psnr", unit="dB"),
        Metric("ssim", top=1.02),
    )

    @property
    def needed_channels(self) -> tuple[int, str]:
        """One channel."""
        return 1, "the image without aberrations"

    def draw(self, sample: Sample, grid: Grid) -> NDArray[np.float32]:  # noqa: ARG002
        """Return the image in pixels of the network, shape (y, x, 1)."""
        return self._truth(sample)[..., np.newaxis]

    @staticmethod
    def _truth(sample: Sample) -> NDArray[np.float32]:
        image = phase_plate_image(sample.specimen, sample.exposure)
        (image,) = sample.at_work(image[np.newaxis])
        mean, deviation = local_scale(image, sample.width)
        return np.asarray((image - mean) / (deviation + _FAINT), np.float32)

    def predict(self, network: Network, sample: Sample) -> NDArray[np.float32]:
        """Return the prediction of a network, in its own pixels."""
        from hyperspy_hrtemnn.networks import predict

        counts = sample.at_work(sample.exposure.counts[: network.card.channels])
        return predict(network, counts, sample.sampling)

    def metrics(
        self, prediction: NDArray[np.floating], sample: Sample
    ) -> dict[str, float]:
        """Return RMSE, PSNR and SSIM."""
        truth = self._truth(sample)[np.newaxis]
        psnr, ssim = psnr_and_ssim(np.asarray(prediction, np.float32), truth)
        return {"rmse": rmse(prediction, truth), "psnr": psnr, "ssim": ssim}

    def baselines(
        self,
        validation: Sequence[Sample],
        data: Specimens,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
    ) -> dict[str, Baseline]:
        """Return the Gaussian filter with the least error, of the image as it is."""
        from hrtemnn_training.baselines.gaussian_filter import tune_filter

        truths = [self._truth(sample)[np.newaxis] for sample in validation]
        return {"Gaussian filter": tune_filter(validation, truths)}
