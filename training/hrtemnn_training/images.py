# SPDX-License-Identifier: GPL-3.0-or-later
"""Images and labels on the fly: patches at the network's sampling from exit waves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from skimage.draw import polygon2mask

from hyperspy_hrtemnn.networks import resample, standardize

from .microscope import Camera, Optics, detect, intensity
from .parameters import ImageParameters, draw_conditions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from .store import Sample

# What a patch keeps from the edge of the box, where the atoms end at 2 Å [Å].
_RIM = 4.0
# Pixels of the camera around a patch that take up the wrap-around of its MTF.
_MARGIN = 24


@dataclass(frozen=True)
class Exposure:
    """What a camera saw of a part of a sample, and where that part is.

    Parameters
    ----------
    image
        Counts in the pixels of the camera, shape (y, x).
    corner
        (y, x) of the upper left corner of the image in the sample [Å].
    size
        Lengths of the image along (y, x) [Å].
    optics, camera
        The conditions.
    """

    image: NDArray[np.float32]
    corner: tuple[float, float]
    size: tuple[float, float]
    optics: Optics
    camera: Camera


def expose(
    sample: Sample,
    optics: Optics,
    camera: Camera,
    size: tuple[float, float],
    rng: np.random.Generator,
) -> Exposure:
    """Take an image of a random part of a sample.

    Parameters
    ----------
    sample
        Exit wave and its extent.
    optics, camera
        The conditions.
    size
        Lengths of the part along (y, x) [Å].
    rng
        Source of the place and the noise.

    Raises
    ------
    ValueError
        If the sample is smaller than the part with a rim of 4 Å.
    """
    shape = tuple(round(length / camera.sampling) for length in sample.extent)
    whole = intensity(sample.wave, sample.extent, optics, (shape[0], shape[1]))
    starts, stops, corner, seen = [], [], [], []
    for wanted, length, n in zip(size, sample.extent, shape, strict=True):
        pixel = length / n
        spare = length - wanted - 2 * _RIM
        if spare < 0:
            raise ValueError(
                f"The field of view of {length:.0f} Å is too small for images of "
                f"{wanted:.0f} Å with a rim of {_RIM:.0f} Å: shrink image_size or "
                "widen the field."
            )
        starts.append(round((_RIM + rng.uniform(0, spare)) / pixel))
        stops.append(starts[-1] + round(wanted / pixel))
        # Pixel i of the wave is at i times its size, the middle of the pixel.
        corner.append((starts[-1] - 0.5) * pixel)
        seen.append((stops[-1] - starts[-1]) * pixel)
    # The field is periodic, so the margin may reach over its edge.
    rows, columns = (
        np.arange(a - _MARGIN, b + _MARGIN) for a, b in zip(starts, stops, strict=True)
    )
    part = whole.take(rows, axis=0, mode="wrap").take(columns, axis=1, mode="wrap")
    image = detect(part, camera, rng)[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    return Exposure(image, (corner[0], corner[1]), (seen[0], seen[1]), optics, camera)


def mask_label(
    outlines: Iterable[NDArray[np.floating]], exposure: Exposure, shape: tuple[int, int]
) -> NDArray[np.bool_]:
    """Return the Mask label (thesis 3.2): the union of the particles' convex hulls.

    Parameters
    ----------
    outlines
        Corners (x, y) of each hull [Å].
    exposure
        Which part of the sample the label is of.
    shape
        (y, x) of the label; its pixels divide the part evenly.
    """
    label = np.zeros(shape, bool)
    pixel = np.divide(exposure.size, shape)
    for outline in outlines:
        # In pixels, with integers at the pixels' centres.
        label |= polygon2mask(shape, (outline[:, ::-1] - exposure.corner) / pixel - 0.5)
    return label


def training_pair(
    sample: Sample,
    parameters: ImageParameters,
    *,
    energy: float,
    sampling: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return an image as a network sees it, and its label.

    The camera sees at its own sampling; then the image goes to the sampling of the
    network and is standardized, by the functions that also serve it in use.

    Parameters
    ----------
    sample
        Exit wave and outlines.
    parameters
        What the conditions are drawn from; size of the image.
    energy
        Beam energy of the exit wave [keV].
    sampling
        Working sampling of the network [Å].
    rng
        Source of all random choices.

    Returns
    -------
    Standardized image and label, shape (y, x) of `image_size`.
    """
    optics, camera = draw_conditions(parameters, energy, rng)
    nx, ny = parameters.image_size
    exposure = expose(sample, optics, camera, (ny * sampling, nx * sampling), rng)
    image = resample(exposure.image, (ny, nx))
    standardized = standardize(image, parameters.normalizedistance / sampling)
    return standardized, mask_label(sample.outlines, exposure, (ny, nx))
