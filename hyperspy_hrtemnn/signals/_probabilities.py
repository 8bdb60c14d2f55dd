# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether values can be probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Blending and resampling may leave the interval by rounding.
_ROUNDING = 1e-3


def check_range(data: NDArray[Any]) -> None:
    """Raise a ValueError unless all values are from 0 to 1, or NaN: no data."""
    if data.dtype.names is not None:
        raise ValueError(
            "The signal is a color image; make one of a single channel, for example "
            "hs.signals.Signal2D(signal.data['R'] / 255)."
        )
    low, high = (each.reduce(data, axis=None) for each in (np.fmin, np.fmax))
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        raise ValueError(
            f"A segmentation holds probabilities from 0 to 1, and this one values from "
            f"{low:.6g} to {high:.6g}. Scale it, for example a mask of 0 and 255 by "
            "dividing it by 255."
        )
