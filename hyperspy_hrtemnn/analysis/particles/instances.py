# SPDX-License-Identifier: GPL-3.0-or-later
"""From a probability for each pixel to one label for each particle of a frame."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from skimage.morphology import local_maxima
from skimage.segmentation import watershed

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Mask = NDArray[np.bool_]
    Labels = NDArray[np.int32]

_EIGHT_NEIGHBORS = np.ones((3, 3), dtype=bool)

# Two peaks of the distance map whose neck is nearly as wide as the narrower of the
# two are bumps of one particle: deeper than this share of its half-width, and than
# the rounding of an edge to pixels, is a neck. Two equal discs pass from 0.87 radii
# between their centers on.
_NECK_DEPTH = 0.1
_PIXEL_ROUNDING = 1.0


def separate(
    probabilities: ArrayLike,
    min_separation: float,
    *,
    probability: float = 0.9,
    min_area: float | None = None,
) -> Labels:
    """Give each particle of a segmented frame its own label.

    Watershed on the distance map of the thresholded probabilities, with the peaks of
    the map as markers (thesis section 3.5). Peaks closer than `min_separation` are one
    particle, and so are peaks with no neck between them.

    Parameters
    ----------
    probabilities
        Probability of each pixel to belong to a particle, 0 to 1, shape (y, x), NaN
        where there is no data. A mask of 0 and 1 will do.
    min_separation
        Smallest distance between the centers of two touching particles in pixels.
        Holes smaller than its square do not count as necks.
    probability
        Pixels of at least this probability belong to a particle.
    min_area
        Particles of fewer pixels are dropped. By default the square of
        `min_separation`, as in section 6.1 of the thesis.

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
    frame = np.asarray(probabilities)
    if frame.ndim != 2:
        raise ValueError(f"One image of shape (y, x) is needed, not {frame.shape}.")
    if not (min_separation > 0 and math.isfinite(min_separation)):
        raise ValueError(f"min_separation has to be positive, not {min_separation}.")
    if not 0 < probability <= 1:
        raise ValueError(f"probability has to be in 0 to 1, not {probability}.")
    smallest = min_separation**2 if min_area is None else min_area
    if not smallest >= 0:
        raise ValueError(f"min_area cannot be negative, not {min_area}.")

    regions, _ = ndimage.label(frame >= probability, structure=_EIGHT_NEIGHBORS)
    labels = np.zeros(frame.shape, dtype=np.int32)
    count = 0
    # Region by region: the particles cover a small part of a large frame.
    for number, box in enumerate(ndimage.find_objects(regions), start=1):
        region = regions[box] == number
        if np.count_nonzero(region) < smallest:
            continue
        wider, region = _with_margin(box, region, frame.shape)
        for particle in _split(region, min_separation):
            if np.count_nonzero(particle) >= smallest:
                count += 1
                labels[wider][particle] = count
    if frame.dtype.kind == "f":
        labels[np.isnan(frame)] = -1
    return labels


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


def _split(region: Mask, min_separation: float) -> list[Mask]:
    """Cut one connected region at its necks."""
    if math.hypot(*region.shape) < min_separation:
        return [region]
    solid = _fill_small_holes(region, min_separation**2)
    if solid.all():
        return [region]
    distance = ndimage.distance_transform_edt(solid)
    peaks = local_maxima(distance, connectivity=2)  # type: ignore[no-untyped-call]
    markers, heights = _markers(peaks, distance, min_separation)
    if len(heights) == 2:  # a single peak
        return [region]
    basins = watershed(  # type: ignore[no-untyped-call]
        -distance, markers, connectivity=2, mask=solid
    )
    particle_of = _join_bumps(basins, distance, heights)
    particles = particle_of[basins]
    particles[~region] = 0
    return [particles == number for number in np.unique(particle_of[1:])]


def _fill_small_holes(region: Mask, max_area: float) -> Mask:
    holes, count = ndimage.label(~region)
    if count == 0:
        return region
    small = np.bincount(holes.ravel()) < max_area
    for edge in (holes[0], holes[-1], holes[:, 0], holes[:, -1]):
        small[edge] = False
    small[0] = True  # the region itself
    return np.asarray(small[holes])


def _markers(
    peaks: Mask, distance: NDArray[np.float64], min_separation: float
) -> tuple[Labels, NDArray[np.float64]]:
    """Return the peaks that are far enough from all higher ones, highest first.

    A plateau is one peak, at its pixel closest to its center of mass.

    Returns
    -------
    The markers, 0 elsewhere, and the height of each, with none at index 0.
    """
    plateaus, count = ndimage.label(peaks, structure=_EIGHT_NEIGHBORS)
    rows, columns = np.nonzero(plateaus)
    plateau = plateaus[rows, columns]
    size = np.bincount(plateau)[1:]
    center = np.stack(
        [np.bincount(plateau, weights=w)[1:] / size for w in (rows, columns)], axis=1
    )
    height = np.zeros(count)
    height[plateau - 1] = distance[rows, columns]

    number_of = np.zeros(count + 1, dtype=np.int32)
    kept: list[int] = []
    for index in np.argsort(-height, kind="stable"):
        gaps = np.linalg.norm(center[kept] - center[index], axis=1)
        # The distance map falls by at most one per pixel, so the passage between two
        # near peaks is known to be wide without looking: most bumps end here.
        bump = height[kept] - height[index] + 2 * _smallest_neck(height[index])
        if (gaps >= np.maximum(min_separation, bump)).all():
            kept.append(int(index))
            number_of[index + 1] = len(kept)
    return number_of[plateaus], np.concatenate([[0.0], height[kept]])


def _join_bumps(
    basins: Labels, distance: NDArray[np.float64], heights: NDArray[np.float64]
) -> NDArray[np.int32]:
    """Join basins that meet without a neck.

    Widest passages first, each basin under its highest peak, so that a chain of small
    bumps ends in one particle and two particles stay two.

    Returns
    -------
    The particle of each basin, with 0 for the background at index 0.
    """
    particle_of = np.arange(len(heights), dtype=np.int32)
    for first, second, width in _passages(basins, distance):
        # Basins are numbered by falling height: the lower number is the higher peak.
        high, low = sorted((particle_of[first], particle_of[second]))
        depth = heights[low] - width
        if high != low and depth <= _smallest_neck(heights[low]):
            particle_of[particle_of == low] = high
    return particle_of


def _smallest_neck(height: float) -> float:
    return max(_PIXEL_ROUNDING, _NECK_DEPTH * height)


def _passages(
    basins: Labels, distance: NDArray[np.float64]
) -> list[tuple[int, int, float]]:
    """Return pairs of touching basins with their passage's half-width, widest first."""
    widest: dict[tuple[int, int], float] = {}
    shifts = (
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:-1], np.s_[1:]),
        (np.s_[:-1, :-1], np.s_[1:, 1:]),
        (np.s_[:-1, 1:], np.s_[1:, :-1]),
    )
    for here, there in shifts:
        a, b = basins[here], basins[there]
        border = (a != b) & (a > 0) & (b > 0)
        pairs = np.sort(np.stack([a[border], b[border]], axis=1), axis=1)
        widths = np.minimum(distance[here][border], distance[there][border])
        for (first, second), width in zip(pairs.tolist(), widths.tolist(), strict=True):
            pair = (first, second)
            widest[pair] = max(widest.get(pair, 0.0), width)
    passages = [(first, second, width) for (first, second), width in widest.items()]
    return sorted(passages, key=lambda passage: (-passage[2], passage[:2]))
