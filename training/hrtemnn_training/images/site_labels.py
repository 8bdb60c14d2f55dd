# SPDX-License-Identifier: GPL-3.0-or-later
"""Site labels: discs, Gaussians and heights drawn at each atomic column."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hrtemnn_training.structures import Sites

    from .grid import Grid

# A Gaussian ends here, at 3e-4 of its height [standard deviations].
_REACH = 4.0


def check_diameter(diameter: float, sampling: float) -> None:
    """Raise a ValueError if discs may fall between pixels.

    Parameters
    ----------
    diameter
        Diameter of the discs, the key `spotsize` [Å].
    sampling
        Working sampling of the network [Å].
    """
    # From here on a disc covers the middle of a pixel wherever it lies.
    least = math.sqrt(2) * sampling
    if diameter < least:
        raise ValueError(
            f"images.spotsize: discs of {diameter:g} Å fall between pixels of "
            f"{sampling:g} Å; use {least:.2f} Å or more"
        )


def discs(sites: Sites, diameter: float, grid: Grid) -> NDArray[np.bool_]:
    """Return the Disk label, shape (y, x, class): binary discs, `diameter` in Å.

    Where discs meet, a pixel belongs to the nearest site.
    """
    site, rows, columns, _ = _around(sites.positions, diameter / 2, grid)
    label = np.full(grid.shape, -1)
    label[rows, columns] = sites.classes[site]
    return np.asarray(label[..., np.newaxis] == np.arange(len(sites.names)))


def gaussians(sites: Sites, width: float, grid: Grid) -> NDArray[np.float32]:
    """Return the Gaussian label, shape (y, x, class): 1 at each site.

    The standard deviation is `width` [Å]; a pixel has the value of the nearest site.
    """
    near = _around(sites.positions, _REACH * width, grid)
    site, rows, columns, distance = near
    label = np.zeros((*grid.shape, len(sites.names)), np.float32)
    label[rows, columns, sites.classes[site]] = np.exp(-((distance / width) ** 2) / 2)
    return label


def column_heights(sites: Sites, diameter: float, grid: Grid) -> NDArray[np.float32]:
    """Return the atoms in each column on its disc, 0 elsewhere, shape (y, x, 1)."""
    site, rows, columns, _ = _around(sites.positions, diameter / 2, grid)
    label = np.zeros((*grid.shape, 1), np.float32)
    label[rows, columns, 0] = sites.heights[site]
    return label


def _around(
    positions: NDArray[np.floating], reach: float, grid: Grid
) -> tuple[NDArray[np.intp], ...]:
    """Return site, row, column and distance [Å] of all pixels within reach of a site.

    The farthest come first: of pixels assigned in this order, those of the nearest
    site stay.
    """
    centers = grid.indices(positions)[:, np.newaxis]
    rows, columns = np.ceil(reach / grid.pixel).astype(int)
    window = np.mgrid[-rows : rows + 1, -columns : columns + 1].reshape(2, -1).T
    pixels = np.rint(centers).astype(int) + window
    distance = np.hypot(*np.moveaxis((pixels - centers) * grid.pixel, -1, 0))
    inside = np.all((pixels >= 0) & (pixels < grid.shape), axis=-1)
    site, pixel = np.nonzero(inside & (distance <= reach))
    order = np.argsort(-distance[site, pixel])
    site, pixel = site[order], pixel[order]
    return site, *pixels[site, pixel].T, distance[site, pixel]
