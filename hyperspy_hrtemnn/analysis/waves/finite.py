# SPDX-License-Identifier: GPL-3.0-or-later
"""Finite waves: one pixel that is not makes every pixel of a Fourier transform NaN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def check_finite(wave: NDArray[np.number]) -> None:
    """Raise a ValueError if a pixel of a wave is NaN or infinite."""
    if not np.isfinite(wave).all():
        raise ValueError("The wave has NaN or infinite pixels; replace them.")


def of_finite_wave(
    function: Callable[[NDArray[Any]], NDArray[Any]], wave: NDArray[Any]
) -> NDArray[Any]:
    """Return what a function makes of a wave, which is finite as the wave is.

    Parameters
    ----------
    function
        Function of a wave, shape (y, x).
    wave
        Wave; 1 = vacuum. NaN at every pixel where there is none, as in a frame that was
        left out; then so is the result.

    Raises
    ------
    ValueError
        If some pixels of the wave are not finite, or the result is not.

    Examples
    --------
    >>> import numpy as np
    >>> of_finite_wave(np.fft.fft2, np.ones((2, 2))).real.tolist()
    [[4.0, 0.0], [0.0, 0.0]]
    """
    is_left_out = np.isnan(wave).all()
    if not is_left_out:
        check_finite(wave)
    with np.errstate(over="ignore", invalid="ignore"):
        result = function(wave)
    if not (is_left_out or np.isfinite(result).all()):
        raise ValueError(
            f"The wave has values up to {np.abs(wave).max():.3g}, which are too large "
            "to calculate with. A wave is 1 in vacuum: divide it by its mean there."
        )
    return result
