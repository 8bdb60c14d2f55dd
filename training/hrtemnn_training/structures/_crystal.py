# SPDX-License-Identifier: GPL-3.0-or-later
"""Crystals cut in a given orientation: Miller directions along the axes of the box."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.transform import Rotation

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import ArrayLike, NDArray

Indices = tuple[int, int, int]
"""Miller indices, of the conventional cell."""


def rotation_between(zone: ArrayLike, up: ArrayLike) -> NDArray[np.float64]:
    """Return the rotation that turns `zone` onto z and `up` onto y.

    Parameters
    ----------
    zone, up
        Two orthogonal directions, (x, y, z); of a cubic crystal, its Miller indices.

    Returns
    -------
    Matrix, shape (3, 3); ``positions @ matrix.T`` is the rotated crystal.

    Raises
    ------
    ValueError
        If the directions are not orthogonal.
    """
    z = np.asarray(zone, float) / np.linalg.norm(zone)
    y = np.asarray(up, float) / np.linalg.norm(up)
    if abs(z @ y) > 1e-9:
        raise ValueError(f"The directions {zone!s} and {up!s} are not orthogonal.")
    return np.array([np.cross(y, z), y, z])


def check_zone_axis(zone_axis: Indices, surface: Indices) -> None:
    """Refuse a zone axis [uvw] that does not lie in the plane (hkl).

    Raises
    ------
    ValueError
        If hu + kv + lw is not 0, or all indices of one of them are.
    """
    u, v, w = zone_axis
    h, k, l = surface  # noqa: E741, the name every microscopist knows
    product = h * u + k * v + l * w
    if product or not any(zone_axis) or not any(surface):
        raise ValueError(
            f"There is no zone axis [{u} {v} {w}] in the surface ({h} {k} {l}): "
            f"hu + kv + lw is {product} and must be 0, with indices that are not."
        )


def orientation(
    unit_cell: Atoms, zone_axis: Indices, surface: Indices
) -> NDArray[np.float64]:
    """Return the rotation that turns [uvw] onto z and the normal of (hkl) onto y.

    The direction of a zone axis is of the cell, the normal of a plane of the
    reciprocal cell; only in cubic crystals do equal indices mean the same direction.

    Parameters
    ----------
    unit_cell
        One cell of the crystal.
    zone_axis, surface
        [uvw] and (hkl).

    Returns
    -------
    Matrix, shape (3, 3), as of `rotation_between`.

    Raises
    ------
    ValueError
        If the zone axis does not lie in the plane, see `check_zone_axis`.
    """
    check_zone_axis(zone_axis, surface)
    cell = np.asarray(unit_cell.cell)
    return rotation_between(zone_axis @ cell, np.linalg.inv(cell) @ surface)


def tilt(angle: float, azimuth: float) -> NDArray[np.float64]:
    """Return the rotation by `angle` about an axis in the image plane.

    Parameters
    ----------
    angle
        Angle by which z is tilted off the beam [degrees].
    azimuth
        Direction of the tilt axis in the image plane, from x [degrees].
    """
    direction = np.radians(azimuth)
    axis = np.array([np.cos(direction), np.sin(direction), 0])
    return np.asarray(Rotation.from_rotvec(np.radians(angle) * axis).as_matrix())


def random_rotation(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a rotation to any orientation, all as likely."""
    return np.asarray(Rotation.from_quat(rng.normal(size=4)).as_matrix())


def oriented_block(
    unit_cell: Atoms, rotation: NDArray[np.float64], lower: ArrayLike, upper: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Fill a box with a rotated crystal.

    Parameters
    ----------
    unit_cell
        One cell of the crystal.
    rotation
        Matrix applied to the crystal, shape (3, 3).
    lower, upper
        Corners (x, y, z) of the box [Å]. The origin of the crystal is at (0, 0, 0).

    Returns
    -------
    Positions, shape (atom, 3) [Å], and atomic numbers of the atoms inside the box.
    """
    lower, upper = np.asarray(lower, float), np.asarray(upper, float)
    cell = np.asarray(unit_cell.cell) @ rotation.T
    corners = np.array(np.meshgrid(*zip(lower, upper, strict=True))).reshape(3, -1).T
    fractional = corners @ np.linalg.inv(cell)
    first = np.floor(fractional.min(axis=0)).astype(int) - 1
    last = np.ceil(fractional.max(axis=0)).astype(int) + 1
    ranges = [np.arange(a, b) for a, b in zip(first, last, strict=True)]
    cells = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, 3) @ cell
    atoms = np.asarray(unit_cell.positions) @ rotation.T
    # Cells that cannot reach the box are dropped before they are filled with atoms.
    reach = np.abs(cell).sum(axis=0)
    cells = cells[np.all((cells > lower - reach) & (cells < upper + reach), axis=1)]
    positions = (cells[:, np.newaxis] + atoms).reshape(-1, 3)
    numbers = np.tile(np.asarray(unit_cell.numbers, np.uint8), len(cells))
    inside = np.all((positions >= lower) & (positions <= upper), axis=1)
    return positions[inside], numbers[inside]
