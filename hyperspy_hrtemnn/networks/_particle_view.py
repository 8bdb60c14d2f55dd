# SPDX-License-Identifier: GPL-3.0-or-later
"""Particle view: one particle and what is close to it, as input of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import distance_transform_edt

from ._resampling import resample
from ._standardization import standardize

if TYPE_CHECKING:
    from numpy.typing import NDArray

PARTICLE_VIEW = 72.0
"""Side of the square that a network sees of a particle [Å]."""

LARGEST_PARTICLE = 66.0
"""Longest side of a particle's bounding box that is seen whole [Å]."""

# What lies farther from a particle tells nothing about it [Å].
_SURROUNDINGS = 6.0


def view_pixels(sampling: float) -> int:
    """Return the pixels along each side of a view at a sampling [Å]."""
    return round(PARTICLE_VIEW / sampling)


def particle_view(
    image: NDArray[np.floating],
    pixel: float,
    sampling: float,
    *,
    labels: NDArray[np.integer] | None = None,
    number: int = 1,
    middle: tuple[float, float] | None = None,
    valid: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Return a square of 72 Å around a particle, standardized as a whole.

    Other particles, and what is farther than 6 Å from the particle, are 0, the mean of
    what is shown: so the network does not see what else is in an image.

    Parameters
    ----------
    image
        Finite counts, shape (y, x).
    pixel
        Pixel size of the image [Å].
    sampling
        Pixel size of the result [Å].
    labels
        Integer labels, shape (y, x); without them all is shown.
    number
        Label of the particle.
    middle
        Middle of the square, (y, x) [pixels]; that of the image by default.
    valid
        True where the image is data, shape (y, x); everywhere by default.

    Returns
    -------
    Shape (y, x), see `view_pixels`; 0 beyond the edges of the image.
    """
    side = max(round(PARTICLE_VIEW / pixel), 1)
    whole = np.array(image.shape)
    center = (whole - 1) / 2 if middle is None else np.array(middle)
    corner = np.round(center - (side - 1) / 2).astype(int)
    first, last = np.maximum(corner, 0), np.minimum(corner + side, whole)
    inside = tuple(slice(a, max(a, b)) for a, b in zip(first, last, strict=True))
    place = tuple(
        slice(part.start - c, part.stop - c)
        for part, c in zip(inside, corner, strict=True)
    )
    shown = np.zeros((side, side), bool)
    shown[place] = True if valid is None else valid[inside]
    if labels is not None:
        near = np.zeros((side, side), labels.dtype)
        near[place] = labels[inside]
        distance = distance_transform_edt(near != number) * pixel
        shown &= (distance <= _SURROUNDINGS) & ((near == 0) | (near == number))
    seen = np.zeros((side, side), np.float32)
    seen[place] = image[inside]
    seen[~shown] = seen[shown].mean() if shown.any() else 0
    pixels = view_pixels(sampling)
    kept = resample(shown.astype(np.float32), (pixels, pixels)) > 0.5
    return standardize(resample(seen, (pixels, pixels)), None, valid=kept)
