# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared derivatives: what tilt and lenses, which all columns have, do to images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis.refinement.residuals import SeriesResiduals

    from .sheet_fit import SheetFit
    from .sheet_state import SheetState

    WhitenedImages = list[NDArray[np.float32] | None]
    """A whitened image of each image of a series; None is 0."""


def shared_derivatives(
    fit: SheetFit, state: SheetState, vector: NDArray[np.float64]
) -> list[WhitenedImages]:
    """Return the derivatives of the whitened images by pose and free lenses.

    Parameters
    ----------
    fit, state, vector
        Images, columns and lenses.
    """

    def tilted(way: NDArray[np.float64]) -> Callable[[float], SeriesResiduals]:
        return lambda step: fit.with_wave(
            state.moved(state.positions, state.pose + step * way)
        )

    ways = np.eye(len(state.pose))
    found = [derivative_along(fit, vector, tilted(way)) for way in ways]
    residuals = fit.with_wave(state)
    derivatives = residuals.derivatives(vector)
    return found + [
        residuals.compared(each)
        for each, free in zip(derivatives, fit.free, strict=True)
        if free
    ]


def derivative_along(
    fit: SheetFit,
    vector: NDArray[np.float64],
    path: Callable[[float], SeriesResiduals],
    step: float = 1e-3,
) -> WhitenedImages:
    """Return the derivative of the whitened images along a path, by differences.

    Parameters
    ----------
    fit, vector
        Images and lenses.
    path
        Residuals at a distance from the present ones.
    step
        Distance over which the images are compared.
    """
    ends = [path(sign * step).spectra(vector) for sign in (1, -1)]
    return [
        fit.residuals.series.compared((plus - minus) / np.float32(2 * step))  # type: ignore[operator]
        for plus, minus in zip(*ends, strict=True)
    ]


def products(
    one: list[WhitenedImages], other: list[WhitenedImages]
) -> NDArray[np.float64]:
    """Return the sums of the products of whitened images, shape (one, other)."""
    total = np.zeros((len(one), len(other)))
    for image in range(len(one[0])):
        rows = [n for n, each in enumerate(one) if each[image] is not None]
        columns = [n for n, each in enumerate(other) if each[image] is not None]
        left = np.stack([one[n][image].ravel() for n in rows])  # type: ignore[union-attr]
        right = np.stack([other[n][image].ravel() for n in columns])  # type: ignore[union-attr]
        total[np.ix_(rows, columns)] += left @ right.T
    return total
