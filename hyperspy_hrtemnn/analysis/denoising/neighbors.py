# SPDX-License-Identifier: GPL-3.0-or-later
"""Neighboring frames: the mean of a frame and those that show the same.

A neighbor is registered onto the frame, and counts where it differs from the frame by
noise alone. Where something has moved, the frame stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.ndimage import shift as moved
from scipy.signal.windows import tukey
from skimage.registration import phase_cross_correlation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

# Widths, as standard deviations of Gaussians [Å]: of the finest detail that differences
# are looked for in, of the window in which they are added up, and above which an
# image is illumination, which does not drift.
_DETAIL = 0.5
_WINDOW = 6.0
_ILLUMINATION = 12.0

# Square of a difference, relative to that of noise, up to which a neighbor counts whole
# and from which on it does not count. In a window are some 150 details, so that noise
# alone is within 1.35 in 999 of 1000 windows.
_SAME, _OTHER = 1.4, 1.8

# A drift by more of the field than this is another view, and so is a neighbor with less
# than this of the details of the first answer. An answer that is the mean of what the
# frame can be has all of them in a neighbor that shows the same, whatever the dose.
_LARGEST_DRIFT = 0.25
_LEAST_SHARE = 0.5

# Smallest share of data in a pixel of a shifted frame; 1 except for rounding.
_ALL_DATA = 0.99

# Shifts below this are not interpolated, which would change the noise [pixels].
_SMALLEST_SHIFT = 0.05


def mean_with_neighbors(
    frame: NDArray[np.floating],
    neighbors: Iterable[NDArray[np.floating]],
    clean: NDArray[np.floating],
    sampling: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean of a frame and of its neighbors where they show the same.

    Each neighbor is shifted onto the frame by its cross-correlation with a first
    answer without noise. It counts in the pixels around which the square of its
    difference from the frame is that of noise, and less and less up to 1.8 times as
    much. How the noise varies over the field, the difference of the frame and the
    first answer says; how large it is, the median over the field, of which more than
    half has to show the same.

    Parameters
    ----------
    frame
        The frame, finite, shape (y, x).
    neighbors
        Frames before and after it, of the same shape and the same dose; NaN where they
        have no data.
    clean
        A first answer for the frame without noise, of the same shape.
    sampling
        Pixel size [Å].

    Returns
    -------
    The mean, and the number of frames it is of in each pixel, from 1 on; float32.
    """
    frame, clean = (np.asarray(image, np.float32) for image in (frame, clean))
    total, count = frame.copy(), np.ones_like(frame)
    noise = gaussian_filter((frame - clean) ** 2, _WINDOW / sampling)
    for neighbor in neighbors:
        there = _registered(np.asarray(neighbor, np.float32), clean, sampling)
        if there is None:
            continue
        weight = _agreement(frame, there, noise, sampling)
        total += weight * np.where(weight > 0, there, 0)
        count += weight
    return total / count, count


def _registered(
    neighbor: NDArray[np.float32], clean: NDArray[np.float32], sampling: float
) -> NDArray[np.float32] | None:
    """Return a neighbor shifted onto the frame, NaN where it has no data."""
    known = np.isfinite(neighbor)
    if not known.any() or np.ptp(neighbor[known]) == 0:
        return None
    filled = np.where(known, neighbor, neighbor[known].mean())
    views = [_without_illumination(image, sampling) for image in (clean, filled)]
    # The drift is that which moves the neighbor back.
    drift, _, _ = phase_cross_correlation(
        *views, upsample_factor=20, normalization=None
    )
    if np.any(np.abs(drift) > _LARGEST_DRIFT * np.array(clean.shape)):
        return None
    square = float(np.sum(views[0] ** 2))
    share = float(np.sum(views[0] * moved(views[1], drift, order=1)))
    if not share > _LEAST_SHARE * square:
        return None
    if np.hypot(*drift) < _SMALLEST_SHIFT:
        return neighbor
    result: NDArray[np.float32] = moved(filled, drift, order=3, cval=np.nan)
    if not known.all():
        data = moved(known.astype(np.float32), drift, order=1)
        result[data < _ALL_DATA] = np.nan
    return result


def _without_illumination(
    image: NDArray[np.float32], sampling: float
) -> NDArray[np.float32]:
    """Return an image with fine details only, which fade out towards its edges."""
    detail = gaussian_filter(image, _DETAIL / sampling)
    detail -= gaussian_filter(image, _ILLUMINATION / sampling)
    fading = [tukey(n, 0.25).astype(np.float32) for n in image.shape]
    view: NDArray[np.float32] = detail * fading[0][:, np.newaxis] * fading[1]
    return view


def _agreement(
    frame: NDArray[np.float32],
    neighbor: NDArray[np.float32],
    noise: NDArray[np.float32],
    sampling: float,
) -> NDArray[np.float32]:
    """Return how much a neighbor counts in each pixel, 0 to 1."""
    known = np.isfinite(neighbor)
    difference = np.where(known, neighbor - frame, 0)
    detail = gaussian_filter(difference, _DETAIL / sampling)
    square = gaussian_filter(detail**2, _WINDOW / sampling)
    ratio = square / np.maximum(noise, 1e-30)
    ratio /= max(float(np.median(ratio[known])), 1e-30)
    weight = np.clip((_OTHER - ratio) / (_OTHER - _SAME), 0, 1)
    return np.asarray(np.where(known, weight, 0), np.float32)
