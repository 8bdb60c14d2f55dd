# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of a spectrum: what one thing in an image is, by its Fourier transform."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hrtemnn_training.images.sample import take_sample

from ._image_label import ImageLabel, f1_of_all

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hrtemnn_training.images.sample import Sample
    from hrtemnn_training.store import Specimen
    from hyperspy_hrtemnn.networks import Network

    Spectrum = NDArray[np.floating]


@dataclass(frozen=True)
class SpectrumLabel(ImageLabel):
    """A label of which the network sees a spectrum; it is one of single images."""

    sees_spectra: ClassVar[bool] = True
    varies_intensity: ClassVar[bool] = False  # a spectrum has no brightness

    @abstractmethod
    def spectrum(
        self, sample: Sample, rng: np.random.Generator | None
    ) -> tuple[Spectrum, tuple[float, float]]:
        """Return the spectrum of what the sample shows, and its steps [1/nm].

        Parameters
        ----------
        sample
            The sample.
        rng
            Source of how inexactly it is cut out, in training; None otherwise.
        """

    @abstractmethod
    def as_seen(
        self, spectrum: Spectrum, step: tuple[float, float], sampling: float
    ) -> NDArray[np.float32]:
        """Return a spectrum as a network sees it, of the shape of its images.

        Parameters
        ----------
        spectrum, step
            See `spectrum`.
        sampling
            Sampling that the highest frequency belongs to [Å].
        """

    def check(self) -> None:
        """Raise a ValueError if images are not single or not square."""
        x, y = self.parameters.image_size
        if x != y:
            raise ValueError(
                f"image_size: the label {self.name} is of square spectra, not of {x} "
                f"and {y} pixels"
            )
        if self.parameters.channels > 1:
            raise ValueError(f"multifocus: the label {self.name} is of single images")
        super().check()

    def pair(
        self,
        specimen: Specimen,
        *,
        sampling: float,
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return a spectrum as a network sees it, and its label.

        The whole field is imaged, and what the label is of is cut out of it as from an
        image of a user.

        Parameters
        ----------
        specimen
            Specimen that shows one thing of the kind.
        sampling
            Sampling that the highest frequency belongs to [Å].
        rng
            Source of all random choices.

        Returns
        -------
        Spectrum, shape (ky, kx, 1), and label.

        Raises
        ------
        ValueError
            If what the label tells is not known of the specimen.
        """
        sample = take_sample(specimen, self.parameters, sampling=sampling, rng=rng)
        image = self.as_seen(*self.spectrum(sample, rng), sampling)
        return image[..., np.newaxis], self.draw(sample, sample.grid)

    def validation_metrics(
        self,
        predicted: NDArray[np.float32],
        truth: NDArray[np.float32],
        threshold: float,  # noqa: ARG002
    ) -> dict[str, float]:
        """Return ``validation_f1`` of all images together, at 0.5."""
        return f1_of_all(predicted, truth)

    def predict(self, network: Network, sample: Sample) -> NDArray[np.float32]:
        """Return the prediction of a network from the spectrum."""
        from hyperspy_hrtemnn.networks import predict_spectra

        spectrum, step = self.spectrum(sample, None)
        prediction: NDArray[np.float32] = predict_spectra(network, [spectrum], step)[0]
        return prediction
