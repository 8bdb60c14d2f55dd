# SPDX-License-Identifier: GPL-3.0-or-later
"""Classes of columns from their intensities in the images of a focal series."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.stats import multivariate_normal

from .column_scores import match, reach_of
from .column_tasks import true_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from .shots import Shot

    Positions = NDArray[np.floating]
    Classify = Callable[[Positions, Shot], NDArray[np.intp]]

_WIDTHS = (0.25, 0.5, 0.9, 1.3)
"""Of the Gaussian over which the intensity of a column is integrated [Å]."""


def tune_classes(validation: Sequence[Shot], found: Sequence[Positions]) -> Classify:
    """Return what classifies columns by their intensities in all images of a series.

    Of each class the intensities are taken for normally distributed, with the means
    and the covariance they have on the validation images, and a column is of the class
    that is most probable. The width over which intensities are integrated, and whether
    they are taken relative to those of the other columns of the series, are those with
    which most columns are right.

    Parameters
    ----------
    validation
        Images with known columns.
    found
        The columns that were found in each, (row, column) in the pixels of the network.

    Returns
    -------
    From positions in the images of a shot to classes. Where nothing was found that is a
    column, the most common class.
    """
    pairs = [_true_classes(p, s) for p, s in zip(found, validation, strict=True)]
    truth = np.concatenate([classes for _, classes in pairs])
    every = np.concatenate([true_columns(shot)[1] for shot in validation])
    most_common = int(np.bincount(every, minlength=1).argmax())
    best, classify = -1.0, _always(most_common)
    for width, relative in product(_WIDTHS, (False, True)):
        seen = [
            _intensities(positions, shot, width, relative=relative)[rows]
            for positions, shot, (rows, _) in zip(found, validation, pairs, strict=True)
        ]
        model = _Normal.fitted(np.concatenate(seen), truth)
        if model is None:
            continue
        right = float(np.mean(model.classify(np.concatenate(seen)) == truth))
        if right > best:
            best, classify = right, _by_intensity(model, width, relative=relative)
    return classify


def _true_classes(
    found: Positions, shot: Shot
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which found columns are true ones, and their classes."""
    places, classes = true_columns(shot)
    centers = (found + 0.5) * shot.working_grid.pixel
    rows, columns = match(centers, places, reach_of(places))
    return rows, classes[columns]


def _intensities(
    positions: Positions, shot: Shot, width: float, *, relative: bool
) -> NDArray[np.float64]:
    """Return the intensity of each column in each image, shape (column, image)."""
    values = np.stack(
        [
            map_coordinates(
                gaussian_filter(image, width / shot.sampling),
                positions.T,
                order=1,
                mode="nearest",
            )
            for image in shot.standardized
        ],
        axis=1,
    ).astype(float)
    if relative and len(values) > 1:
        deviation = values.std(axis=0)
        values = (values - values.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
    return values


def _always(number: int) -> Classify:
    return lambda positions, _: np.full(len(positions), number)


def _by_intensity(model: _Normal, width: float, *, relative: bool) -> Classify:
    return lambda positions, shot: model.classify(
        _intensities(positions, shot, width, relative=relative)
    )


class _Normal:
    """Classes whose intensities are normally distributed (quadratic discriminant)."""

    def __init__(self, numbers: NDArray[np.intp], parts: list[NDArray[np.float64]]):
        self.numbers = numbers
        self.priors = np.log([len(part) for part in parts])
        self.distributions = [
            multivariate_normal(part.mean(axis=0), np.cov(part.T), allow_singular=True)
            for part in parts
        ]

    @classmethod
    def fitted(
        cls, values: NDArray[np.float64], classes: NDArray[np.intp]
    ) -> _Normal | None:
        """Return the fit to the classes that have enough columns, if any has."""
        numbers, counts = np.unique(classes, return_counts=True)
        numbers = numbers[counts > values.shape[1] + 1]
        if not len(numbers):
            return None
        return cls(numbers, [values[classes == number] for number in numbers])

    def classify(self, values: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return the most probable class of each column."""
        logs = [
            prior + np.reshape(distribution.logpdf(values), len(values))
            for prior, distribution in zip(self.priors, self.distributions, strict=True)
        ]
        return np.asarray(self.numbers[np.argmax(logs, axis=0)])
