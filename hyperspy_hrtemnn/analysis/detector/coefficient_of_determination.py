# SPDX-License-Identifier: GPL-3.0-or-later
"""Coefficient of determination: how much of the measured values a fit explains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def coefficient_of_determination(
    measured: NDArray[np.floating], fitted: NDArray[np.floating]
) -> float:
    """Return R2: 1 where the fit is perfect, NaN where all measured values are equal.

    Parameters
    ----------
    measured, fitted
        Measured and fitted values, of the same shape.
    """
    total = np.sum((measured - measured.mean()) ** 2)
    left = np.sum((measured - fitted) ** 2)
    return float(1 - left / total) if total > 0 else float("nan")
