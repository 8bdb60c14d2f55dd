# SPDX-License-Identifier: GPL-3.0-or-later
"""Information: what the images tell of columns, tilt and lenses, and their covariance.

The normal matrix of least squares, the information matrix of Fisher, whose inverse is
the bound of Cramér and Rao.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from .local_change import LocalChange
from .sheet_fit import ELASTIC, expected_precision

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .honeycomb import Sites
    from .sheet_fit import SheetFit
    from .sheet_state import SheetState

# Distance up to which columns are seen as blended with each other [Å]; farther ones
# have only lenses in common.
_BLENDED = 6.0

# Step of the tilt by which the wave is differentiated.
_STEP = 1e-3


@dataclass(frozen=True)
class Errors:
    """Errors of a fit.

    Parameters
    ----------
    positions
        Standard errors (y, x) of the columns [Å], shape (column, 2).
    occupancies, occupancy_errors
        Strength of each column over that of its class, and its standard error, shape
        (column,).
    tilt
        Covariance of the normal, shape (2, 2).
    lenses
        Covariance of the parameters of the lenses, 0 for those that are held.
    """

    positions: NDArray[np.float64]
    occupancies: NDArray[np.float64]
    occupancy_errors: NDArray[np.float64]
    tilt: NDArray[np.float64]
    lenses: NDArray[np.float64]


def errors_of_fit(
    fit: SheetFit,
    state: SheetState,
    vector: NDArray[np.float64],
    sites: Sites,
    scale: float,
) -> Errors:
    """Return the errors of columns and lenses.

    Parameters
    ----------
    fit, state, vector
        Images, columns and lenses.
    sites
        Sites of the columns, near which they are expected.
    scale
        Chi² a degree of freedom, by which variances are multiplied.
    """
    change = LocalChange(fit, state, vector)
    shared, pulls = _shared_derivatives(fit, state, vector)
    count, others = len(state), len(shared)
    matrix = np.zeros((3 * count + others, 3 * count + others))
    gradient = np.zeros(3 * count)
    seen = [change.derivatives(column) for column in range(count)]
    boxes = [change.boxed(each) for each in shared]
    for column, (own, slope) in enumerate(seen):
        gradient[3 * column : 3 * column + 3] = slope
        for number, box in enumerate(boxes):
            both = change.product(column, own, box)
            matrix[3 * count + number, 3 * column : 3 * column + 3] = both
    corners = change.stamps.corners
    pairs = cKDTree(state.sites).query_pairs(_BLENDED, output_type="ndarray")
    for one, other in [*pairs, *np.repeat(np.arange(count), 2).reshape(-1, 2)]:
        block = _overlap(seen[one][0], seen[other][0], corners[other] - corners[one])
        rows = slice(3 * other, 3 * other + 3)
        matrix[rows, 3 * one : 3 * one + 3] = block.T
        if one != other:
            matrix[3 * one : 3 * one + 3, rows] = block
    tail = slice(3 * count, None)
    matrix[tail, tail] = pulls
    matrix[: 3 * count, tail] = matrix[tail, : 3 * count].T
    matrix += _expected(fit, state, sites, others) * scale
    covariance = scale * np.linalg.inv(matrix)
    return _errors(fit, covariance, gradient / scale, count)


def _errors(
    fit: SheetFit,
    covariance: NDArray[np.float64],
    gradient: NDArray[np.float64],
    count: int,
) -> Errors:
    variances = np.diag(covariance)[: 3 * count].reshape(-1, 3)
    occupied = np.arange(2, 3 * count, 3)
    # Where positions and lenses fit already, only the occupancies pull.
    move = -covariance[np.ix_(occupied, occupied)] @ gradient[occupied]
    free = fit.free
    lenses = np.zeros((len(free), len(free)))
    lenses[np.ix_(free, free)] = covariance[3 * count + 2 :, 3 * count + 2 :]
    return Errors(
        positions=np.sqrt(variances[:, :2]),
        occupancies=1 + move,
        occupancy_errors=np.sqrt(variances[:, 2]),
        tilt=covariance[3 * count : 3 * count + 2, 3 * count : 3 * count + 2],
        lenses=lenses,
    )


def _shared_derivatives(
    fit: SheetFit, state: SheetState, vector: NDArray[np.float64]
) -> tuple[list[list[NDArray[np.float32] | None]], NDArray[np.float64]]:
    """Return the whitened derivatives by tilt and free lenses, and their products."""
    residuals = fit.with_wave(state)
    found = []
    for step in _STEP * np.eye(2):
        ends = [
            fit.with_wave(state.moved(state.positions, state.normal + sign * step))
            for sign in (1, -1)
        ]
        found.append(
            [
                residuals.series.compared((plus - minus) / np.float32(2 * _STEP))  # type: ignore[operator]
                for plus, minus in zip(
                    *(each.spectra(vector) for each in ends), strict=True
                )
            ]
        )
    derivatives = residuals.derivatives(vector)
    found += [
        residuals.compared(each)
        for each, free in zip(derivatives, fit.free, strict=True)
        if free
    ]
    products = np.zeros((len(found), len(found)))
    for image in range(len(residuals.series)):
        numbers = [n for n, each in enumerate(found) if each[image] is not None]
        jacobian = np.stack([found[n][image].ravel() for n in numbers])  # type: ignore[union-attr]
        products[np.ix_(numbers, numbers)] += jacobian @ jacobian.T
    return found, products


def _expected(
    fit: SheetFit, state: SheetState, sites: Sites, others: int
) -> NDArray[np.float64]:
    """Return the information of what is expected of columns and lenses."""
    count = len(state)
    matrix = np.zeros((3 * count + others, 3 * count + others))
    elastic = (sites.roughness.T @ sites.roughness).toarray() / ELASTIC**2
    for axis in (0, 1):
        matrix[axis : 3 * count : 3, axis : 3 * count : 3] = elastic
    position, rest = expected_precision(fit)
    matrix[range(3 * count), range(3 * count)] += np.tile([position, position, 0], count)
    tail = range(3 * count, 3 * count + others)
    matrix[tail, tail] += rest
    return matrix


def _overlap(
    one: NDArray[np.float32], other: NDArray[np.float32], step: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return the products of derivatives in boxes, the other one `step` pixels off."""
    size = one.shape[-1]
    mine, its = [], []
    for each in step:
        start, end = max(int(each), 0), min(size + int(each), size)
        mine.append(slice(start, end))
        its.append(slice(start - int(each), end - int(each)))
    left = one[..., mine[0], mine[1]].reshape(len(one), -1)
    right = other[..., its[0], its[1]].reshape(len(other), -1)
    return np.asarray(left @ right.T, np.float64)
