# SPDX-License-Identifier: GPL-3.0-or-later
"""What the label of a recipe asks of a network, and how the answer is scored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from hrtemnn_training.images.labels import image_label
from hyperspy_hrtemnn.networks import standardize

from .column_tasks import AtomicColumns, Heights
from .mask_task import Masks
from .pixel_tasks import CleanImages, ExitWaves
from .zone_axis import ZoneAxes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hrtemnn_training.images.parameters import ImageParameters
    from hrtemnn_training.recipe import Recipe
    from hyperspy_hrtemnn.networks import Network

    from .shots import Shot


class Task(Protocol):
    """What is asked, and how the answer is scored.

    Attributes
    ----------
    plotted
        The scores to show, the most telling first.
    """

    plotted: ClassVar[tuple[str, ...]]

    def ask(self, network: Network, shot: Shot) -> Any:
        """Return a network's answer."""

    def score(self, answer: Any, shot: Shot) -> dict[str, float]:
        """Return the scores of an answer by name."""


@dataclass(frozen=True)
class ImageValues:
    """A value of the image as a whole; an answer has the shape (channel,).

    Parameters
    ----------
    parameters
        Which value, and its categories.
    """

    parameters: ImageParameters
    plotted: ClassVar[tuple[str, ...]] = ("absolute_error",)

    def ask(self, network: Network, shot: Shot) -> NDArray[np.float32]:
        """Return a network's answer."""
        counts = shot.exposure.counts[: network.card.channels]
        images = standardize(shot.at_work(counts), shot.width)
        answer = network.predict(images[np.newaxis])[0]
        return np.asarray(np.reshape(answer, (len(answer), -1)).mean(axis=1))

    def score(self, answer: NDArray[np.floating], shot: Shot) -> dict[str, float]:
        """Return the error, its size and its square."""
        error = float(answer[0] - self.truth(shot)[0])
        return {"error": error, "absolute_error": abs(error), "squared_error": error**2}

    def truth(self, shot: Shot) -> NDArray[np.float32]:
        """Return the label, shape (channel,)."""
        return image_label(shot.conditions(), self.parameters)


@dataclass(frozen=True)
class ImageClasses(ImageValues):
    """The class of the image as a whole; an answer has a probability for each."""

    plotted: ClassVar[tuple[str, ...]] = ("accuracy",)

    def score(self, answer: NDArray[np.floating], shot: Shot) -> dict[str, float]:
        """Return whether the most probable class is right, and what it is taken for."""
        names = self.parameters.categories
        true = int(np.argmax(self.truth(shot)))
        found = int(np.argmax(answer))
        return {
            "accuracy": float(found == true),
            "probability_of_truth": float(answer[true]),
            f"{names[true]} as {names[found]}": 1,
        }


def task_of(recipe: Recipe) -> Task:
    """Return what the label of a recipe asks of a network."""
    images = recipe.images
    objects = recipe.classes[: images.objects]
    tasks: dict[str, Task] = {
        "Mask": Masks(objects),
        "Disk": AtomicColumns(objects),
        "Gaussian": AtomicColumns(objects),
        "Exitwave": ExitWaves(),
        "Column height": Heights(),
        "Clean image": CleanImages(),
        "Value": ImageValues(images),
        "Class": ImageClasses(images),
        "Zone axis": ZoneAxes(images),
    }
    return tasks[images.label]
