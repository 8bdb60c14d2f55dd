# SPDX-License-Identifier: GPL-3.0-or-later
"""From a probability for each pixel to one label for each particle of a frame."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from .holes import without_pinholes
from .necks import cut_at_necks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Mask = NDArray[np.bool_]
    Labels = NDArray[np.int32]

_EIGHT_NEIGHBORS = np.ones((3, 3), dtype=bool)

# Two peaks of the distance map whose neck is nearly as wide as the narrower of the
# two are bumps of one particle: deeper than this share of its half-width is a neck.
# Two equal discs pass from 0.87 radii between their centers on.
_NECK_DEPTH = 0.1


def separate(
    probabilities: ArrayLike,
    min_separation: float,
    *,
    probability: float = 0.5,
    min_area: float | None = None,
) -> Labels:
    """Give each particle of a segmented frame its own label.

    Watershed on the distance map of the thresholded probabilities, with the peaks of
    the map as markers (thesis section 3.5). Peaks closer than `min_separation` are one
    particle, and so are peaks with no neck between them. A hole is a gap between
    particles, and an edge, where round parts with narrow necks lie around it; otherwise
    it is a pinhole, and cuts nothing. Neither the border of the frame nor pixels
    without data are an edge of a particle.

    Parameters
    ----------
    probabilities
        Probability of each pixel to belong to a particle, 0 to 1, shape (y, x), NaN
        where there is no data. A mask of 0 and 1 will do.
    min_separation
        Smallest distance between the centers of two touching particles in pixels.
        Only holes smaller than its square can be pinholes.
    probability
        Pixels of at least this probability belong to a particle. A network's threshold
        of unbiased area is in its card (`networks.Card.unbiased_threshold`).
    min_area
        Particles of fewer pixels are dropped; see `separate_and_count` for how many. By
        default a twentieth of the square of `min_separation`: a disc a quarter as wide
        as this. Section 6.1 of the thesis drops those below the whole square.

    Returns
    -------
    Labels of shape (y, x): 0 is background, particles are numbered from 1 on, and -1
    is where there is no data.

    Raises
    ------
    ValueError
        If the probabilities are not a single image or a length is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> frame = np.zeros((6, 12))
    >>> frame[1:5, 1:5] = frame[1:5, 7:11] = 1
    >>> int(separate(frame, min_separation=3).max())
    2
    """
    labels, _ = separate_and_count(
        probabilities, min_separation, probability=probability, min_area=min_area
    )
    return labels


def separate_and_count(
    probabilities: ArrayLike,
    min_separation: float,
    *,
    probability: float = 0.9,
    min_area: float | None = None,
) -> tuple[Labels, int]:
    """Return the labels of `separate`, and how many regions were too small.

    Parameters
    ----------
    probabilities, min_separation, probability, min_area
        As there.

    Raises
    ------
    ValueError
        As there.
    """
    frame = np.asarray(probabilities)
    if frame.ndim != 2:
        raise ValueError(f"One image of shape (y, x) is needed, not {frame.shape}.")
    if not (min_separation > 0 and math.isfinite(min_separation)):
        raise ValueError(f"min_separation has to be positive, not {min_separation}.")
    if not 0 < probability <= 1:
        raise ValueError(f"probability has to be in 0 to 1, not {probability}.")
    smallest = default_min_area(min_separation) if min_area is None else min_area
    if not smallest >= 0:
        raise ValueError(f"min_area cannot be negative, not {min_area}.")

    unknown = (
        np.isnan(frame) if frame.dtype.kind == "f" else np.zeros(frame.shape, bool)
    )
    regions, _ = ndimage.label(frame >= probability, structure=_EIGHT_NEIGHBORS)
    labels = np.zeros(frame.shape, dtype=np.int32)
    count = dropped = 0
    # Region by region: the particles cover a small part of a large frame.
    for number, box in enumerate(ndimage.find_objects(regions), start=1):
        region = regions[box] == number
        if np.count_nonzero(region) < smallest:
            dropped += 1
            continue
        wider, region = _with_margin(box, region, frame.shape)
        parts = _split(region, min_separation, unknown[wider])
        size = np.bincount(parts.ravel())[1:]
        new = np.append(False, size >= smallest)
        dropped += int(np.count_nonzero(size < smallest))
        number_of = np.where(new, np.cumsum(new) + count, 0).astype(np.int32)
        count += int(np.count_nonzero(new))
        np.copyto(labels[wider], number_of[parts], where=region)
    labels[unknown] = -1
    return labels, dropped


def default_min_area(min_separation: float) -> float:
    """Return the area below which a region is no particle, a twentieth of a square.

    A disc of this area is as wide as a quarter of the distance at which two particles
    touch. Networks leave specks of up to 0.04 of the square in noise, and of 0.02 in
    the gaps of images with particles, of which the smallest have more than 0.08.
    """
    return min_separation**2 / 20


def _with_margin(
    box: tuple[slice, slice], region: Mask, shape: tuple[int, ...]
) -> tuple[tuple[slice, slice], Mask]:
    """Widen a box by one pixel of background, but not beyond the frame.

    With it, the distance map of the box is that of the frame: the frame's border is
    no edge of a particle.
    """
    before = [min(part.start, 1) for part in box]
    after = [min(size - part.stop, 1) for part, size in zip(box, shape, strict=True)]
    rows, columns = (
        slice(part.start - b, part.stop + a)
        for part, b, a in zip(box, before, after, strict=True)
    )
    return (rows, columns), np.pad(region, list(zip(before, after, strict=True)))


def _split(region: Mask, min_separation: float, unknown: Mask) -> Labels:
    """Return the parts of one connected region, cut at its necks; 0 outside."""
    if math.hypot(*region.shape) < min_separation:
        return region.astype(np.int32)
    solid = without_pinholes(region, min_separation, unknown)
    parts, _ = cut_at_necks(solid, min_separation, _NECK_DEPTH, unknown)
    return np.where(region, parts, 0)
