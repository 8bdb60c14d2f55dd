# SPDX-License-Identifier: GPL-3.0-or-later
"""Clean image: the images without their noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hrtemnn_training.metrics.metric import Metric
from hrtemnn_training.metrics.pixels import psnr_and_ssim, rmse
from hyperspy_hrtemnn.networks import standardize

from ._kind import LabelKind, Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hrtemnn_training.baselines.baseline import Baseline
    from hrtemnn_training.images.grid import Grid
    from hrtemnn_training.images.sample import Sample
    from hrtemnn_training.store import Specimens
    from hyperspy_hrtemnn.networks import Network


@dataclass(frozen=True)
class CleanImage(LabelKind):
    """The images without noise, standardized; predictions have shape (image, y, x).

    The label is what the camera reads on average, spread by its MTF, with the mean and
    the deviation of the noisy images: the difference of image and label is the noise
    alone, regions without structure are 0 and not amplified, and a prediction can be
    taken back to counts.
    """

    name: ClassVar[str] = "Clean image"
    task: ClassVar[Task] = "denoising"
    measures_spread: ClassVar[bool] = True
    # The label would have to vary, too.
    varies_intensity: ClassVar[bool] = False
    plotted: ClassVar[tuple[Metric, ...]] = (
        Metric("psnr", unit="dB"),
        Metric("ssim", top=1.02),
    )

    @property
    def needed_channels(self) -> tuple[int, str]:
        """One channel for each image."""
        return self.parameters.channels, "one for each image of the input"

    def draw(self, sample: Sample, grid: Grid) -> NDArray[np.float32]:  # noqa: ARG002
        """Return the images without noise in pixels of the network, (y, x, image)."""
        return np.moveaxis(self._truth(sample), 0, -1)

    @staticmethod
    def _truth(sample: Sample) -> NDArray[np.float32]:
        """Return the label, shape (image, y, x)."""
        exposure = sample.exposure
        counts, clean = map(
            sample.at_work, (exposure.counts, exposure.expected_counts())
        )
        return standardize(clean, sample.width, reference=counts)

    def predict(self, network: Network, sample: Sample) -> NDArray[np.float32]:
        """Return the prediction of a network, in its own pixels.

        There mean and deviation of the noisy images are those that the label has.
        """
        from hyperspy_hrtemnn.networks import predict

        counts = sample.at_work(sample.exposure.counts)
        return predict(network, counts, sample.sampling)

    def metrics(
        self, prediction: NDArray[np.floating], sample: Sample
    ) -> dict[str, float]:
        """Return RMSE, PSNR and SSIM."""
        truth = self._truth(sample)
        psnr, ssim = psnr_and_ssim(np.asarray(prediction, np.float32), truth)
        return {"rmse": rmse(prediction, truth), "psnr": psnr, "ssim": ssim}

    def error_and_spread(
        self, network: Network, sample: Sample
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the error of the mean over the orientations, and their spread."""
        both = self.predict(network.averaged(spread=True), sample)
        truth = self._truth(sample)
        return both[: len(truth)] - truth, both[len(truth) :]

    def baselines(
        self,
        validation: Sequence[Sample],
        data: Specimens,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
    ) -> dict[str, Baseline]:
        """Return the Gaussian filter with the least error."""
        from hrtemnn_training.baselines.gaussian_filter import tune_filter

        truths = [self._truth(sample) for sample in validation]
        return {"Gaussian filter": tune_filter(validation, truths)}
