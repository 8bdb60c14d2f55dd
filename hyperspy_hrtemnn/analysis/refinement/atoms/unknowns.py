# SPDX-License-Identifier: GPL-3.0-or-later
"""Unknowns: positions, tilt and lenses as numbers that all matter alike to the images.

Defocus, spherical aberration and focal spread do nearly the same, and so do coma and
shifts, so that a search in their own units would wander along valleys. It is made in
combinations of them whose curvature is 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .shared_derivatives import products, shared_derivatives

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .sheet_fit import SheetFit
    from .sheet_state import SheetState

# Displacement of all columns by which their curvature is found [Å].
_STEP = 0.02

# Largest component of the normal across the beam.
_STEEPEST = 0.35

# Least distance of a sheet below [Å].
_NEAREST = 2.0

# Largest move of a column in one fit [Å].
_LONGEST = 0.8


@dataclass(frozen=True)
class Scales:
    """By how much unknowns change where chi² changes by about 1.

    Parameters
    ----------
    position
        Change of a position [Å].
    shared
        Of pose and free lenses together: a change of each unknown changes them by a
        column of this matrix.
    """

    position: float
    shared: NDArray[np.float64]


def find_scales(
    fit: SheetFit, state: SheetState, vector: NDArray[np.float64]
) -> Scales:
    """Return the scales near a state.

    Parameters
    ----------
    fit, state, vector
        Images, columns and lenses.
    """
    precision, others = fit.expected_precision(state)
    # Displacements of random signs, of which neighbors' do not add up.
    signs = np.random.default_rng(0).choice([-_STEP, _STEP], state.positions.shape)
    values = [
        fit.with_wave(state.moved(state.positions + each, state.pose)).chi2(vector)
        for each in (signs, 0 * signs, -signs)
    ]
    bend = (values[0] + values[2] - 2 * values[1]) / (2 * signs.size * _STEP**2)
    shared = shared_derivatives(fit, state, vector)
    matrix = products(shared, shared) + np.diag(others)
    try:
        root = np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError as error:
        raise ValueError(
            "The images of these columns do not tell the lenses: tilt and lenses "
            f"{vector.round(3).tolist()} change nothing in them. Is the guess of the "
            "defocus and of Cs right, and its sign (positive = underfocus)?"
        ) from error
    return Scales(
        float((max(bend, 0.0) + precision) ** -0.5),
        np.linalg.inv(root).T,
    )


@dataclass(frozen=True)
class Unknowns:
    """The unknowns of a fit, 0 where it starts.

    Parameters
    ----------
    fit, state, vector
        Images, and columns and lenses to start from.
    scales
        Their scales.
    hold_columns
        Whether positions are held.
    """

    fit: SheetFit
    state: SheetState
    vector: NDArray[np.float64]
    scales: Scales
    hold_columns: bool

    @property
    def _columns(self) -> int:
        return 0 if self.hold_columns else 2 * len(self.state)

    @property
    def start(self) -> NDArray[np.float64]:
        """The unknowns of the start."""
        return np.zeros(self._columns + len(self.scales.shared))

    @property
    def bounds(self) -> list[tuple[float | None, float | None]]:
        """Least and largest value of each."""
        longest = _LONGEST / self.scales.position
        others = len(self.scales.shared)
        return [*[(-longest, longest)] * self._columns, *[(None, None)] * others]

    def unpacked(
        self, x: NDArray[np.float64]
    ) -> tuple[SheetState, NDArray[np.float64]]:
        """Return columns and lenses."""
        state, count = self.state, self._columns
        positions = state.positions
        if count:
            positions = positions + self.scales.position * x[:count].reshape(-1, 2)
        shared = self.scales.shared @ x[count:]
        poses = len(state.pose)
        pose = state.pose + shared[:poses]
        steep = float(np.hypot(*pose[:2]))
        pose[:2] *= min(1, _STEEPEST / max(steep, _STEEPEST))
        pose[2:] = np.maximum(pose[2:], _NEAREST)
        vector = self.vector.copy()
        vector[self.fit.free] += shared[poses:]
        return state.moved(positions, pose), vector

    def packed(
        self,
        by_position: NDArray[np.float64],
        by_pose: NDArray[np.float64],
        by_lens: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return the gradient by the unknowns."""
        shared = np.concatenate([by_pose, by_lens[self.fit.free]])
        own = self.scales.position * by_position.ravel()[: self._columns]
        return np.concatenate([own, self.scales.shared.T @ shared])
