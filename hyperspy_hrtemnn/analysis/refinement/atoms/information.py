# SPDX-License-Identifier: GPL-3.0-or-later
"""Information: what the images tell of columns, tilt and lenses, and their covariance.

The normal matrix of least squares is the information matrix of Fisher, and its inverse
the bound of Cramér and Rao. Of columns far from each other it is found through what
they have in common: lenses, tilt, and moves of all columns together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft
from scipy.spatial import cKDTree

from hyperspy_hrtemnn.cores import on_all_cores

from .local_change import LocalChange
from .shared_derivatives import derivative_along, products, shared_derivatives

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .honeycomb import Sites
    from .shared_derivatives import WhitenedImages
    from .sheet_fit import SheetFit
    from .sheet_state import SheetState

# Distance up to which columns are seen as blended with each other [Å].
_BLENDED = 6.0

# Standard deviation of occupancies from 1, for columns that no image shows.
_UNKNOWN = 1.0

# The same where the contrast is fitted: of the mean of all, and of each, so that those
# beyond the images do not make up for it.
_COMMON, _STRENGTH = 0.01, 0.3


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
    pose
        Covariance of the pose of the sheet, as of `SheetState`.
    lenses
        Covariance of the parameters of the lenses, 0 for those that are held.
    by_lens
        How positions (y, x) and strength of the columns, one after the other, and then
        the normal follow the free lenses, shape (3 columns + 2, free).
    """

    positions: NDArray[np.float64]
    occupancies: NDArray[np.float64]
    occupancy_errors: NDArray[np.float64]
    pose: NDArray[np.float64]
    lenses: NDArray[np.float64]
    by_lens: NDArray[np.float64]


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
    count = len(state)
    shared = shared_derivatives(fit, state, vector)
    modes = _modes(state)
    moved = [_derivative_of_mode(fit, state, vector, mode) for mode in modes]
    together = [*shared, *moved]
    size = 3 * count + len(shared)
    ways = np.zeros((size, len(together)))
    ways[3 * count :, : len(shared)] = np.eye(len(shared))
    ways[: 3 * count, len(shared) :] = modes.reshape(len(modes), -1).T
    exact = np.zeros((size, len(together)))
    adjoint = _Adjoint(fit, state, vector)
    for number, images in enumerate(together):
        exact[: 3 * count, number] = adjoint(images).ravel()
    exact[3 * count :] = products(shared, together)
    matrix = np.zeros((size, size))
    matrix[: 3 * count, : 3 * count] = _of_neighbors(fit, state, vector)
    matrix[3 * count :, 3 * count :] = products(shared, shared)
    matrix = _exact_along(matrix, ways, exact)
    matrix += scale * _expected(fit, sites, state)
    covariance = np.asarray(scale * np.linalg.inv(matrix), np.float64)
    residuals = fit.with_wave(state)
    pull = adjoint(residuals.compared(residuals.spectra(vector)))[:, 2]
    return _errors(fit, covariance, pull / scale, state)


def with_lenses(
    errors: Errors,
    free: NDArray[np.bool_],
    change: NDArray[np.float64],
    covariance: NDArray[np.float64],
) -> Errors:
    """Return errors if more is known of the lenses than the images tell.

    Parameters
    ----------
    errors
        Errors from the images.
    free
        Whether a parameter of the lenses is free.
    change
        Change of the free parameters.
    covariance
        Their covariance then.
    """
    own = np.ix_(free, free)
    less = covariance - errors.lenses[own]
    columns = errors.by_lens[: -len(errors.pose)]
    variances = np.einsum("nl,lm,nm->n", columns, less, columns).reshape(-1, 3)
    before = np.column_stack([errors.positions, errors.occupancy_errors]) ** 2
    # Rounding must not leave less than nothing.
    after = np.sqrt(np.maximum(before + variances, 1e-3 * before))
    lenses = np.zeros_like(errors.lenses)
    lenses[own] = covariance
    pose = errors.by_lens[-len(errors.pose) :]
    return Errors(
        positions=after[:, :2],
        occupancies=errors.occupancies + columns[2::3] @ change,
        occupancy_errors=after[:, 2],
        pose=errors.pose + pose @ less @ pose.T,
        lenses=lenses,
        by_lens=errors.by_lens,
    )


def _errors(
    fit: SheetFit,
    covariance: NDArray[np.float64],
    pull: NDArray[np.float64],
    state: SheetState,
) -> Errors:
    count = len(state)
    variances = np.diag(covariance)[: 3 * count].reshape(-1, 3)
    occupied = np.arange(2, 3 * count, 3)
    # Positions and lenses fit already, so that only occupancies pull.
    move = -covariance[np.ix_(occupied, occupied)] @ pull
    free, tail = fit.free, 3 * count + len(state.pose)
    lenses = np.zeros((len(free), len(free)))
    lenses[np.ix_(free, free)] = covariance[tail:, tail:]
    return Errors(
        positions=np.sqrt(variances[:, :2]),
        occupancies=1 + move,
        occupancy_errors=np.sqrt(variances[:, 2]),
        pose=covariance[3 * count : tail, 3 * count : tail],
        lenses=lenses,
        by_lens=covariance[:tail, tail:] @ np.linalg.inv(covariance[tail:, tail:]),
    )


def _modes(state: SheetState) -> NDArray[np.float64]:
    """Return changes of all columns together, shape (mode, column, 3).

    Shifts, strains and a turn [Å], and a change of all strengths.
    """
    way = (state.positions - state.middle) / max(float(np.ptp(state.positions)), 1.0)
    modes = np.zeros((7, len(state), 3))
    for axis in (0, 1):
        modes[axis, :, axis] = 1
        modes[2 + axis, :, axis] = way[:, 0]
        modes[4 + axis, :, axis] = way[:, 1]
    modes[6, :, 2] = 1
    return modes


