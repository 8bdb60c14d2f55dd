# SPDX-License-Identifier: GPL-3.0-or-later
"""Crop sizes: how large a crop has to be for a particle with its soft edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .boxes import boxes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

# Distance from the particle, in apodizations, at which the soft edge falls to 2 %.
_REACH = 2.0


def edge_width(apodization: float) -> int:
    """Return the width of a soft edge [pixels], from its standard deviation."""
    return int(np.ceil(_REACH * apodization))


def smallest_crop_size(apodization: float) -> int:
    """Return the height and width of the smallest crop that is not only soft edge.

    Parameters
    ----------
    apodization
        Apodization of `local_spectrum` [pixels].
    """
    return 2 * edge_width(apodization) + 1


def crop_sizes(
    frames: Iterable[NDArray[np.integer]], ids: Iterable[int], apodization: float
) -> dict[int, int]:
    """Return the smallest even size of a square crop for each particle.

    Parameters
    ----------
    frames
        Integer labels of each frame, shape (y, x).
    ids
        Ids of the particles.
    apodization
        Apodization of `local_spectrum` [pixels].

    Returns
    -------
    Height and width [pixels] by id; the crop does not cut the particle in any frame.
    """
    reach = dict.fromkeys(ids, 0)
    for labels in frames:
        for number, box in boxes(labels).items():
            if number not in reach:
                continue
            particle = labels[box] == number
            for weights in (particle.sum(axis=0), particle.sum(axis=1)):
                center = centroid(weights)
                reach[number] = max(reach[number], center, len(weights) - center)
    edge = edge_width(apodization)
    return {number: 2 * max(1, inner + edge) for number, inner in reach.items()}


def crop_size(
    frames: Iterable[NDArray[np.integer]], ids: Iterable[int], apodization: float
) -> int:
    """Return the smallest even size of a square crop that does not cut any particle.

    Parameters
    ----------
    frames, ids, apodization
        See `crop_sizes`.

    Returns
    -------
    Height and width of the crop [pixels].
    """
    return max(crop_sizes(frames, ids, apodization).values(), default=2)


def centroid(weights: NDArray[np.integer]) -> int:
    """Return the middle of a particle along an axis, from its pixels at each index."""
    # Halves are rounded up, so that an even number of pixels fits into a crop as large.
    return int(np.average(np.arange(len(weights)), weights=weights) + 0.5)
