# SPDX-License-Identifier: GPL-3.0-or-later
"""Refined atoms: what a focal series tells of a sheet, and how surely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis.refinement.fitted_optics import (
        FittedOptics,
        Measured,
    )


@dataclass(frozen=True)
class RefinedAtoms:
    """Atoms, lenses and wave that explain the images of a focal series.

    Positions are in Å, x and y from the middle of the first pixel, in the first image,
    and z along the beam from the middle of the sheet at the middle of the columns.

    Parameters
    ----------
    columns
        A row for each column of the sheet in the images: ``class``, ``x``, ``y``,
        ``z``, of the middle of its atoms, ``sigma_x`` and ``sigma_y``, their standard
        errors, ``occupancy``, how strong it is over what its class is, with
        ``sigma_occupancy``, and ``probability_`` and the name of each class,
        ``probability_empty``, and ``probability_other``, that it is none of them; NaN
        for what cannot stand there. Where the contrast was fitted, occupancies are over
        their mean.
    empty_sites
        The same of sites without a column: ``x``, ``y``, ``z`` and probabilities.
    symbols
        Element of each atom, shape (atom,).
    positions
        Position (x, y, z) of each atom [Å], shape (atom, 3).
    tilt
        Components (x, y) of the normal of the sheet, of length 1 and along the beam;
        the mean of all blocks, if there are several.
    wave
        Exit wave 2 Å behind the last atom, smoothed, on the pixels of the images, shape
        (y, x); 1 = vacuum, also far from all columns of large images.
    smoothing
        Standard deviation of the Gaussian by which it is smoothed [Å].
    optics
        The lenses, relative to the plane of the wave; with chi².
    residuals
        Images less those of the model, in units of their noise, 0 where nothing was
        compared, shape (image, y, x).
    support
        Atoms of the graphene below in the images, a table as `columns`; None without.
    empty_support_sites
        Sites of that graphene without an atom, as `empty_sites`; None without.
    distance
        Distance of the graphene from the middle of the sheet [Å]; None without.
    """

    columns: pd.DataFrame
    empty_sites: pd.DataFrame
    symbols: tuple[str, ...]
    positions: NDArray[np.float64]
    tilt: Measured
    wave: NDArray[np.complex64]
    smoothing: float
    optics: FittedOptics
    residuals: NDArray[np.float32]
    support: pd.DataFrame | None = None
    empty_support_sites: pd.DataFrame | None = None
    distance: Measured | None = None
