# SPDX-License-Identifier: GPL-3.0-or-later
"""Outlines of particles drawn on a grid: instances, and masks of each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from skimage.draw import polygon2mask

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from hrtemnn_training.store import Specimen

    from .grid import Grid


def instances(
    outlines: Iterable[NDArray[np.floating]], grid: Grid
) -> NDArray[np.uint8]:
    """Return which particle each pixel shows, by number from 1; 0 is the background.

    Parameters
    ----------
    outlines
        Corners (x, y) of each particle's outline [Å]. Where particles overlap the later
        one is shown.
    grid
        Pixels of the label.
    """
    label = np.zeros(grid.shape, np.uint8)
    for number, outline in enumerate(outlines, start=1):
        label[polygon2mask(grid.shape, grid.indices(outline))] = number
    return label


def masks(
    specimen: Specimen, categories: tuple[str, ...], grid: Grid
) -> NDArray[np.bool_]:
    """Return the Mask label, shape (y, x, class): the inside of the outlines.

    One class of all particles without categories, else one for each kind in them.
    """
    shown = instances(specimen.outlines, grid)
    if not categories:
        return shown[..., np.newaxis] > 0
    kinds = np.array(["", *specimen.kinds])[shown]
    return np.stack([kinds == category for category in categories], axis=-1)
