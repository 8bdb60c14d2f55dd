# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of structures that were never trained on, with the truth at hand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from hrtemnn_training.images.conditions import draw_conditions, known_values
from hrtemnn_training.images.exposure import RIM, Exposure, expose
from hyperspy_hrtemnn.networks import resample, standardize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hrtemnn_training.images.grid import Grid
    from hrtemnn_training.images.parameters import ImageParameters
    from hrtemnn_training.recipe import Recipe
    from hrtemnn_training.store import Sample


class Samples(Protocol):
    """Exit waves by number, such as those of a `DataSet`."""

    def read_sample(self, index: int) -> Sample:
        """Return one of them."""


@dataclass(frozen=True)
class Shot:
    """One image, or focal series, of a whole field of view.

    Parameters
    ----------
    index
        Of the structure in its data set.
    sample
        What is seen.
    exposure
        What the camera saw of it.
    parameters
        What the conditions were drawn from, and the kind of label.
    sampling
        Working sampling of the network [Å].
    """

    index: int
    sample: Sample
    exposure: Exposure
    parameters: ImageParameters
    sampling: float

    @property
    def grid(self) -> Grid:
        """The pixels of the detector."""
        return self.exposure.grid()

    @property
    def pixel(self) -> float:
        """Pixel size of the camera [Å]."""
        return float(self.grid.pixel[0])

    @property
    def working_grid(self) -> Grid:
        """The pixels of the network."""
        y, x = self.exposure.size
        shape = (round(y / self.sampling), round(x / self.sampling))
        return self.exposure.grid(shape)

    def conditions(self) -> dict[str, float | str]:
        """Return what was drawn for it and what is known of its structure, by name."""
        exposure = self.exposure
        return known_values(exposure.optics[0], exposure.detector) | dict(
            self.sample.values
        )

    def at_work(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the camera's images, (image, y, x), in pixels of the network."""
        return np.stack([resample(image, self.working_grid.shape) for image in images])

    @cached_property
    def standardized(self) -> NDArray[np.float32]:
        """The images as the network sees them, shape (image, y, x)."""
        return standardize(self.at_work(self.exposure.counts), self.width)

    @property
    def width(self) -> float:
        """Width of the standardization [pixels of the network]."""
        return self.parameters.normalizedistance / self.sampling


def take(
    recipe: Recipe,
    data: Samples,
    index: int,
    rng: np.random.Generator,
    parameters: ImageParameters | None = None,
) -> Shot:
    """Image a structure in conditions drawn from the ranges.

    Parameters
    ----------
    recipe
        Of the network.
    data
        The exit waves.
    index
        Of the structure.
    rng
        Source of the conditions, the place and the noise.
    parameters
        Ranges other than the recipe's.
    """
    parameters = parameters or recipe.images
    sample = data.read_sample(index)
    optics, detector = draw_conditions(parameters, recipe.waves.energy, rng)
    size = (sample.extent[0] - 2 * RIM, sample.extent[1] - 2 * RIM)
    exposure = expose(sample, optics, detector, size, rng)
    return Shot(index, sample, exposure, parameters, recipe.sampling)
