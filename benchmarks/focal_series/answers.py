# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers: what a method says of a series; places from the first pixel [Å]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis import FittedOptics, Measured


@dataclass(frozen=True)
class Answer:
    """Wave, columns and lenses of a series, as far as a method gives them.

    Parameters
    ----------
    wave
        Exit wave, shape (y, x).
    columns
        ``class`` by its general name, ``x``, ``y`` and, if the method has them, ``z``,
        ``sigma_x``, ``sigma_y``, ``occupancy``, ``sigma_occupancy`` and
        ``probability_`` of each class.
    empty_sites
        ``x``, ``y`` and probabilities of sites where nothing stands.
    support
        As `columns`, of the atoms below; empty if none were found.
    empty_support_sites
        As `empty_sites`, of the support.
    distance
        Distance of the support from the middle of the sheet [Å].
    optics
        The lenses.
    chi2, chi2_error
        How well the answer explains the images, and the spread of that from noise.
    seconds
        Time of the refinement alone.
    """

    wave: NDArray[np.complexfloating] | None = None
    columns: pd.DataFrame | None = None
    empty_sites: pd.DataFrame | None = None
    support: pd.DataFrame | None = None
    empty_support_sites: pd.DataFrame | None = None
    distance: Measured | None = None
    optics: FittedOptics | None = None
    chi2: float = np.nan
    chi2_error: float = np.nan
    seconds: float = np.nan
