# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples: an image, or a focal series, with everything that is known of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.networks import resample, standardize

from .conditions import draw_conditions, known_values
from .exposure import RIM, Exposure, expose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from hrtemnn_training.store import Specimen

    from .grid import Grid
    from .keys import ImageKeys


@dataclass(frozen=True)
class Sample:
    """One image, or focal series, of a part of a specimen.

    Parameters
    ----------
    specimen
        Exit wave, and what it shows.
    exposure
        Counts that the detector read, and the part of the specimen they show.
    parameters
        Ranges that the conditions were drawn from, and the kind of label.
    sampling
        Working sampling of the network [Å].
    index
        Number of the specimen in its data set.
    shape
        Pixels of the network along (y, x); by default as many as are in the image.
    chosen
        Alternative that it has of each group of the `choices`, by name.
    """

    specimen: Specimen
    exposure: Exposure
    parameters: ImageKeys
    sampling: float
    index: int = 0
    shape: tuple[int, int] | None = None
    chosen: Mapping[str, str] = field(default_factory=dict)

    @property
    def grid(self) -> Grid:
        """The pixels of the detector."""
        return self.exposure.grid()

    @property
    def pixel(self) -> float:
        """Pixel size of the detector [Å]."""
        return float(self.grid.pixel[0])

    @property
    def working_grid(self) -> Grid:
        """The pixels of the network."""
        y, x = self.exposure.size
        shape = (round(y / self.sampling), round(x / self.sampling))
        return self.exposure.grid(self.shape or shape)

    def conditions(self) -> dict[str, float | str]:
        """Return what was drawn for it and what is known of its structure, by name."""
        exposure, known = self.exposure, dict(self.specimen.values)
        drawn = known_values(exposure.optics[0], exposure.detector)
        drawn |= exposure.disturbances.known_values()
        return dict(self.chosen) | drawn | known

    def at_work(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return images of the detector, (image, y, x), in pixels of the network."""
        return np.stack([resample(image, self.working_grid.shape) for image in images])

    @cached_property
    def standardized(self) -> NDArray[np.float32]:
        """The images as the network sees them, shape (image, y, x)."""
        return standardize(self.at_work(self.exposure.counts), self.width)

    @property
    def width(self) -> float:
        """Width of the standardization [pixels of the network]."""
        return self.parameters.normalizedistance / self.sampling


def take_sample(
    specimen: Specimen,
    parameters: ImageKeys,
    *,
    sampling: float,
    rng: np.random.Generator,
    index: int = 0,
    shape: tuple[int, int] | None = None,
) -> Sample:
    """Image a specimen in conditions drawn from the ranges.

    The detector sees at its own sampling; the images are taken to the sampling of the
    network and standardized by the functions that also serve it in use.

    Parameters
    ----------
    specimen
        Exit wave, and what it shows.
    parameters
        Ranges that the conditions are drawn from.
    sampling
        Working sampling of the network [Å].
    rng
        Source of the conditions, the place and the noise.
    index
        Number of the specimen in its data set.
    shape
        Pixels of the network along (y, x); by default the whole field of view but for
        its rim.

    Raises
    ------
    ValueError
        If the specimen is smaller than the image with its rim.
    """
    drawn = draw_conditions(parameters, specimen.energy, rng)
    if shape is None:
        size = (specimen.extent[0] - 2 * RIM, specimen.extent[1] - 2 * RIM)
    else:
        size = (shape[0] * sampling, shape[1] * sampling)
    exposure = expose(
        specimen,
        drawn.optics,
        drawn.detector,
        size,
        rng,
        disturbances=drawn.disturbances,
    )
    return Sample(specimen, exposure, parameters, sampling, index, shape, drawn.chosen)
