# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of answers that are images: exit waves, images without noise.

A network is asked as users ask it: it gets what the camera read, through the same
resampling, standardization and tiling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hrtemnn_training.images.wave_label import exit_wave
from hrtemnn_training.scores import psnr_and_ssim, rmse
from hyperspy_hrtemnn.analysis import compare_waves
from hyperspy_hrtemnn.networks import predict, standardize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.networks import Network

    from .shots import Shot

# Of waves onto each other, as in `ExitWave.compare` [Å].
_LARGEST_SHIFT = 0.5


def ask_pixels(network: Network, shot: Shot) -> NDArray[np.float32]:
    """Return a network's answer in the pixels of the camera, (channel, y, x).

    A network that takes fewer images gets the first ones of the focal series.
    """
    counts = shot.exposure.counts[: network.card.channels]
    return predict(network, counts, shot.pixel)


@dataclass(frozen=True)
class ExitWaves:
    """The exit wave; an answer is its real and imaginary part, (2, y, x)."""

    plotted: ClassVar[tuple[str, ...]] = ("rmse registered", "rmse")

    def ask(self, network: Network, shot: Shot) -> NDArray[np.float32]:
        """Return a network's answer."""
        return ask_pixels(network, shot)

    def score(self, answer: NDArray[np.floating], shot: Shot) -> dict[str, float]:
        """Return the RMSE of the wave, registered and as it is, and of its two parts.

        A shift of all columns alike is the lenses', which are unknown to the network.
        """
        truth = np.moveaxis(
            exit_wave(shot.sample.wave, shot.sample.extent, shot.grid), -1, 0
        )
        both = compare_waves(
            answer[0] + 1j * answer[1],
            truth[0] + 1j * truth[1],
            largest_shift=_LARGEST_SHIFT / shot.pixel,
        )
        return {
            "rmse registered": both["rmse_registered"],
            "rmse": rmse(answer, truth),
            "rmse real": rmse(answer[0], truth[0]),
            "rmse imaginary": rmse(answer[1], truth[1]),
        }


@dataclass(frozen=True)
class CleanImages:
    """The images without noise, standardized; an answer has the shape (image, y, x)."""

    plotted: ClassVar[tuple[str, ...]] = ("psnr", "ssim")

    def ask(self, network: Network, shot: Shot) -> NDArray[np.float32]:
        """Return a network's answer, in its own pixels.

        There mean and deviation of the noisy images are those that the label has.
        """
        return predict(network, shot.at_work(shot.exposure.counts), shot.sampling)

    def score(self, answer: NDArray[np.floating], shot: Shot) -> dict[str, float]:
        """Return RMSE, PSNR and SSIM."""
        truth = self.truth(shot)
        psnr, ssim = psnr_and_ssim(np.asarray(answer, np.float32), truth)
        return {"rmse": rmse(answer, truth), "psnr": psnr, "ssim": ssim}

    def truth(self, shot: Shot) -> NDArray[np.float32]:
        """Return the label, shape (image, y, x)."""
        counts, clean = map(
            shot.at_work, (shot.exposure.counts, shot.exposure.expected_counts())
        )
        return standardize(clean, shot.width, reference=counts)
