# SPDX-License-Identifier: GPL-3.0-or-later
"""Images and labels on the fly: patches at the network's sampling from exit waves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.analysis import (
    Detector,
    Optics,
    detect_electrons,
    expected_counts,
    image_intensity,
)
from hyperspy_hrtemnn.networks import resample, standardize

from .conditions import draw_conditions, known_values
from .grid import Grid
from .labels import image_label, pixel_label
from .parameters import PER_IMAGE, ImageParameters

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hrtemnn_training.store import Sample

RIM = 4.0
"""What an image keeps from the edge of the box, where the atoms end at 2 Å [Å]."""

# Pixels of the detector around a patch that take up the wrap-around of its MTF.
_MARGIN = 24


@dataclass(frozen=True)
class Exposure:
    """What a detector saw of a part of a sample, and where that part is.

    Parameters
    ----------
    intensities
        Noise-free images in the pixels of the detector, 24 more on each side, shape
        (image, y, x); 1 = vacuum.
    counts
        What the detector read, shape (image, y, x) [e-/pixel].
    corner
        (y, x) of the upper left corner of the images in the sample [Å].
    size
        Lengths of the images along (y, x) [Å].
    optics
        Of each image.
    detector
        Of all.
    """

    intensities: NDArray[np.float32]
    counts: NDArray[np.float32]
    corner: tuple[float, float]
    size: tuple[float, float]
    optics: tuple[Optics, ...]
    detector: Detector

    def grid(self, shape: tuple[int, int] | None = None) -> Grid:
        """Return pixels over the images: the detector's, or `shape` (y, x) of them."""
        return Grid(self.corner, self.size, shape or self.counts.shape[1:])

    def at_dose(self, dose: float, rng: np.random.Generator) -> Exposure:
        """Return the same images taken anew with another dose [e-/Å²]."""
        detector = replace(self.detector, dose=dose)
        counts = _read(self.intensities, detector, rng)
        return replace(self, counts=counts, detector=detector)

    def expected_counts(self) -> NDArray[np.float32]:
        """Return the mean counts of the detector, shape (image, y, x) [e-/pixel]."""
        return np.stack(
            [_inner(expected_counts(i, self.detector)) for i in self.intensities]
        )


def expose(
    sample: Sample,
    optics: tuple[Optics, ...],
    detector: Detector,
    size: tuple[float, float],
    rng: np.random.Generator,
) -> Exposure:
    """Take an image, or a focal series, of a random part of a sample.

    Parameters
    ----------
    sample
        Exit wave and its extent.
    optics
        Of each image.
    detector
        The detector.
    size
        Lengths of the part along (y, x) [Å].
    rng
        Source of the place, the same for all images, and of the noise, each its own.

    Raises
    ------
    ValueError
        If the sample is smaller than the part with a rim of 4 Å.
    """
    height, width = (round(length / detector.sampling) for length in sample.extent)
    shape = (height, width)
    starts, stops, corner, seen = [], [], [], []
    for wanted, length, n in zip(size, sample.extent, shape, strict=True):
        pixel = length / n
        spare = length - wanted - 2 * RIM
        if spare < 0:
            raise ValueError(
                f"The field of view of {length:.0f} Å is too small for images of "
                f"{wanted:.0f} Å with a rim of {RIM:.0f} Å: shrink image_size or "
                "widen the field."
            )
        starts.append(round((RIM + rng.uniform(0, spare)) / pixel))
        stops.append(starts[-1] + round(wanted / pixel))
        # Pixel i of the wave is at i times its size, the middle of the pixel.
        corner.append((starts[-1] - 0.5) * pixel)
        seen.append((stops[-1] - starts[-1]) * pixel)
    # The field is periodic, so the margin may reach over its edge.
    rows, columns = (
        np.arange(a - _MARGIN, b + _MARGIN) % n
        for a, b, n in zip(starts, stops, shape, strict=True)
    )
    wholes = (image_intensity(sample.wave, sample.extent, o, shape) for o in optics)
    intensities = np.stack([whole[np.ix_(rows, columns)] for whole in wholes])
    return Exposure(
        intensities=intensities,
        counts=_read(intensities, detector, rng),
        corner=(corner[0], corner[1]),
        size=(seen[0], seen[1]),
        optics=optics,
        detector=detector,
    )


def _read(
    intensities: NDArray[np.float32], detector: Detector, rng: np.random.Generator
) -> NDArray[np.float32]:
    return np.stack([_inner(detect_electrons(i, detector, rng)) for i in intensities])


def _inner(image: NDArray[np.float32]) -> NDArray[np.float32]:
    return image[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]


def training_pair(
    sample: Sample,
    parameters: ImageParameters,
    *,
    energy: float,
    sampling: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray[np.float32] | NDArray[np.bool_]]:
    """Return the images of one input as a network sees them, and its label.

    The detector sees at its own sampling; then the images go to the sampling of the
    network and are standardized, by the functions that also serve it in use.

    The label Clean image is what the detector reads on average, spread by its MTF,
    with the mean and the deviation of the noisy images: the difference of
    image and label is the noise alone, regions without structure are 0 and not
    amplified, and who has standardized an image can take the network's answer back to
    counts.

    Parameters
    ----------
    sample
        Exit wave and what it shows.
    parameters
        What the conditions are drawn from; size of the image, kind of label.
    energy
        Beam energy of the exit wave [keV].
    sampling
        Working sampling of the network [Å].
    rng
        Source of all random choices.

    Returns
    -------
    Standardized images, shape (y, x, image) of `image_size`, and the label: shape
    (y, x, class), bool where it is binary, or (class,) for Value and Class.

    Raises
    ------
    ValueError
        If the sample does not fit the label or the size of the image.
    """
    optics, detector = draw_conditions(parameters, energy, rng)
    nx, ny = parameters.image_size
    exposure = expose(sample, optics, detector, (ny * sampling, nx * sampling), rng)
    sigma = parameters.normalizedistance / sampling
    counts = _resample(exposure.counts, (ny, nx))
    images = np.moveaxis(standardize(counts, sigma), 0, -1)
    if parameters.label == "Clean image":
        clean = _resample(exposure.expected_counts(), (ny, nx))
        return images, np.moveaxis(standardize(clean, sigma, reference=counts), 0, -1)
    if parameters.label in PER_IMAGE:
        known = known_values(optics[0], detector) | dict(sample.values)
        return images, image_label(known, parameters)
    return images, pixel_label(sample, parameters, exposure.grid((ny, nx)))


def _resample(
    images: NDArray[np.float32], shape: tuple[int, int]
) -> NDArray[np.float32]:
    return np.stack([resample(image, shape) for image in images])