def _derivative_of_mode(
    fit: SheetFit,
    state: SheetState,
    vector: NDArray[np.float64],
    mode: NDArray[np.float64],
) -> WhitenedImages:
    return derivative_along(
        fit,
        vector,
        lambda step: fit.with_wave(
            state.moved(state.positions + step * mode[:, :2], state.pose),
            1 + step * float(mode[:, 2].max()),
        ),
    )


class _Adjoint:
    """From whitened images to what each column contributes to them."""

    def __init__(
        self, fit: SheetFit, state: SheetState, vector: NDArray[np.float64]
    ) -> None:
        self.fit, self.state, self.vector = fit, state, vector
        self.stamps = fit.model.stamps(state)
        self.wave = fit.model.wave(self.stamps)
        self.residuals = fit.with_wave(state)
        forward = self.residuals.model
        self.lensed = [
            forward.lensed(vector, image) for image in range(len(self.residuals.series))
        ]

    def __call__(self, images: WhitenedImages) -> NDArray[np.float64]:
        """Return products with what positions and strength change, (column, 3)."""
        series, forward = self.residuals.series, self.residuals.model
        spectrum = np.zeros(series.grid.shape, np.complex64)
        for image, each in enumerate(images):
            if each is not None:
                by_image = series.by_image(each, image)
                lensed = self.lensed[image]
                spectrum += forward.gradient(self.vector, image, by_image, lensed)[1]
        by_wave = scipy.fft.ifft2(spectrum, workers=-1)
        model = self.fit.model
        by_position, _ = model.gradient(self.state, self.stamps, self.wave, by_wave)
        by_strength = model.strengths(self.stamps, self.wave, by_wave)
        return np.column_stack([by_position, by_strength])


def _of_neighbors(
    fit: SheetFit, state: SheetState, vector: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the products of the derivatives of columns near each other."""
    change = LocalChange(fit, state, vector)
    seen = on_all_cores(change.derivatives, range(len(state)))
    corners = change.stamps.corners
    matrix = np.zeros((3 * len(state), 3 * len(state)))
    pairs = cKDTree(state.sites).query_pairs(_BLENDED, output_type="ndarray")
    own = np.repeat(np.arange(len(state)), 2).reshape(-1, 2)
    for one, other in np.concatenate([own, pairs]):
        block = _overlap(seen[one], seen[other], corners[other] - corners[one])
        rows, columns = (slice(3 * n, 3 * n + 3) for n in (one, other))
        matrix[rows, columns], matrix[columns, rows] = block, block.T
    return _positive(matrix)


def _positive(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a symmetric matrix without values that are negative, or nearly 0.

    Such may arise without the products of far columns.
    """
    # The largest value is not more than the largest sum of a row.
    least = 1e-7 * float(np.abs(matrix).sum(axis=0).max(initial=0.0))
    try:
        np.linalg.cholesky(matrix - least * np.eye(len(matrix)))
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(matrix)
    else:
        return matrix
    return np.asarray((vectors * np.maximum(values, least)) @ vectors.T)


def _exact_along(
    matrix: NDArray[np.float64],
    ways: NDArray[np.float64],
    exact: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return a matrix corrected so that its products with some ways are exact.

    The update of Broyden, Fletcher, Goldfarb and Shanno, which keeps it positive.

    Parameters
    ----------
    matrix
        Symmetric, positive matrix.
    ways
        The ways, shape (n, way).
    exact
        The exact products, of the same shape.
    """
    before = matrix @ ways
    return np.asarray(
        matrix
        - before @ np.linalg.pinv(ways.T @ before, hermitian=True) @ before.T
        + exact @ np.linalg.pinv(ways.T @ exact, hermitian=True) @ exact.T
    )


def _expected(fit: SheetFit, sites: Sites, state: SheetState) -> NDArray[np.float64]:
    """Return the information of what is expected of columns and lenses."""
    count = len(state)
    position, rest = fit.expected_precision(state)
    others = len(rest)
    matrix = np.zeros((3 * count + others, 3 * count + others))
    scaled = sites.roughness.multiply(1 / sites.spread[:, np.newaxis]).tocsr()
    elastic = (scaled.T @ scaled).toarray()
    for axis in (0, 1):
        matrix[axis : 3 * count : 3, axis : 3 * count : 3] = elastic
    diagonal = np.concatenate(
        [np.tile([position, position, _UNKNOWN**-2], count), rest]
    )
    if fit.residuals.model.parameters.any_contrast:
        # What all columns have in common is the contrast then.
        occupied = np.arange(2, 3 * count, 3)
        matrix[np.ix_(occupied, occupied)] += (_COMMON * count) ** -2.0
        matrix[occupied, occupied] += _STRENGTH**-2
    return np.asarray(matrix + np.diag(diagonal))


def _overlap(
    one: NDArray[np.float32], other: NDArray[np.float32], step: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return the products of derivatives in boxes, the other one `step` pixels off."""
    size = one.shape[-1]
    mine, its = [], []
    for each in step.tolist():
        start, end = max(each, 0), min(size + each, size)
        mine.append(slice(start, end))
        its.append(slice(start - each, end - each))
    left = one[..., mine[0], mine[1]].reshape(len(one), -1)
    right = other[..., its[0], its[1]].reshape(len(other), -1)
    return np.asarray(left @ right.T, np.float64)
