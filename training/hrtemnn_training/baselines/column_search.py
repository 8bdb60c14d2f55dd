# SPDX-License-Identifier: GPL-3.0-or-later
"""Column search: the matched filter in the view with the most regular peaks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hrtemnn_training.metrics.columns import (
    ColumnPrediction,
    match,
    reach_of,
)
from hrtemnn_training.metrics.true_columns import true_columns, within

from .intensity_classes import tune_classes
from .matched_filter import MatchedFilter
from .surroundings import Surroundings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from hrtemnn_training.images.sample import Sample

    View = tuple[float, ...]

_WIDTHS = (0.15, 0.25, 0.35, 0.5, 0.7, 0.9)
"""Widths of the Gaussian filter [Å]."""

_SEPARATION = 0.6  # smallest distance of two peaks, of that of neighbors

_THRESHOLDS = 50


@dataclass(frozen=True)
class ColumnSearch:
    """The matched filter in that view of a series in which the peaks are most regular.

    Contrast is bright or dark and differs from image to image of a series, as defocus
    and aberrations have it, and nobody knows them; the honeycomb of MoS2 is known.

    Parameters
    ----------
    peaks
        Finds peaks.
    views
        Weights of the images of a series, of each view that comes into question.
    surroundings
        Surroundings of the columns of the material [Å].
    """

    peaks: MatchedFilter
    views: tuple[View, ...]
    surroundings: Surroundings

    def __call__(
        self, sample: Sample
    ) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Return positions (row, column) in pixels of the network, and the view."""
        seen = [_seen(view, sample) for view in self.views]
        found = [self.peaks(image)[0] for image in seen]
        shares = [
            self.surroundings.regular_shares(
                positions * sample.sampling, np.zeros(len(positions)), np.zeros(1)
            )
            for positions in found
        ]
        best = int(np.argmax(shares))
        return found[best], seen[best]


def tune_column_search(
    validation: Sequence[Sample],
) -> Callable[[Sample], ColumnPrediction]:
    """Return the matched filter with the best atomic F1 on the validation images.

    Its width and threshold are tuned, and what it looks at: one image of a focal
    series, their mean, or the last less the first, with bright or dark columns; always
    the same of these, or in each series the one in which most peaks have as many
    neighbors as columns have. Then the peaks are classified by their intensities.
    """
    surroundings = Surroundings.of([true_columns(sample)[0] for sample in validation])
    search = _tune_search(validation, surroundings)
    found = [search(sample) for sample in validation]
    classify = tune_classes(validation, found, surroundings)

    def baseline(sample: Sample) -> ColumnPrediction:
        positions, image = search(sample)
        return ColumnPrediction(
            _in_camera(positions, sample), classify(positions, image, sample.sampling)
        )

    return baseline


def _tune_search(
    validation: Sequence[Sample], surroundings: Surroundings
) -> ColumnSearch:
    """Return the search with the best F1, whatever the classes."""
    sampling = validation[0].sampling
    separation = _SEPARATION * surroundings.distance / sampling
    views = _views(validation[0].parameters.channels)
    best = -1.0
    for width in _WIDTHS:
        peaks = MatchedFilter(width / sampling, 0.0, separation)
        curves = [
            [_curve(peaks, _seen(view, sample), sample) for sample in validation]
            for view in views
        ]
        highest = max(c.heights.max(initial=0) for row in curves for c in row)
        thresholds = np.linspace(0, highest, _THRESHOLDS)
        # Of each view, image and threshold.
        f1 = np.array([[c.f1(thresholds) for c in row] for row in curves])
        shares = np.array(
            [[c.shares(surroundings, thresholds) for c in row] for row in curves]
        )
        chosen = np.take_along_axis(f1, shares.argmax(axis=0)[np.newaxis], axis=0)
        # Always one view, or in each series the most regular one.
        ways = [*((view,) for view in views), tuple(views)]
        for way, values in zip(ways, np.concatenate([f1, chosen]), strict=True):
            means = np.nan_to_num(np.nanmean(values, axis=0))
            # Of equals the widest filter, which averages most.
            if means.max() >= best:
                best, threshold = means.max(), float(thresholds[means.argmax()])
                tuned = replace(peaks, threshold=threshold)
                search = ColumnSearch(tuned, way, surroundings)
    return search


def _views(channels: int) -> list[View]:
    """Return weights of the images of a series: what peaks are looked for in."""
    single = np.eye(channels)
    views = list(single)
    if channels > 1:
        views += [single.mean(axis=0), single[-1] - single[0]]
    return [tuple((sign * view).tolist()) for view in views for sign in (1, -1)]


def _seen(view: View, sample: Sample) -> NDArray[np.float32]:
    return np.tensordot(np.array(view, np.float32), sample.standardized, 1)


def _in_camera(positions: NDArray[np.floating], sample: Sample) -> NDArray[np.float64]:
    """Return positions in pixels of the network in those of the camera."""
    ratio = sample.working_grid.pixel / sample.grid.pixel
    return (positions + 0.5) * ratio - 0.5


@dataclass(frozen=True)
class _Curve:
    """Peaks of an image: places [Å], heights, which count, and which are right."""

    positions: NDArray[np.float64]
    heights: NDArray[np.floating]
    counts: NDArray[np.bool_]
    right: NDArray[np.bool_]
    true: int

    def shares(
        self, surroundings: Surroundings, thresholds: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Return the regular share of the peaks above each threshold."""
        return surroundings.regular_shares(self.positions, self.heights, thresholds)

    def f1(self, thresholds: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return F1 of the peaks above each threshold; nan of nothing in nothing."""
        above = self.heights[self.counts] >= thresholds[:, np.newaxis]
        either = above.sum(axis=1) + self.true
        f1 = np.full(len(thresholds), np.nan)
        right = (above & self.right[self.counts]).sum(axis=1)
        np.divide(2 * right, either, out=f1, where=either > 0)
        return f1


def _curve(peaks: MatchedFilter, image: NDArray[np.floating], sample: Sample) -> _Curve:
    """Return all peaks; those count that the metrics would count."""
    positions, heights = peaks(image)
    found = (positions + 0.5) * sample.working_grid.pixel
    truth, _ = true_columns(sample)
    reach = reach_of(truth)
    right = np.zeros(len(found), bool)
    right[match(found, truth, reach)[0]] = True
    return _Curve(
        found,
        heights,
        within(found, sample, reach),
        right,
        int(within(truth, sample, reach).sum()),
    )
