# SPDX-License-Identifier: GPL-3.0-or-later
"""Reliability of probabilities: the calibration curve, and how far it is off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .summary import rounded

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_POINTS = 20
"""Of the curve, in intervals of equal width."""


class Reliability:
    """Pixels by their probability, and how many of them are an object's.

    Images are added one by one; none is kept.
    """

    def __init__(self) -> None:
        self._pixels = np.zeros(_POINTS)
        self._expected = np.zeros(_POINTS)
        self._true = np.zeros(_POINTS)

    def add(self, probability: ArrayLike, truth: ArrayLike) -> None:
        """Count the pixels of an image.

        Parameters
        ----------
        probability
            Probability of each pixel, 0 to 1, any shape. Pixels where it is NaN, as
            the network has no data there, are left out.
        truth
            Whether it is an object's, the same shape.
        """
        values, true = np.ravel(np.asarray(probability, float)), np.ravel(truth)
        known = ~np.isnan(values)
        values, true = values[known], true[known]
        bins = np.minimum((values * _POINTS).astype(int), _POINTS - 1)
        self._pixels += np.bincount(bins, minlength=_POINTS)
        self._expected += np.bincount(bins, values, _POINTS)
        self._true += np.bincount(bins, true, _POINTS)

    def summary(self) -> dict[str, Any]:
        """Return the reliability curve and its distance from the diagonal.

        Returns
        -------
        ``expected_calibration_error``, the mean of all pixels of the distance between
        the probability and the share of objects, in 20 intervals of equal width
        [1]_; ``share_of_pixels``, ``predicted``, the mean probability, and
        ``observed``, the share of objects, of each interval, None where it is empty.

        References
        ----------
        .. [1] C. Guo et al., On calibration of modern neural networks, ICML 2017,
           section 2.
        """
        pixels, expected, true = self._pixels, self._expected, self._true
        total = pixels.sum()
        return {
            "expected_calibration_error": rounded(np.abs(expected - true).sum() / total)
            if total
            else None,
            "share_of_pixels": _rounded(pixels / max(total, 1)),
            "predicted": _rounded(_of(expected, pixels)),
            "observed": _rounded(_of(true, pixels)),
        }


def _of(part: NDArray[np.floating], whole: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return shares, nan of nothing."""
    shares = np.full(len(whole), np.nan)
    np.divide(part, whole, out=shares, where=whole > 0)
    return shares


def _rounded(values: NDArray[np.floating]) -> list[float | None]:
    return [rounded(value) for value in values]
