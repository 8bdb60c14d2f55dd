# SPDX-License-Identifier: GPL-3.0-or-later
r"""Common lens: the lenses of one microscope from what several places tell of them.

Each place has found them for itself, with a covariance. What differs between places is
known: the height of a tilted or bent sheet adds to the defocus of all images alike, and
the illumination need not be even. So the parameters at place b are

.. math:: v_b = v + E h_b

with the heights, doses and contrasts of the place in h. Least squares give v and h.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis.refinement.lens_parameters import ParameterList


@dataclass(frozen=True)
class LensInformation:
    """What the images of a place tell of the free parameters of the lenses.

    Parameters
    ----------
    precision
        Inverse of their covariance, shape (free, free).
    pull
        Its product with the parameters, shape (free,).
    """

    precision: NDArray[np.float64]
    pull: NDArray[np.float64]


@dataclass(frozen=True)
class LensOfPlace:
    """Free parameters of the lenses at a place, and their covariance."""

    vector: NDArray[np.float64]
    covariance: NDArray[np.float64]

    def information(
        self,
        expected: NDArray[np.float64] | None = None,
        precision: NDArray[np.float64] | None = None,
    ) -> LensInformation:
        """Return what is told of them, without what had been expected.

        Parameters
        ----------
        expected, precision
            Parameters that had been expected, and the inverses of their variances.
        """
        told = np.asarray(np.linalg.inv(self.covariance), np.float64)
        pull = told @ self.vector
        if expected is None or precision is None:
            return LensInformation(told, pull)
        return LensInformation(told - np.diag(precision), pull - precision * expected)


def differing(
    parameters: ParameterList, free: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return what may differ between places, shape (free, difference).

    Parameters
    ----------
    parameters
        All parameters.
    free
        Whether each is free.
    """
    ways = [np.zeros(len(parameters))]
    ways[0][parameters.places("defocus")] = 1
    for name in ("log_electrons", "log_contrast"):
        ways += [np.eye(len(parameters))[place] for place in parameters.places(name)]
    free_ways = np.array(ways).T[free]
    return np.asarray(free_ways[:, free_ways.any(axis=0)])


def common_lens(
    places: Sequence[LensInformation],
    ways: NDArray[np.float64],
    steps: NDArray[np.float64],
) -> list[LensOfPlace]:
    """Return the lenses at each place if they are those of one microscope.

    Parameters
    ----------
    places
        What each tells.
    ways
        What may differ between them, as of `differing`.
    steps
        Typical change of each free parameter, which makes them comparable.
    """
    ways = ways / steps[:, np.newaxis]
    ways = ways / np.linalg.norm(ways, axis=0)
    precisions = [each.precision * np.outer(steps, steps) for each in places]
    pulls = [each.pull * steps for each in places]
    # Covariance of what is a place's own if the rest is known; 0 at the first.
    own = [np.zeros((ways.shape[1], ways.shape[1]))]
    own += [np.asarray(np.linalg.inv(ways.T @ p @ ways)) for p in precisions[1:]]
    # What is told of the common part is what the own part leaves.
    left = [
        np.eye(len(steps)) - precision @ ways @ each @ ways.T
        for precision, each in zip(precisions, own, strict=True)
    ]
    told = np.sum([a @ b for a, b in zip(left, precisions, strict=True)], axis=0)
    covariance = np.linalg.inv(told)
    mean = covariance @ np.sum([a @ b for a, b in zip(left, pulls, strict=True)], 0)
    found = []
    for precision, pull, rest, each in zip(precisions, pulls, left, own, strict=True):
        at_place = mean + ways @ each @ ways.T @ (pull - precision @ mean)
        whole = rest.T @ covariance @ rest + ways @ each @ ways.T
        found.append(LensOfPlace(at_place * steps, whole * np.outer(steps, steps)))
    return found
