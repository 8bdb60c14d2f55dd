# SPDX-License-Identifier: GPL-3.0-or-later
"""Positions and numbers of atoms of columns, from a map of the atoms at each pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from hyperspy_hrtemnn.image_data import without_mask

from .segmented_columns import SegmentedColumns, find_columns, typical_radius

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# Share of the radius of a disc in which its number is read: the edges of a prediction
# are the mean of column and gap. Where it is blurred by a fifth of the radius, 0.15 Å
# of 0.7 Å, the median over 0.7 of the radius is 5 % too small, over 0.4 it is right.
_READ = 0.4

# Share of the usual number of atoms at which discs are apart, to measure their radius.
_APART = 0.5


@dataclass(frozen=True)
class CountedColumns(SegmentedColumns):
    """Atomic columns of one image with the number of their atoms.

    Parameters
    ----------
    positions, classes, confidence, filling
        See `SegmentedColumns`, of the share of the largest number nearby.
    atoms
        Number of atoms of each column, not rounded, shape (column,).
    errors
        Spread of that number over the orientations of the images, shape (column,); NaN
        where it is not known.
    """

    atoms: NDArray[np.float64]
    errors: NDArray[np.float64]


def count_atoms(
    atoms: ArrayLike,
    spread: ArrayLike | None = None,
    *,
    probability: float = 0.5,
    min_separation: float | None = None,
) -> CountedColumns:
    """Find the atomic columns in a map of the number of their atoms.

    Such a map is the number of atoms on a disc around each column and 0 elsewhere
    (Madsen and others, 2018). Each pixel is divided by the largest number within the
    radius of a disc, but not by less than 1, so that a column of one atom is found
    beside one of fourteen. What `find_columns` finds in that are the columns; the
    median over the middle of a disc is the number.

    Parameters
    ----------
    atoms
        Atoms at each pixel, shape (y, x).
    spread
        Standard deviation of `atoms` over the orientations of the images, shape (y, x).
    probability
        Share of the largest number nearby, or of one atom, from which on a pixel
        belongs to a column; above 0 and below 1.
    min_separation
        Smallest distance between two columns [pixels]; see `find_columns`.

    Raises
    ------
    ValueError
        If the shapes are not these, or a number is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.mgrid[:30, :40]
    >>> disc = np.hypot(y - 9, x - 12) < 5
    >>> other = np.hypot(y - 20, x - 25) < 5
    >>> count_atoms(1.0 * disc + 7.0 * other).atoms
    array([1., 7.])
    """
    numbers = np.nan_to_num(np.asarray(without_mask(atoms), float), nan=0)
    if numbers.ndim != 2:
        raise ValueError(f"One map of shape (y, x) is needed, not {np.shape(atoms)}.")
    deviation = None if spread is None else np.asarray(spread, float)
    if deviation is not None and deviation.shape != numbers.shape:
        raise ValueError(
            f"The spread has the shape {deviation.shape}, and the atoms "
            f"{numbers.shape}; they have to be the same."
        )
    radius = _radius(numbers, probability)
    side = 2 * round(radius) + 1
    largest = np.maximum(ndimage.maximum_filter(numbers, side, mode="nearest"), 1)
    found = find_columns(
        np.clip(numbers / largest, 0, 1),
        probability=probability,
        min_separation=min_separation,
    )
    reach = _READ * radius
    return CountedColumns(
        **vars(found),
        atoms=_medians(numbers, found.positions, reach),
        errors=np.full(len(found), np.nan)
        if deviation is None
        else _medians(deviation, found.positions, reach),
    )


def _radius(numbers: NDArray[np.float64], probability: float) -> float:
    """Return the radius of the discs of most columns [pixels], 0 if there are none."""
    there = numbers[numbers >= probability]
    if not len(there):
        return 0.0
    inside = numbers >= max(probability, _APART * float(np.median(there)))
    depth = ndimage.distance_transform_edt(np.pad(inside, 1, mode="edge"))
    return typical_radius(depth[1:-1, 1:-1])


def _medians(
    image: NDArray[np.float64], positions: NDArray[np.float64], reach: float
) -> NDArray[np.float64]:
    """Return the median of an image around each position, shape (position,)."""
    side = int(np.ceil(reach))
    window = np.mgrid[-side : side + 1, -side : side + 1].reshape(2, -1).T
    window = window[np.hypot(*window.T) <= reach]
    pixels = np.rint(positions).astype(int)[:, np.newaxis] + window
    rows, columns = np.moveaxis(pixels, -1, 0)
    # Beyond the border there is nothing to read.
    inside = (rows >= 0) & (rows < image.shape[0])
    inside &= (columns >= 0) & (columns < image.shape[1])
    values = np.where(
        inside,
        image[
            np.clip(rows, 0, image.shape[0] - 1),
            np.clip(columns, 0, image.shape[1] - 1),
        ],
        np.nan,
    )
    return np.asarray(np.nanmedian(values, axis=1), np.float64)
