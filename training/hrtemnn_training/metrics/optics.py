# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics of the lens: its errors, its sign, and whether the errors given hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.networks import OPTICS

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.networks import PredictedOptics

COVERED = (0.68, 0.95)
"""Shares of the truths within one and within two of the errors that are given."""

_QUANTITIES = ("defocus", "astigmatism_cos", "astigmatism_sin", "blur")


def signed_errors(
    predicted: NDArray[np.floating], truth: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the errors of answers with the better sign, and the errors they give.

    The better sign is the one with the larger likelihood.

    Parameters
    ----------
    predicted
        Channels `OPTICS_ANSWER`, shape (image, channel).
    truth
        Values `OPTICS`, shape (image, value).

    Returns
    -------
    Both of the shape (image, value), in the units of the network.
    """
    count = len(OPTICS)
    truth = np.asarray(truth, np.float64)
    values = np.asarray(predicted[:, :count], np.float64)
    given = np.exp(np.asarray(predicted[:, count : 2 * count], np.float64) / 2)
    both = np.stack([values * _signs(sign) - truth for sign in (1, -1)])
    size = np.sum((both[..., :-1] / given[:, :-1]) ** 2, axis=-1)
    better = (size[0] <= size[1])[:, np.newaxis]
    return np.where(better, both[0], both[1]), given


def _signs(sign: float) -> NDArray[np.float64]:
    """Return the factors of the values; the blur has no sign."""
    return np.array([sign] * (len(OPTICS) - 1) + [1.0])


def optics_errors(
    predicted: PredictedOptics, truth: NDArray[np.float64]
) -> dict[str, float]:
    """Return the errors of one answer, see `signed_errors`, by name [Å].

    ``defocus_error`` and so on are sizes; ``defocus_in_errors`` and so on are in the
    errors that were given, NaN where none is. ``sign_is_right`` is 1 where the answer
    has the better sign, and ``sign`` how probable it was said to be.

    Parameters
    ----------
    predicted
        Answer for the image.
    truth
        Values `OPTICS` [Å].
    """
    values, given, sign = predicted
    both = [values * _signs(each) - truth for each in (1, -1)]
    scale = np.where(np.isfinite(given), given, 1.0)[:-1]
    sizes = [np.sum((each[:-1] / scale) ** 2) for each in both]
    error = both[int(np.argmin(sizes))]
    named = dict(zip(_QUANTITIES, error / given, strict=True))
    return {
        "defocus_error": abs(float(error[0])),
        "astigmatism_error": float(np.hypot(error[1], error[2])),
        "blur_error": abs(float(error[3])),
        "sign_is_right": float(sizes[0] <= sizes[1]),
        "sign": float(sign),
        **{f"{name}_in_errors": float(value) for name, value in named.items()},
    }


def coverage(rows: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return the share of truths within one and two of the errors that were given.

    Parameters
    ----------
    rows
        Metrics of all images, see `optics_errors`.

    Returns
    -------
    ``one`` and ``two`` by quantity; none where no errors were given.
    """
    result = {}
    for name in _QUANTITIES:
        sizes = rows[f"{name}_in_errors"].abs().dropna()
        if len(sizes):
            result[name] = {
                "one": round(float((sizes < 1).mean()), 3),
                "two": round(float((sizes < 2).mean()), 3),
            }
    return result


def error_factors(
    predicted: NDArray[np.floating], truth: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return by what the given errors are multiplied so that 68 % are within one.

    Both parts of the astigmatism have the same factor, so that it turns with the image.

    Parameters
    ----------
    predicted, truth
        See `signed_errors`.

    Returns
    -------
    A factor for each of `OPTICS`.
    """
    error, given = signed_errors(predicted, truth)
    sizes = np.abs(error / given)
    groups = ([0], [1, 2], [3])
    factors = np.ones(len(OPTICS))
    for group in groups:
        # Whichever of the two shares needs the larger errors.
        one, two = np.quantile(sizes[:, group], COVERED)
        factors[group] = max(one, two / 2)
    return factors
