# SPDX-License-Identifier: GPL-3.0-or-later
"""Label kind: everything that differs from one label to another, as one object."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from hrtemnn_training.images.augmentation import draw_turn, turn, vary_intensity
from hrtemnn_training.images.sample import take_sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from hrtemnn_training.baselines.baseline import Baseline
    from hrtemnn_training.images.grid import Grid
    from hrtemnn_training.images.keys import ImageKeys
    from hrtemnn_training.images.sample import Sample
    from hrtemnn_training.metrics.metric import Metric
    from hrtemnn_training.store import Specimen, Specimens
    from hyperspy_hrtemnn.networks import Network

Activation = Literal["sigmoid", "softmax", "linear"]

Task = Literal[
    "segmentation",
    "exit wave",
    "regression",
    "denoising",
    "aberration removal",
    "image classification",
    "image regression",
    "image optics",
    "zone axis",
    "chirality",
    "chemical order",
]
"""Tasks of the card, see `hyperspy_hrtemnn.networks.Card`."""

_LOSSES = {
    "sigmoid": "binary_crossentropy",
    "softmax": "categorical_crossentropy",
    "linear": "mean_squared_error",
}


@dataclass(frozen=True)
class LabelKind(ABC):
    """A label: channels, loss, drawing, predictions, metrics, baselines and card.

    A subclass names itself by `name` and says what differs from a regression of
    pixels, which is what this class describes. Baselines and networks are imported
    where they are used, so that a recipe is read quickly.

    Parameters
    ----------
    parameters
        Keys of the images.
    names
        Names of the classes without the background, for the metrics of each class.

    Attributes
    ----------
    name
        Value of the key `label` in a recipe.
    aliases
        Other values that mean the same.
    task
        Task of the card.
    plotted
        Metrics that reports and pictures show, the most telling first.
    per_image
        Whether the label is of the image as a whole.
    needs_value
        Whether the key `value` is needed; without it, it is refused.
    takes_categories
        Whether the key `categories` is allowed.
    weighs_objects
        Whether the channels are classes of pixels, of which objects may count more.
    varies_intensity
        Whether the label stays true if brightness and contrast of the image vary.
    sees_spectra
        Whether the network sees the spectrum of a particle instead of images.
    sees_rings
        Whether the network sees the ring spectrum of the image instead of it.
    sees_particles
        Whether the network sees one particle of the image, standardized as a whole.
    is_calibrated
        Whether the errors that the network gives are calibrated as it is exported.
    is_wave
        Whether the channels are the two parts of a wave, which the training may
        register.
    channel_names
        Names that the channels have to have, by which users' methods know them; empty
        where the recipe names them.
    classifies_columns
        Whether the channels are classes of columns, which all structures must share.
    measures_area
        Whether the prediction has an area, with a threshold at which it is unbiased.
    answers
        Whether the prediction is an answer that may be left out where the network is
        not certain.
    measures_spread
        Whether the card tells errors from the spread over the orientations.
    limits
        Least and largest value of a picture of the label; its own where None.
    """

    parameters: ImageKeys
    names: tuple[str, ...] = ()

    name: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()
    task: ClassVar[Task]
    plotted: ClassVar[tuple[Metric, ...]]
    per_image: ClassVar[bool] = False
    needs_value: ClassVar[bool] = False
    takes_categories: ClassVar[bool] = False
    weighs_objects: ClassVar[bool] = False
    varies_intensity: ClassVar[bool] = True
    sees_spectra: ClassVar[bool] = False
    sees_rings: ClassVar[bool] = False
    sees_particles: ClassVar[bool] = False
    is_calibrated: ClassVar[bool] = False
    is_wave: ClassVar[bool] = False
    channel_names: ClassVar[tuple[str, ...]] = ()
    classifies_columns: ClassVar[bool] = False
    measures_area: ClassVar[bool] = False
    answers: ClassVar[bool] = False
    measures_spread: ClassVar[bool] = False
    limits: ClassVar[tuple[float, float] | None] = None

    # Parameters.

    @property
    def needed_channels(self) -> tuple[int, str] | None:
        """Number of channels and what they are; None where the structures decide."""
        return None

    @property
    def input_channels(self) -> int:
        """Channels of what the network sees: the images of one input."""
        return self.parameters.channels

    @property
    def has_background(self) -> bool:
        """Whether the last class is the background; a single class never is."""
        return False

    @property
    def objects(self) -> int:
        """Number of classes without the background."""
        return self.parameters.num_classes - self.has_background

    def check(self) -> None:
        """Raise a ValueError if the parameters do not fit the label."""
        needed = self.needed_channels
        if needed and self.parameters.num_classes != needed[0]:
            raise ValueError(
                f"num_classes: the label {self.name} needs {needed[0]} ({needed[1]}), "
                f"not {self.parameters.num_classes}"
            )

    def check_sampling(self, sampling: float) -> None:  # noqa: ARG002
        """Raise a ValueError if the label cannot be drawn at a sampling [Å].

        Here it can be drawn at any.
        """
        return

    # Training.

    @property
    def activation(self) -> Activation:
        """Activation of the last layer of a network (thesis 3.3, part 2)."""
        return "linear"

    @property
    def loss(self) -> str:
        """Loss of the training, as Keras calls it (thesis 3.3)."""
        return _LOSSES[self.activation]

    @property
    def empty(self) -> tuple[float, ...]:
        """Value of each channel of a regression's label where there is nothing."""
        return (0.0,) * self.parameters.num_classes

    def pair(
        self,
        specimen: Specimen,
        *,
        sampling: float,
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """Return the images of one input as a network sees them, and its label.

        Parameters
        ----------
        specimen
            Exit wave, and what it shows.
        sampling
            Working sampling of the network [Å].
        rng
            Source of all random choices.

        Returns
        -------
        Standardized images, shape (y, x, image) of `image_size`, and the label, see
        `draw`.

        Raises
        ------
        ValueError
            If the specimen does not fit the label or the size of the image.
        """
        nx, ny = self.parameters.image_size
        sample = take_sample(
            specimen,
            self.parameters,
            sampling=sampling,
            rng=rng,
            shape=(ny, nx),
        )
        images = np.moveaxis(sample.standardized, 0, -1)
        return images, self.draw(sample, sample.working_grid)

    @abstractmethod
    def draw(self, sample: Sample, grid: Grid) -> NDArray[Any]:
        """Return the label of a sample.

        Parameters
        ----------
        sample
            Image, with what is known of it.
        grid
            Pixels of the label.

        Returns
        -------
        Shape (y, x, channel), bool where it is binary, or (channel,) where it is of the
        image as a whole.

        Raises
        ------
        ValueError
            If the specimen does not fit the label.
        """

    def augment(
        self,
        image: NDArray[np.float32],
        label: NDArray[Any],
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """Return a pair with other intensities, flipped and turned.

        Parameters
        ----------
        image, label
            Image and label from `pair`.
        rng
            Source of the draws.
        """
        if self.varies_intensity:
            image = vary_intensity(image, rng)
        turns, flips = draw_turn(image.shape, rng)
        return turn(image, turns, flips), self.turned(label, turns, flips)

    def turned(
        self, label: NDArray[Any], turns: int, flips: tuple[int, ...]
    ) -> NDArray[Any]:
        """Return the label of an image that was turned and flipped, see `turn`."""
        return turn(label, turns, flips)

    def validation_metrics(
        self,
        predicted: NDArray[np.float32],
        truth: NDArray[np.float32],
        threshold: float,  # noqa: ARG002 - of probabilities
    ) -> dict[str, float]:
        """Return the metric of an epoch: here ``validation_rmse``.

        Parameters
        ----------
        predicted, truth
            Predictions and labels, shape (image, y, x, channel) or (image, channel).
        threshold
            Probability above which a pixel is found to be an object's.
        """
        error = float(np.mean((predicted - truth) ** 2))
        return {"validation_rmse": math.sqrt(error)}

    # Export.

    def removable_weight(self, object_weight: float) -> float | None:  # noqa: ARG002
        """Return the weight of objects that can be taken out of the predictions.

        None where they are not probabilities of pixels.
        """
        return None

    def calibration(
        self,
        predicted: NDArray[np.float32],
        truth: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Return what is added to the channels so that their errors hold.

        Only where `is_calibrated`.

        Parameters
        ----------
        predicted, truth
            Predictions and labels of the validation set, shape (image, channel).
        """
        raise NotImplementedError

    # Evaluation.

    def predict(self, network: Network, sample: Sample) -> Any:
        """Return the prediction of a network: here in the pixels of the camera.

        A network runs as it does for users: it gets what the camera read, through the
        same resampling, standardization and tiling. One that takes fewer images gets
        the first ones of the focal series.
        """
        from hyperspy_hrtemnn.networks import predict

        counts = sample.exposure.counts[: network.card.channels]
        return predict(network, counts, sample.pixel)

    @abstractmethod
    def metrics(self, prediction: Any, sample: Sample) -> dict[str, float]:
        """Return the metrics of a prediction by name.

        A name such as ``A as B`` is of a number that is added up: how often the class A
        was taken for B.
        """

    @abstractmethod
    def baselines(
        self,
        validation: Sequence[Sample],
        data: Specimens,
        rng: np.random.Generator,
    ) -> dict[str, Baseline]:
        """Return the baselines of a network, by name.

        Parameters
        ----------
        validation
            Samples to tune them on, of no structure that they are evaluated on.
        data
            Test set, whose waves may be exchanged.
        rng
            Source of the exchange.
        """

    def probability_and_truth(
        self,
        prediction: Any,  # noqa: ARG002
        sample: Sample,  # noqa: ARG002
    ) -> tuple[NDArray[np.floating], NDArray[np.bool_]] | None:
        """Return the probability of pixels and whether they are an object's.

        None where the prediction has no area, see `measures_area`.
        """
        return None

    def error_and_spread(
        self, network: Network, sample: Sample
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the error of a prediction, and its spread over the orientations.

        Only of labels that have it, see `measures_spread`.
        """
        raise NotImplementedError

    def plan(self, count: int) -> Iterator[tuple[int, ImageKeys, dict[str, Any]]]:
        """Yield number, ranges and what else is known of each image to evaluate.

        Parameters
        ----------
        count
            Number of structures.
        """
        yield from ((index, self.parameters, {}) for index in range(count))

    @property
    def dose_edges(self) -> tuple[float, ...] | None:
        """Edges of the bins of the dose [e-/Å²]; None for those of the images."""
        return None

    def summarize(
        self,
        rows: pd.DataFrame,  # noqa: ARG002
        threshold: float | None,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Return what the summary of a contender has besides its metrics.

        Parameters
        ----------
        rows
            Rows of the contender in the table of `evaluate`.
        threshold
            Threshold of the contender, if it is a network.
        """
        return {}

    def card_scores(self, summary: dict[str, Any]) -> dict[str, Any]:
        """Return the scores of the card: the network's, and means of the baselines.

        Parameters
        ----------
        summary
            Summaries by name, that of the network first.
        """
        own, *others = summary.values()
        shown = [m.name for m in self.plotted if m.name in own["scores"]]
        means = [
            {name: part["scores"].get(name, {}).get("mean") for name in shown}
            for part in others
        ]
        return {**own, "baselines": dict(zip([*summary][1:], means, strict=True))}
