# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of the image as a whole: what they share, a vector for each image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hrtemnn_training.metrics.pixels import mean_f1
from hyperspy_hrtemnn.networks import standardize

from ._kind import LabelKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hrtemnn_training.images.sample import Sample
    from hyperspy_hrtemnn.networks import Network

_HALF = 0.5


@dataclass(frozen=True)
class ImageLabel(LabelKind):
    """A label of the image as a whole; predictions have the shape (channel,)."""

    per_image: ClassVar[bool] = True

    def turned(
        self,
        label: NDArray[Any],
        turns: int,  # noqa: ARG002
        flips: tuple[int, ...],  # noqa: ARG002
    ) -> NDArray[Any]:
        """Return the label, which stays true however the image is turned."""
        return label

    def predict(self, network: Network, sample: Sample) -> Any:
        """Return the prediction of a network for the whole image."""
        counts = sample.exposure.counts[: network.card.channels]
        images = standardize(sample.at_work(counts), sample.width)
        prediction = network.predict(images[np.newaxis])[0]
        return np.asarray(np.reshape(prediction, (len(prediction), -1)).mean(axis=1))

    def known_value(self, sample: Sample) -> tuple[str, float | str]:
        """Return the key `value` and what it is of a sample.

        Raises
        ------
        ValueError
            If nothing of this name is known of the sample.
        """
        name, known = self.parameters.value, sample.conditions()
        if name is None or name not in known:
            raise ValueError(
                f"value: {name!r} is not known; there is {', '.join(known)}."
            )
        return name, known[name]


def f1_of_all(
    predicted: NDArray[np.float32], truth: NDArray[np.float32]
) -> dict[str, float]:
    """Return ``validation_f1`` of all images together, at 0.5.

    One image of one prediction has no F1.

    Parameters
    ----------
    predicted, truth
        Probabilities and labels, shape (image, class).
    """
    return {"validation_f1": mean_f1(predicted[np.newaxis], truth[np.newaxis], _HALF)}
