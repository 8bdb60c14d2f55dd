# SPDX-License-Identifier: GPL-3.0-or-later
"""Local strain and rotation of a crystal from the positions of its columns."""

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

_LEAST = 3  # neighbors of a column, or its strain is not known


def strain_map(
    positions: ArrayLike,
    reference: ArrayLike | None = None,
    *,
    radius: float | None = None,
) -> pd.DataFrame:
    """Return displacement, strain and rotation at each column of a frame.

    The deformation gradient F at a column is the matrix that takes the vectors of the
    ideal lattice nearest to its real neighbors, by least squares. They are the six
    nearest of its own sublattice, so that a honeycomb needs no special treatment, nor
    do classes. F = V R: the strain is V - 1, in the axes of the image, and R the
    rotation; both hold for large rotations, too.

    Parameters
    ----------
    positions
        Of the columns, shape (column, 2): ``x`` and ``y`` of a frame, or means over
        the frames of tracks.
    reference
        Lattice vectors of the ideal lattice, one a row, in the unit of the positions
        and within about 10 degrees of their direction: of the crystal without strain,
        or `Lattice.vectors` of a part that has none. By default those that fit all
        columns best, so that strain is that against the mean.
    radius
        The neighbors of all columns within it are fitted together, which lowers the
        noise and the resolution. By default each column is fitted alone.

    Returns
    -------
    A row for each column, in their order: ``x``, ``y``, the displacement ``ux``, ``uy``
    from the site of the ideal lattice, ``exx``, ``eyy``, ``exy``, and ``rotation`` in
    degrees, positive from x towards y: clockwise on the screen, where y points down.
    Displacements are nan off the lattice, strains where fewer than three neighbors are.

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
    # Of the normal equations, the sums over the neighbors of each column.
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
