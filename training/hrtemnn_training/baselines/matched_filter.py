# SPDX-License-Identifier: GPL-3.0-or-later
"""Matched filter: peaks of an image behind a filter as wide as a column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.feature import peak_local_max

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class MatchedFilter:
    """Peaks of a Gaussian filter above an absolute threshold.

    Parameters
    ----------
    width
        Standard deviation of the filter [pixels].
    threshold
        Smallest height of a peak in the filtered image.
    min_separation
        Smallest distance of two peaks [pixels].
    """

    width: float
    threshold: float
    min_separation: float

    def __call__(
        self, image: NDArray[np.floating]
    ) -> tuple[NDArray[np.float64], NDArray[np.floating]]:
        """Return positions (row, column), refined below the pixel, and heights.

        Parameters
        ----------
        image
            With bright columns, shape (y, x).
        """
        filtered = gaussian_filter(np.asarray(image, np.float32), self.width)
        peaks = peak_local_max(  # type: ignore[no-untyped-call]
            filtered,
            footprint=np.ones((3, 3)),
            min_distance=self.min_separation,
            p_norm=2,
            threshold_abs=self.threshold,
            exclude_border=False,
        )
        return _refine(filtered, peaks), filtered[tuple(peaks.T)]


def _refine(
    image: NDArray[np.floating], peaks: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return the summits of parabolas through each peak and its neighbors."""
    padded = np.pad(image, 1, mode="edge")
    refined = peaks.astype(float)
    for axis in (0, 1):
        step = np.eye(2, dtype=int)[axis]
        before, here, after = (
            padded[tuple((peaks + 1 + k * step).T)] for k in (-1, 0, 1)
        )
        curvature = before - 2 * here + after
        slope = (before - after) / 2
        refined[:, axis] += np.divide(
            slope, curvature, out=np.zeros(len(peaks)), where=curvature < 0
        ).clip(-0.5, 0.5)
    return refined
