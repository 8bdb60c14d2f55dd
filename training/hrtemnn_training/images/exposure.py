# SPDX-License-Identifier: GPL-3.0-or-later
"""Exposures: images of a part of an exit wave, as a detector reads them."""

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

from .disturbances import (
    UNDISTURBED,
    Disturbances,
    blur_by_motion,
    illumination,
    spoil_pixels,
)
from .grid import Grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hrtemnn_training.store import Specimen

RIM = 4.0
"""Distance of an image from the edge of the box, where the atoms end at 2 Å [Å]."""

# Pixels of the detector around a patch that take up the wrap-around of its MTF.
_MARGIN = 24


@dataclass(frozen=True)
class Exposure:
    """What a detector saw of a part of a specimen, and where that part is.

    Parameters
    ----------
    intensities
        Noise-free images in the pixels of the detector, 24 more on each side, shape
        (image, y, x); 1 = vacuum.
    counts
        Counts that the detector read, shape (image, y, x) [e-/pixel].
    corner
        (y, x) of the upper left corner of the images in the specimen [Å].
    size
        Lengths of the images along (y, x) [Å].
    optics
        Lenses of each image.
    detector
        Detector of all images.
    disturbances
        Disturbances of all images.
    """

    intensities: NDArray[np.float32]
    counts: NDArray[np.float32]
    corner: tuple[float, float]
    size: tuple[float, float]
    optics: tuple[Optics, ...]
    detector: Detector
    disturbances: Disturbances = UNDISTURBED

    def grid(self, shape: tuple[int, int] | None = None) -> Grid:
        """Return pixels over the images: the detector's, or `shape` (y, x) of them."""
        return Grid(self.corner, self.size, shape or self.counts.shape[1:])

    def at_dose(self, dose: float, rng: np.random.Generator) -> Exposure:
        """Return the same images taken anew with another dose [e-/Å²]."""
        detector = replace(self.detector, dose=dose)
        counts = _read(self.intensities, detector, self.disturbances, rng)
        return replace(self, counts=counts, detector=detector)

    def expected_counts(self) -> NDArray[np.float32]:
        """Return the mean counts of the detector, shape (image, y, x) [e-/pixel]."""
        return np.stack(
            [_inner(expected_counts(i, self.detector)) for i in self.intensities]
        )


def expose(
    specimen: Specimen,
    optics: tuple[Optics, ...],
    detector: Detector,
    size: tuple[float, float],
    rng: np.random.Generator,
    *,
    disturbances: Disturbances = UNDISTURBED,
) -> Exposure:
    """Take an image, or a focal series, of a random part of a specimen.

    Parameters
    ----------
    specimen
        Exit wave and its extent.
    optics
        Lenses of each image.
    detector
        The detector.
    size
        Lengths of the part along (y, x) [Å].
    rng
        Source of the place, the same for all images, and of the noise, each its own.
    disturbances
        What disturbs all images alike.

    Raises
    ------
    ValueError
        If the specimen is smaller than the part with a rim of 4 Å.
    """
    height, width = (round(length / detector.sampling) for length in specimen.extent)
    shape = (height, width)
    starts, stops, corner, seen = [], [], [], []
    for wanted, length, n in zip(size, specimen.extent, shape, strict=True):
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
    wholes = (image_intensity(specimen.wave, specimen.extent, o, shape) for o in optics)
    blurred = (blur_by_motion(i, specimen.extent, disturbances) for i in wholes)
    intensities = np.stack([image[np.ix_(rows, columns)] for image in blurred])
    # Beside what is finer than a pixel, a band-limited image overshoots, even below 0.
    np.maximum(intensities, 0, out=intensities)
    intensities *= illumination(intensities.shape[1:], _MARGIN, disturbances)
    return Exposure(
        intensities=intensities,
        counts=_read(intensities, detector, disturbances, rng),
        corner=(corner[0], corner[1]),
        size=(seen[0], seen[1]),
        optics=optics,
        detector=detector,
        disturbances=disturbances,
    )


def _read(
    intensities: NDArray[np.float32],
    detector: Detector,
    disturbances: Disturbances,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    read = [_inner(detect_electrons(i, detector, rng)) for i in intensities]
    return spoil_pixels(np.stack(read), disturbances.hot_pixels, rng)


def _inner(image: NDArray[np.float32]) -> NDArray[np.float32]:
    return image[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
