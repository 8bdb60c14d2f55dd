# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparison of two exit waves: root mean square error (RMSE), registered or not."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import binary_erosion, gaussian_filter

from .registration import find_wave_shift, shifted_wave

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RESULTS = "rmse_registered", "rmse", "real", "imaginary", "shift_y", "shift_x"

_RINGING = 2  # around an edge that is shifted by a part of a pixel [pixels]


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
        Exit waves of the same shape (y, x). Where one of them is NaN neither is looked
        at, and after the shift nor are pixels that came from there.
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
    ``shift_x``, by which the wave was shifted [pixels]. All are NaN where the waves
    have no pixel in common.
    """
    one, truth, valid = _without_nan(wave, other)
    if not valid.any():
        return dict.fromkeys(_RESULTS, np.nan)
    parts = _parts(one - truth, cutoff, valid)
    shift = find_wave_shift(one, truth, largest_shift, valid)
    kept = _inside(valid, float(np.abs(shift).max()))
    registered = _parts(shifted_wave(one, shift) - truth, cutoff, kept)
    if _both(registered) > _both(parts):
        # The shift is that of the middle of the waves; at the borders it may be worse.
        registered, shift = parts, np.zeros(2)
    real, imaginary = np.sqrt(parts)
    values = _both(registered), _both(parts), real, imaginary, *shift
    return dict(zip(_RESULTS, map(float, values), strict=True))


def _without_nan(
    wave: NDArray[np.complexfloating], other: NDArray[np.complexfloating]
) -> tuple[NDArray[np.complex128], NDArray[np.complex128], NDArray[np.bool_]]:
    """Return the waves, and where both are data; elsewhere they have their means."""
    one, truth = np.broadcast_arrays(
        np.asarray(wave, np.complex128), np.asarray(other, np.complex128)
    )
    valid = np.isfinite(one) & np.isfinite(truth)
    if valid.all() or not valid.any():
        return one, truth, valid
    # The mean has the least edge.
    one, truth = (np.where(valid, each, each[valid].mean()) for each in (one, truth))
    return one, truth, valid


def _inside(valid: NDArray[np.bool_], distance: float) -> NDArray[np.bool_]:
    """Return the data that are farther than a distance [pixels] from what is none."""
    if valid.all():
        return valid
    steps = math.ceil(distance) + _RINGING
    inside = binary_erosion(valid, iterations=steps, border_value=True)
    return inside if inside.any() else valid


def _parts(
    difference: NDArray[np.complexfloating],
    cutoff: float | None,
    valid: NDArray[np.bool_],
) -> tuple[float, float]:
    """Return the mean square of the real and of the imaginary part of what is data."""
    if cutoff is not None:
        # Filtering is linear: filtering both waves is filtering their difference.
        difference = difference - gaussian_filter(difference, cutoff)
    difference = difference[valid]
    return float(np.mean(difference.real**2)), float(np.mean(difference.imag**2))


def _both(squares: tuple[float, float]) -> float:
    return float(np.sqrt(np.mean(squares)))
