# SPDX-License-Identifier: GPL-3.0-or-later
"""Classes of columns by their intensities, against those of their neighbors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial import cKDTree
from scipy.stats import multivariate_normal

from hrtemnn_training.metrics.columns import match, reach_of
from hrtemnn_training.metrics.true_columns import true_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from hrtemnn_training.images.sample import Sample

    from .surroundings import Surroundings

    Positions = NDArray[np.floating]
    Found = tuple[Positions, NDArray[np.floating]]
    Classify = Callable[[Positions, NDArray[np.floating], float], NDArray[np.integer]]

_WIDTHS = (0.25, 0.5, 0.9)
"""Widths of the Gaussian over which the intensity of a column is integrated [Å]."""


def tune_classes(
    validation: Sequence[Sample], found: Sequence[Found], surroundings: Surroundings
) -> Classify:
    """Return what classifies columns by their intensities.

    Of a column that is the intensity in the image it was found in, and that less the
    mean of its nearest neighbors and less the median of its next ones, each in units of
    their deviation in the image: contrast differs from image to image. Of each class
    they are taken for normally distributed, with the means and the covariance they have
    on the validation images, and a column is of the class that is most probable. The
    width over which intensities are integrated is that with which most are right.

    Parameters
    ----------
    validation
        Images with known columns.
    found
        Columns that were found in each, (row, column) in the pixels of the network,
        and the image they were found in.
    surroundings
        Number of nearest neighbors.

    Returns
    -------
    From positions, an image and its sampling [Å] to classes. Where nothing was found
    that is a column, the most common class.
    """
    pairs = [
        _true_classes(positions, sample)
        for (positions, _), sample in zip(found, validation, strict=True)
    ]
    truth = np.concatenate([classes for _, classes in pairs])
    every = np.concatenate([true_columns(sample)[1] for sample in validation])
    best, classify = -1.0, _always(int(np.bincount(every, minlength=1).argmax()))
    nearest = max(surroundings.neighbors, 1)
    for width in _WIDTHS:
        values = np.concatenate(
            [
                _intensities(positions, image, width / sample.sampling, nearest)[rows]
                for (positions, image), sample, (rows, _) in zip(
                    found, validation, pairs, strict=True
                )
            ]
        )
        model = _Normal.fitted(values, truth)
        if model is None:
            continue
        right = float(np.mean(model.classify(values) == truth))
        if right > best:
            best, classify = right, _by_intensity(model, width, nearest)
    return classify


def _true_classes(
    found: Positions, sample: Sample
) -> tuple[NDArray[np.intp], NDArray[np.integer]]:
    """Return which found columns are true ones, and their classes."""
    places, classes = true_columns(sample)
    centers = (found + 0.5) * sample.working_grid.pixel
    rows, columns = match(centers, places, reach_of(places))
    return rows, classes[columns]


def _intensities(
    positions: Positions, image: NDArray[np.floating], width: float, nearest: int
) -> NDArray[np.float64]:
    """Return the three intensities of each column, shape (column, 3)."""
    filtered = gaussian_filter(image, width)
    here = map_coordinates(filtered, positions.T, order=1, mode="nearest").astype(float)
    values = np.stack([here] * 3, axis=1)
    if len(here) > 3 * nearest:
        _, around = cKDTree(positions).query(positions, k=3 * nearest + 1)
        values[:, 1] -= here[around[:, 1 : nearest + 1]].mean(axis=1)
        values[:, 2] -= np.median(here[around[:, nearest + 1 :]], axis=1)
    if not len(here):
        return values
    deviation = values.std(axis=0)
    scale = np.where(deviation > 0, deviation, 1)
    return np.asarray((values - values.mean(axis=0)) / scale)


def _always(number: int) -> Classify:
    return lambda positions, *_: np.full(len(positions), number)


def _by_intensity(model: _Normal, width: float, nearest: int) -> Classify:
    return lambda positions, image, sampling: model.classify(
        _intensities(positions, image, width / sampling, nearest)
    )


class _Normal:
    """Classes whose intensities are normally distributed (quadratic discriminant)."""

    def __init__(self, numbers: NDArray[np.integer], parts: list[NDArray[np.float64]]):
        self.numbers = numbers
        self.priors = np.log([len(part) for part in parts])
        self.distributions = [
            multivariate_normal(part.mean(axis=0), np.cov(part.T), allow_singular=True)
            for part in parts
        ]

    @classmethod
    def fitted(
        cls, values: NDArray[np.float64], classes: NDArray[np.integer]
    ) -> _Normal | None:
        """Return the fit to the classes that have enough columns, if any has."""
        numbers, counts = np.unique(classes, return_counts=True)
        numbers = numbers[counts > values.shape[1] + 1]
        if not len(numbers):
            return None
        return cls(numbers, [values[classes == number] for number in numbers])

    def classify(self, values: NDArray[np.float64]) -> NDArray[np.integer]:
        """Return the most probable class of each column."""
        logs = [
            prior + np.reshape(distribution.logpdf(values), len(values))
            for prior, distribution in zip(self.priors, self.distributions, strict=True)
        ]
        return np.asarray(self.numbers[np.argmax(logs, axis=0)])
