# SPDX-License-Identifier: GPL-3.0-or-later
"""How far one exit wave is from another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

if TYPE_CHECKING:
    from numpy.typing import NDArray


def compare_waves(
    wave: NDArray[np.complexfloating],
    other: NDArray[np.complexfloating],
    cutoff: float | None = None,
) -> dict[str, float]:
    """Return the root mean square difference of two waves.

    Parameters
    ----------
    wave, other
        Exit waves of the same shape (y, x).
    cutoff
        Standard deviation of the Gaussian whose long wavelengths are taken out of both
        waves alike [pixels], since series over a short range of defocus do not show
        them (publication I, section 6); by default nothing is taken out.

    Returns
    -------
    ``real`` and ``imaginary``, of each part, and ``rmse``, the root of the mean over
    both parts, as publication I has it.
    """
    difference = np.asarray(wave, np.complex128) - other
    if cutoff is not None:
        # Filtering is linear: of both waves alike is of their difference.
        difference -= gaussian_filter(difference, cutoff)
    parts = {"real": difference.real, "imaginary": difference.imag}
    squares = {name: float(np.mean(part**2)) for name, part in parts.items()}
    return {"rmse": float(np.sqrt(np.mean([*squares.values()])))} | {
        name: float(np.sqrt(square)) for name, square in squares.items()
    }
