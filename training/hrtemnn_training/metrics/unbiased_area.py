# SPDX-License-Identifier: GPL-3.0-or-later
"""Unbiased area: the threshold at which as much area is found as there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_STEPS = 1000  # the threshold is found to a thousandth


class UnbiasedArea:
    """Found and true area of images at all thresholds.

    Images are added one by one; none is kept.
    """

    def __init__(self) -> None:
        self._ratios: list[NDArray[np.float64]] = []

    def add(self, probability: ArrayLike, truth: ArrayLike) -> None:
        """Measure an image.

        Parameters
        ----------
        probability
            Probability of each pixel, 0 to 1, any shape.
        truth
            Whether it is an object's, the same shape. An image without any is left
            out: it has no true area to compare with.
        """
        true = np.count_nonzero(truth)
        if true:
            values = np.ravel(np.asarray(probability, float))
            bins = np.minimum((values * _STEPS).astype(int), _STEPS - 1)
            pixels = np.bincount(bins, minlength=_STEPS)
            # Those of at least 1 / _STEPS, 2 / _STEPS, ...
            self._ratios.append(pixels[::-1].cumsum()[::-1][1:] / true)

    def threshold(self) -> float | None:
        """Return the threshold at which the found is the true area; None of no image.

        In the median of the images. Of their sum it would be less, because it would
        make up for particles that are not seen at all with the rims of all others.
        """
        if not self._ratios:
            return None
        bias = np.abs(np.median(self._ratios, axis=0) - 1)
        return (int(bias.argmin()) + 1) / _STEPS
