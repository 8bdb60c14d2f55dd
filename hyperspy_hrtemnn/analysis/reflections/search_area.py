# SPDX-License-Identifier: GPL-3.0-or-later
"""Search area: the pixels of a spectrum at which reflections are looked for.

It is the same for all spectra of one shape, as of all particles of a movie, and is made
once for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class SearchArea:
    """Pixels between the largest spacing and the Nyquist frequency.

    The spectrum of a real image repeats itself at -k, so that only the rows from zero
    frequency on are looked at.

    Parameters
    ----------
    first_row
        Row of zero frequency.
    inside
        True for pixels of the area, shape (ky, kx) of the rows from `first_row` on.
    order
        Where they are in the flat array of these rows, by ascending frequency.
    radius
        Their frequencies in this order [pixels].
    """

    first_row: int
    inside: NDArray[np.bool_]
    order: NDArray[np.intp]
    radius: NDArray[np.float64]

    def map(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values of the area, in its order, as an array that is NaN elsewhere.

        Parameters
        ----------
        values
            One for each pixel of the area.

        Returns
        -------
        Shape (ky, kx) of the rows from zero frequency on.
        """
        full = np.full(self.inside.shape, np.nan)
        full.ravel()[self.order] = values
        return full


@lru_cache(maxsize=8)
def search_area(
    shape: tuple[int, int], step: tuple[float, float], max_spacing: float
) -> SearchArea:
    """Return the pixels of spectra of one shape at which reflections are looked for.

    Parameters
    ----------
    shape
        Shape of the spectra, (ky, kx), zero frequency at the index ``n // 2``.
    step
        Step from pixel to pixel, (ky, kx) [1/nm].
    max_spacing
        Largest lattice spacing [nm].
    """
    first_row = shape[0] // 2
    ky = np.arange(shape[0] - first_row) * step[0]
    kx = (np.arange(shape[1]) - shape[1] // 2) * step[1]
    k = np.hypot(ky[:, np.newaxis], kx)
    nyquist = min(n // 2 * d for n, d in zip(shape, step, strict=True))
    inside = (k >= 1 / max_spacing) & (k < nyquist)
    where = np.flatnonzero(inside)
    order = where[np.argsort(k.ravel()[where], kind="stable")]
    radius = k.ravel()[order] / np.sqrt(step[0] * step[1])
    for array in (inside, order, radius):
        array.setflags(write=False)  # all spectra share them
    return SearchArea(first_row, inside, order, radius)
