# SPDX-License-Identifier: GPL-3.0-or-later
"""Strain and rotation of a crystal at each column, from the positions of columns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import identity
from scipy.spatial import cKDTree

from .fit import STEPS, fit_lattice

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_LEAST = 3  # neighbors of a column with a known strain


def strain_map(
    positions: ArrayLike,
    reference: ArrayLike | None = None,
    *,
    radius: float | None = None,
) -> pd.DataFrame:
    """Return displacement, strain and rotation at each column of a frame.

    The deformation gradient F at a column is the matrix that takes the vectors of the
    ideal lattice nearest to its real neighbors, by least squares. The neighbors are the
    six nearest of its own sublattice, so that a honeycomb and classes do not need
    special treatment. F = V R: the strain is V - 1, in the axes of the image, and R is
    the rotation; both hold for large rotations, too.

    Parameters
    ----------
    positions
        Positions of the columns, shape (column, 2): ``x`` and ``y`` of a frame, or the
        means of tracks over the frames.
    reference
        Lattice vectors of the ideal lattice, one per row, in the unit of the positions
        and within about 10 degrees of their direction: those of the crystal without
        strain, or `Lattice.vectors` of a part without strain. By default they are the
        vectors that fit all columns best; the strain is then relative to the mean.
    radius
        Radius within which the neighbors of all columns are fitted together, which
        lowers the noise and the resolution. By default each column is fitted alone.

    Returns
    -------
    A row for each column, in their order: ``x``, ``y``, the displacement ``ux``, ``uy``
    from the site of the ideal lattice, ``exx``, ``eyy``, ``exy``, and ``rotation`` in
    degrees, positive from x towards y: clockwise on the screen, where y points down.
    Displacements are NaN off the lattice; strains are NaN with fewer than three
    neighbors.

    Raises
    ------
    ValueError
        If no lattice fits, or a number is out of range.

    Examples
    --------
    >>> i, j = np.mgrid[:5, :6].reshape(2, -1)
    >>> stretched = np.stack([0.4 * 1.03 * i, 0.4 * j], axis=1)
    >>> table = strain_map(stretched, reference=[(0.4, 0), (0, 0.4)])
    >>> table[["exx", "eyy", "rotation"]].mean().abs().round(3).tolist()
    [0.03, 0.0, 0.0]
    """
    places = np.asarray(positions, float)
    if radius is not None and not (radius > 0 and math.isfinite(radius)):
        raise ValueError(f"radius has to be positive, not {radius}.")
    lattice = fit_lattice(places, reference, refine=reference is None)
    exists = lattice.neighbors >= 0
    real = places[lattice.neighbors] - places[:, np.newaxis]
    ideal = STEPS @ lattice.vectors
    # Sums over the neighbors of each column in the normal equations.
    mixed = np.einsum("nk,nki,kj->nij", exists, real, ideal)
    square = np.einsum("nk,ki,kj->nij", exists, ideal, ideal)
    count = exists.sum(axis=1)
    if radius is not None:
        near = cKDTree(places).sparse_distance_matrix(
            cKDTree(places), radius, output_type="coo_matrix"
        )
        near.data[:] = 1
        together = near.tocsr() + identity(len(places))
        together.data[:] = 1
        mixed, square = (
            (together @ sums.reshape(-1, 4)).reshape(-1, 2, 2)
            for sums in (mixed, square)
        )
        count = np.where(lattice.parts >= 0, together @ count, 0)
    known = (count >= _LEAST) & (np.linalg.matrix_rank(square) == 2)
    strain, rotation = _polar(mixed[known] @ np.linalg.inv(square[known]))
    displacement = places - lattice.ideal
    table = pd.DataFrame(
        np.concatenate([places, displacement], axis=1), columns=["x", "y", "ux", "uy"]
    )
    for name, values in (
        ("exx", strain[:, 0, 0]),
        ("eyy", strain[:, 1, 1]),
        ("exy", strain[:, 0, 1]),
        ("rotation", rotation),
    ):
        table[name] = np.nan
        table.loc[known, name] = values
    return table


def _polar(
    gradients: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return V - 1 and the angle of R [degrees] of F = V R, of each F."""
    # In two dimensions the angle is known in closed form.
    angle = np.arctan2(
        gradients[:, 1, 0] - gradients[:, 0, 1], gradients[:, 0, 0] + gradients[:, 1, 1]
    )
    cos, sin = np.cos(angle), np.sin(angle)
    back = np.stack([np.stack([cos, sin], 1), np.stack([-sin, cos], 1)], 1)
    return gradients @ back - np.eye(2), np.degrees(angle)
