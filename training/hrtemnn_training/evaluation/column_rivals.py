# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns without a network: the matched filter, and brightness for heights."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree
from skimage.feature import peak_local_max

from hyperspy_hrtemnn.networks import resample

from .column_scores import match, reach_of
from .column_tasks import ColumnAnswer, read_columns, seen_columns, true_columns, within
from .intensity_classes import tune_classes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from .shots import Shot

_WIDTHS = (0.15, 0.25, 0.35, 0.5, 0.7, 0.9)
"""Of the Gaussian filter [Å]."""

_SEPARATION = 0.6  # smallest distance of two peaks, of that of neighbors


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


def tune_matched_filter(
    validation: Sequence[Shot],
) -> Callable[[Shot], ColumnAnswer]:
    """Return the matched filter with the best atomic F1 on the validation images.

    Its width and threshold are tuned, and what it looks at: one image of a focal
    series, their mean, or the last less the first, with bright or dark columns. Then
    the peaks are classified by their intensities in all images, see
    `intensity_classes`.
    """
    columns = [true_columns(shot) for shot in validation]
    separation = _SEPARATION * _neighbor_distance([p for p, _ in columns])
    sampling = validation[0].sampling
    best = (-1.0, (_WIDTHS[0], (1.0,)), np.inf)
    for candidate in product(_WIDTHS, _views(validation[0].parameters.channels)):
        width, view = candidate
        search = MatchedFilter(width / sampling, 0.0, separation / sampling)
        curves = [_curve(search, _seen(view, shot), shot) for shot in validation]
        thresholds = np.linspace(0, max(c[0].max(initial=0) for c in curves), 100)
        scores = np.nanmean([_f1_above(thresholds, *c) for c in curves], axis=0)
        best = max(best, (scores.max(), candidate, thresholds[scores.argmax()]))
    _, (width, view), threshold = best
    tuned = MatchedFilter(width / sampling, threshold, separation / sampling)
    found = [tuned(_seen(view, shot))[0] for shot in validation]
    classify = tune_classes(validation, found)

    def rival(shot: Shot) -> ColumnAnswer:
        positions, _ = tuned(_seen(view, shot))
        return ColumnAnswer(_in_camera(positions, shot), classify(positions, shot))

    return rival


def _views(channels: int) -> list[tuple[float, ...]]:
    """Return weights of the images of a series: what peaks are looked for in."""
    single = np.eye(channels)
    views = list(single)
    if channels > 1:
        views += [single.mean(axis=0), single[-1] - single[0]]
    return [tuple((sign * view).tolist()) for view in views for sign in (1, -1)]


def _seen(view: tuple[float, ...], shot: Shot) -> NDArray[np.floating]:
    return np.tensordot(np.float32(view), shot.standardized, 1)


def _neighbor_distance(positions: Sequence[NDArray[np.floating]]) -> float:
    """Return the median distance of neighbors; 2 Å where there are none."""
    distances = [cKDTree(p).query(p, k=2)[0][:, 1] for p in positions if len(p) > 1]
    return float(np.median(np.concatenate(distances))) if distances else 2.0


def _in_camera(positions: NDArray[np.floating], shot: Shot) -> NDArray[np.float64]:
    """Return positions in pixels of the network in those of the camera."""
    ratio = shot.working_grid.pixel / shot.grid.pixel
    return (positions + 0.5) * ratio - 0.5


def _curve(
    search: MatchedFilter, image: NDArray[np.floating], shot: Shot
) -> tuple[NDArray[np.floating], NDArray[np.bool_], int]:
    """Return the height of each peak, whether it is a column, and how many there are.

    Only peaks and columns that count, see `AtomicColumns.score`.
    """
    positions, heights = search(image)
    found = (positions + 0.5) * shot.working_grid.pixel
    truth, _ = true_columns(shot)
    reach = reach_of(truth)
    right = np.zeros(len(found), bool)
    right[match(found, truth, reach)[0]] = True
    counts = within(found, shot, reach)
    return heights[counts], right[counts], int(within(truth, shot, reach).sum())


def _f1_above(
    thresholds: NDArray[np.floating],
    heights: NDArray[np.floating],
    right: NDArray[np.bool_],
    count: int,
) -> NDArray[np.float64]:
    """Return atomic F1 of the peaks above each threshold; nan of nothing in nothing."""
    above = heights >= thresholds[:, np.newaxis]
    either = above.sum(axis=1) + count
    f1 = np.full(len(thresholds), np.nan)
    np.divide(2 * (above & right).sum(axis=1), either, out=f1, where=either > 0)
    return f1


def fit_heights(
    validation: Sequence[Shot],
) -> Callable[[Shot], NDArray[np.float64]]:
    """Return the brightness of columns as heights, by the straight line that fits best.

    The width of the Gaussian filter and the image of a focal series are those with
    which the line leaves the least error.
    """
    heights = np.concatenate(
        [s.sample.sites.heights[seen_columns(s)] for s in validation]
    )
    best = (np.inf, (_WIDTHS[0], 0), np.array([0.0, 0.0]))
    for candidate in product(_WIDTHS, range(validation[0].parameters.channels)):
        values = np.concatenate(
            [read_columns(_brightness(s, *candidate), s) for s in validation]
        )
        ones = np.stack([values, np.ones_like(values)], axis=1)
        line = np.linalg.lstsq(ones, heights, rcond=None)[0]
        error = float(np.sum((ones @ line - heights) ** 2))
        best = min(best, (error, candidate, line), key=lambda b: b[0])
    _, candidate, (slope, offset) = best
    return lambda shot: (slope * _brightness(shot, *candidate) + offset)[np.newaxis]


def _brightness(shot: Shot, width: float, channel: int) -> NDArray[np.float32]:
    filtered = gaussian_filter(shot.standardized[channel], width / shot.sampling)
    return resample(filtered, shot.grid.shape)
