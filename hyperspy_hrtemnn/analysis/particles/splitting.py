# SPDX-License-Identifier: GPL-3.0-or-later
"""Splitting: one label for each particle of a frame, from probabilities of pixels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from hyperspy_hrtemnn.image_data import without_mask
from hyperspy_hrtemnn.options import SplittingOptions

from .holes import without_pinholes
from .necks import cut_at_necks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Mask = NDArray[np.bool_]
    Labels = NDArray[np.int32]

_EIGHT_NEIGHBORS = np.ones((3, 3), dtype=bool)

# Depth of a neck, as a share of the half-width of the narrower part. Peaks of the
# distance map without such a neck between them are bumps of one particle. Two equal
# discs are split if their centers are at least 0.87 radii apart.
_NECK_DEPTH = 0.1


def split_particles(
    probabilities: ArrayLike,
    min_separation: float,
    *,
    probability: float = SplittingOptions.probability,
    min_area: float | None = SplittingOptions.min_area,
) -> Labels:
    """Split a segmented frame into particles, each with its own label.

    This is a watershed on the distance map of the thresholded probabilities, with the
    peaks of the map as markers (thesis section 3.5). Peaks closer than `min_separation`
    are one particle, and so are peaks without a neck between them. A hole is a gap
    between particles where round parts with narrow necks lie around it; otherwise it is
    a pinhole and is filled.

    Parameters
    ----------
    probabilities
        Probability of each pixel to belong to a particle, 0 to 1, shape (y, x), NaN
        where there is no data. A mask of 0 and 1 can be given, too.
    min_separation
        Smallest distance between the centers of two touching particles [pixels]. Only
        holes smaller than its square can be pinholes.
    probability
        Pixels of at least this probability belong to a particle. A network's threshold
        of unbiased area is in its card (`networks.Card.unbiased_threshold`).
    min_area
        Particles of fewer pixels are dropped; `split_and_count_particles` says how many
        there were. The default is a twentieth of the square of `min_separation`: a disc
        a quarter as wide as this. Section 6.1 of the thesis drops those below the whole
        square.

    Returns
    -------
    Labels of shape (y, x): 0 is background, particles are numbered from 1 on, and -1
    marks pixels without data.

    Raises
    ------
    ValueError
        If the probabilities are not a single image or a length is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> frame = np.zeros((6, 12))
    >>> frame[1:5, 1:5] = frame[1:5, 7:11] = 1
    >>> int(split_particles(frame, min_separation=3).max())
    2
    """
    options = SplittingOptions(min_separation, probability, min_area)
    labels, _ = split_and_count_particles(probabilities, options)
    return labels


def split_and_count_particles(
    probabilities: ArrayLike, options: SplittingOptions
) -> tuple[Labels, int]:
    """Return the labels of `split_particles`, and the number of dropped regions.

    Parameters
    ----------
    probabilities
        See `split_particles`.
    options
        How they are split.

    Raises
    ------
    ValueError
        See `split_particles`.
    """
    frame = without_mask(probabilities)
    if frame.ndim != 2:
        raise ValueError(f"One image of shape (y, x) is needed, not {frame.shape}.")
    unknown = (
        np.isnan(frame) if frame.dtype.kind == "f" else np.zeros(frame.shape, bool)
    )
    smallest = options.smallest_area
    regions, _ = ndimage.label(frame >= options.probability, structure=_EIGHT_NEIGHBORS)
    labels = np.zeros(frame.shape, dtype=np.int32)
    count = dropped = 0
    # Regions are split one by one: particles cover a small part of a large frame.
    for number, box in enumerate(ndimage.find_objects(regions), start=1):
        region = regions[box] == number
        if np.count_nonzero(region) < smallest:
            dropped += 1
            continue
        wider, region = _with_margin(box, region, frame.shape)
        parts = _split(region, options.min_separation, unknown[wider])
        size = np.bincount(parts.ravel())[1:]
        new = np.append(False, size >= smallest)
        dropped += int(np.count_nonzero(size < smallest))
        number_of = np.where(new, np.cumsum(new) + count, 0).astype(np.int32)
        count += int(np.count_nonzero(new))
        np.copyto(labels[wider], number_of[parts], where=region)
    labels[unknown] = -1
    return labels, dropped


def _with_margin(
    box: tuple[slice, slice], region: Mask, shape: tuple[int, ...]
) -> tuple[tuple[slice, slice], Mask]:
    """Widen a box by one pixel of background, but not beyond the frame.

    With this margin, the distance map of the box is that of the frame: the border of
    the frame is not an edge of a particle.
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
