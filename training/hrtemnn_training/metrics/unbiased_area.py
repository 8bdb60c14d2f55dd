# SPDX-License-Identifier: GPL-3.0-or-later
"""Unbiased area: the threshold at which as much area is found as there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_STEPS = 1000  # the threshold is found to a thousandth

# Least share of the most probable pixels that are an object's, as many as it has: with
# less, something else is taken for the object, or nothing is seen.
_SEEN = 0.5


class UnbiasedArea:
    """Found and true area of images at all thresholds.

    Images are added one by one; none is kept.
    """

    def __init__(self) -> None:
        self._seen: list[NDArray[np.float64]] = []
        self._unseen: list[NDArray[np.float64]] = []

    def add(self, probability: ArrayLike, truth: ArrayLike) -> None:
        """Measure an image.

        Parameters
        ----------
        probability
            Probability of each pixel, 0 to 1, any shape; NaN where there is no data.
        truth
            Whether it is an object's, the same shape. An image without any is left
            out: it has no true area to compare with. So is one whose objects the
            network does not see, if it sees any: no threshold finds these, and at a low
            dose there are many.
        """
        # Nothing is found where there is no data.
        values = np.nan_to_num(np.ravel(np.asarray(probability, float)))
        true = int(np.count_nonzero(truth))
        if true:
            bins = np.minimum((values * _STEPS).astype(int), _STEPS - 1)
            pixels = np.bincount(bins, minlength=_STEPS)
            # Those of at least 1 / _STEPS, 2 / _STEPS, ...
            ratios = pixels[::-1].cumsum()[::-1][1:] / true
            is_seen = _is_seen(values, np.ravel(np.asarray(truth, bool)), true)
            (self._seen if is_seen else self._unseen).append(ratios)

    def threshold(self) -> float | None:
        """Return the threshold at which the found is the true area; None of no image.

        In the median of the images. Of their sum it would be less, because it would
        make up for particles that are not seen at all with the rims of all others.
        """
        if not (ratios := self._seen or self._unseen):
            return None
        bias = np.abs(np.median(ratios, axis=0) - 1)
        return (int(bias.argmin()) + 1) / _STEPS


def _is_seen(values: NDArray[np.float64], truth: NDArray[np.bool_], true: int) -> bool:
    """Return whether the most probable pixels are mostly the object's."""
    least = np.partition(values, -true)[-true]
    return bool(truth[values >= least].mean() >= _SEEN)
