# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparison of two exit waves: root mean square error (RMSE), registered or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

from .registration import find_wave_shift, shifted_wave

if TYPE_CHECKING:
    from numpy.typing import NDArray


def compare_waves(
    wave: NDArray[np.complexfloating],
    other: NDArray[np.complexfloating],
    cutoff: float | None = None,
    largest_shift: float = 5.0,
) -> dict[str, float]:
    """Return the root mean square difference of two waves, registered and as they are.

    Registered means that the wave is shifted, as a whole, so that the difference is
    smallest; a constant phase between the two remains. Without registration, most of
    the difference of good waves comes from a shift by a few pm, which the lenses make.

    Parameters
    ----------
    wave, other
        Exit waves of the same shape (y, x).
    cutoff
        Standard deviation of the Gaussian whose long wavelengths are removed from both
        waves [pixels], because series over a short range of defocus do not show them
        (publication I, section 6); by default nothing is removed.
    largest_shift
        Largest shift of the registration along each axis [pixels]. It has to be below
        half a lattice spacing; otherwise a wrong wave may be moved to the next column.

    Returns
    -------
    The values ``rmse_registered``, over both parts of the registered waves; ``rmse``,
    over both parts of the waves as they are, as in publication I; ``real`` and
    ``imaginary``, of each part of the waves as they are; and ``shift_y`` and
    ``shift_x``, by which the wave was shifted [pixels].
    """
    one, truth = np.broadcast_arrays(np.asarray(wave, np.complex128), other)
    parts = _parts(one - truth, cutoff)
    shift = find_wave_shift(one, truth, largest_shift)
    registered = _parts(shifted_wave(one, shift) - truth, cutoff)
    if _both(registered) > _both(parts):
        # The shift is that of the middle of the waves; at the borders it may be worse.
        registered, shift = parts, np.zeros(2)
    return {
        "rmse_registered": _both(registered),
        "rmse": _both(parts),
        "real": float(np.sqrt(parts[0])),
        "imaginary": float(np.sqrt(parts[1])),
        "shift_y": float(shift[0]),
        "shift_x": float(shift[1]),
    }


def _parts(
    difference: NDArray[np.complexfloating], cutoff: float | None
) -> tuple[float, float]:
    """Return the mean square of the real and of the imaginary part."""
    if cutoff is not None:
        # Filtering is linear: filtering both waves is filtering their difference.
        difference = difference - gaussian_filter(difference, cutoff)
    return float(np.mean(difference.real**2)), float(np.mean(difference.imag**2))


def _both(squares: tuple[float, float]) -> float:
    return float(np.sqrt(np.mean(squares)))
