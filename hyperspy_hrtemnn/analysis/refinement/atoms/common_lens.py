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
class LensOfPlace:
    """Parameters of the lenses at a place, and their covariance, of the free ones."""

    vector: NDArray[np.float64]
    covariance: NDArray[np.float64]


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
    places: Sequence[LensOfPlace],
    ways: NDArray[np.float64],
    steps: NDArray[np.float64],
) -> list[LensOfPlace]:
    """Return the lenses at each place if they are those of one microscope.

    Parameters
    ----------
    places
        What each has found.
    ways
        What may differ between them, as of `differing`.
    steps
        Typical change of each free parameter, which makes them comparable.
    """
    ways = ways / steps[:, np.newaxis]
    ways = ways / np.linalg.norm(ways, axis=0)
    vectors = [each.vector / steps for each in places]
    scale = np.outer(steps, steps)
    precisions = [np.linalg.inv(each.covariance / scale) for each in places]
    # The way to each place's own part, which is 0 at the first.
    own = [np.zeros((ways.shape[1], len(steps)))]
    spreads = [np.zeros((len(steps), len(steps)))]
    for precision in precisions[1:]:
        spread = np.linalg.inv(ways.T @ precision @ ways)
        own.append(spread @ ways.T @ precision)
        spreads.append(ways @ spread @ ways.T)
    # What is common has the precision that is left without the own part.
    left = [
        precision - precision @ ways @ each
        for precision, each in zip(precisions, own, strict=True)
    ]
    covariance = np.linalg.inv(np.sum(left, axis=0))
    mean = covariance @ np.sum(
        [a @ b for a, b in zip(left, vectors, strict=True)], axis=0
    )
    found = []
    for vector, each, spread in zip(vectors, own, spreads, strict=True):
        at_place = mean + ways @ (each @ (vector - mean))
        rest = np.eye(len(steps)) - ways @ each
        whole = rest @ covariance @ rest.T + spread
        found.append(LensOfPlace(at_place * steps, whole * scale))
    return found
