# SPDX-License-Identifier: GPL-3.0-or-later
"""Model of the features that images of a training have, and the distance from it.

Features vary in few ways together: with the dose, the defocus, how much of a region is
a particle. What is normal depends on these. So the mean and the deviation of each
feature are quadratic functions of the first principal components, what is left has a
covariance, and the Mahalanobis distance in it is compared with that which images with
such components have.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_COMPONENTS = 4
_FARTHEST = 3.0  # standard deviations
_RIDGE = 3.0  # as many images, of which nothing is known
# Least variance in any direction of features whose variance is 1: what is less is known
# from too few images.
_LEAST_VARIANCE = 0.03
_LEAST_SQUARE = 1e-3  # of what is left of a feature, for its logarithm
_LEAST_DEVIATION = 0.01  # of a feature; those of a channel without answer are equal
_FOLDS = 4


@dataclass(frozen=True)
class GuardModel:
    """What the guard of a network computes from the features of a region.

    With ``p = places @ f + places_offset`` for features ``f``, clipped to `farthest`,
    and ``t`` the components of ``p`` and their products of two, features have the mean
    ``mean @ t + mean_offset``. What is left of them is multiplied by the exponential of
    ``scale @ t + scale_offset`` to ``g``, and ``whitening @ g - middle`` has a
    covariance of one. The logarithm of its square is compared with
    ``expected @ t + expected_offset``.

    Parameters
    ----------
    places, places_offset
        First principal components, with a variance of 1, shape (component, feature).
    farthest
        Largest component.
    pairs
        First and second factor of each product of components.
    mean, mean_offset, scale, scale_offset
        Shape (feature, term).
    whitening, middle
        Shape (feature, feature).
    expected, expected_offset
        Shape (1, term).
    """

    places: Array
    places_offset: Array
    farthest: float
    pairs: tuple[tuple[int, ...], tuple[int, ...]]
    mean: Array
    mean_offset: Array
    scale: Array
    scale_offset: Array
    whitening: Array
    middle: Array
    expected: Array
    expected_offset: Array

    def with_threshold(self, novelty: float) -> GuardModel:
        """Return the model that gives 1 where this one gives a novelty."""
        offset = self.expected_offset + 2 * np.log(novelty)
        return replace(self, expected_offset=offset)


def fit(features: NDArray[np.floating], structures: NDArray[np.integer]) -> GuardModel:
    """Return the model of features.

    Parameters
    ----------
    features
        Shape (region, feature).
    structures
        The structure that each region is of. Distances that are expected are those of
        structures that are left out.

    Raises
    ------
    ValueError
        If there are too few regions.
    """
    n, size = features.shape
    if n < size:
        raise ValueError(
            f"There are {n} regions of training images, and {size} features of each; "
            "as many regions are needed at least. Form more images."
        )
    middle = features.mean(axis=0, dtype=float)
    deviation = np.maximum(features.std(axis=0, dtype=float), _LEAST_DEVIATION)
    normal = (features - middle) / deviation
    variances, directions = np.linalg.eigh(np.cov(normal.T))
    first = slice(None, -_COMPONENTS - 1, -1)
    components = (directions[:, first] / np.sqrt(variances[first])).T
    pairs = np.triu_indices(_COMPONENTS)
    terms = _terms(normal @ components.T, pairs)
    mean = _regression(terms, normal)
    left = normal - terms @ mean
    scale = -_regression(terms, np.log(left**2 + _LEAST_SQUARE)) / 2
    left *= np.exp(terms @ scale)
    whitening, center = _whitening(left)
    distances = _distances_left_out(left, structures)
    expected = _regression(terms, np.log(distances)[:, np.newaxis])
    # The first term is 1. Features are taken as they are.
    return GuardModel(
        places=components / deviation,
        places_offset=-components @ (middle / deviation),
        farthest=_FARTHEST,
        pairs=(tuple(pairs[0].tolist()), tuple(pairs[1].tolist())),
        mean=mean[1:].T * deviation[:, np.newaxis],
        mean_offset=mean[0] * deviation + middle,
        scale=scale[1:].T,
        scale_offset=scale[0] - np.log(deviation),
        whitening=whitening,
        middle=whitening @ center,
        expected=expected[1:].T,
        expected_offset=expected[0],
    )


def _terms(places: Array, pairs: tuple[NDArray[np.intp], ...]) -> Array:
    places = np.clip(places, -_FARTHEST, _FARTHEST)
    products = places[:, pairs[0]] * places[:, pairs[1]]
    return np.concatenate([np.ones((len(places), 1)), places, products], axis=1)


def _regression(terms: Array, values: Array) -> Array:
    square = terms.T @ terms + _RIDGE * np.eye(terms.shape[1])
    return np.asarray(np.linalg.solve(square, terms.T @ values), float)


def _whitening(values: Array) -> tuple[Array, Array]:
    center = values.mean(axis=0)
    variances, directions = np.linalg.eigh(np.cov((values - center).T))
    whitening: Array = (directions / np.sqrt(variances + _LEAST_VARIANCE)).T
    return whitening, center


def _distances_left_out(values: Array, structures: NDArray[np.integer]) -> Array:
    """Return the squared distance of each region from those of other structures."""
    folds = np.unique(structures, return_inverse=True)[1] % _FOLDS
    distances = np.empty(len(values))
    for fold in range(_FOLDS):
        out = folds == fold
        whitening, center = _whitening(values[~out])
        distances[out] = (((values[out] - center) @ whitening.T) ** 2).sum(axis=1)
    return distances
