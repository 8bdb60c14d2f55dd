# SPDX-License-Identifier: GPL-3.0-or-later
"""How far one exit wave is from another."""

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

    Registered means that the wave is shifted, as a whole, to where the difference is
    least; a constant phase between the two remains. Without that, a shift by a few pm,
    which is the lenses', is most of the difference of good waves.

    Parameters
    ----------
    wave, other
        Exit waves of the same shape (y, x).
    cutoff
        Standard deviation of the Gaussian whose long wavelengths are taken out of both
        waves alike [pixels], since series over a short range of defocus do not show
        them (publication I, section 6); by default nothing is taken out.
    largest_shift
        Largest shift of the registration along each axis [pixels]. It has to be below
        half a lattice spacing, or a wrong wave is moved to the next column.

    Returns
    -------
    ``rmse_registered``, over both parts of the registered waves; ``rmse``, over both
    parts of the waves as they are, as publication I has it; ``real`` and ``imaginary``,
    of each part of the waves as they are; and ``shift_y`` and ``shift_x``, by which the
    wave was shifted [pixels].
    """
    one, truth = np.broadcast_arrays(np.asarray(wave, np.complex128), other)
    parts = _parts(one - truth, cutoff)
    shift = find_wave_shift(one, truth, largest_shift)
    registered = _parts(shifted_wave(one, shift) - truth, cutoff)
    if _both(registered) > _both(parts):
        # The summit is that of the middle of the waves; their borders say otherwise.
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
        # Filtering is linear: of both waves alike is of their difference.
        difference = difference - gaussian_filter(difference, cutoff)
    return float(np.mean(difference.real**2)), float(np.mean(difference.imag**2))


def _both(squares: tuple[float, float]) -> float:
    return float(np.sqrt(np.mean(squares)))
