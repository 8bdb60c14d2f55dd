# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether probabilities are probabilities: how often what is likely is so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .summary import rounded

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_BINS = 1000
"""Of the histogram: the threshold is found to a thousandth."""

_POINTS = 20
"""Of the curve, in intervals of equal width."""


class Reliability:
    """Pixels by their probability, and how many of them are an object's.

    Images are added one by one; none is kept.
    """

    def __init__(self) -> None:
        self._pixels = np.zeros(_BINS)
        self._expected = np.zeros(_BINS)
        self._true = np.zeros(_BINS)

    def add(self, probability: ArrayLike, truth: ArrayLike) -> None:
        """Count the pixels of an image.

        Parameters
        ----------
        probability
            Of each pixel, 0 to 1, any shape.
        truth
            Whether it is an object's, the same shape.
        """
        values = np.ravel(np.asarray(probability, float))
        bins = np.minimum((values * _BINS).astype(int), _BINS - 1)
        self._pixels += np.bincount(bins, minlength=_BINS)
        self._expected += np.bincount(bins, values, _BINS)
        self._true += np.bincount(bins, np.ravel(truth), _BINS)

    def threshold(self) -> float | None:
        """Return the threshold of unbiased area, None without an object.

        The probability that as many pixels reach as are an object's, in all images
        together, so that empty ones count by what is found in them.
        """
        if not self._true.any():
            return None
        # found[k] pixels have at least the probability (k + 1) / _BINS.
        found = self._pixels[::-1].cumsum()[::-1][1:]
        nearest = int(np.abs(found - self._true.sum()).argmin())
        return (nearest + 1) / _BINS

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
        pixels, expected, true = (
            counts.reshape(_POINTS, -1).sum(axis=1)
            for counts in (self._pixels, self._expected, self._true)
        )
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
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)


def _rounded(values: NDArray[np.floating]) -> list[float | None]:
    return [rounded(value) for value in values]
