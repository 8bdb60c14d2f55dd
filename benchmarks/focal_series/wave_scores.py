# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of exit waves: as they are, registered, and registered along the beam, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize_scalar

from hyperspy_hrtemnn.analysis import propagate_wave
from hyperspy_hrtemnn.analysis.waves.registration import find_wave_shift, shifted_wave

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Wave = NDArray[np.complexfloating]

_LARGEST = 0.5  # shift of the registration [Å]
_ALONG = 8.0  # distance along the beam that is looked at [Å]

# Width of the border that is left out. What is moved there comes from outside [Å].
_RIM = 4.0


def distance_along_beam(
    found: Wave, truth: Wave, pixel: float, energy: float, rim: float = 8.0
) -> float:
    """Return how far along the beam a wave has to go to be nearest to the truth [Å]."""
    seen = _inside(pixel, rim)

    def difference(distance: float) -> float:
        moved = propagate_wave(found, pixel, energy, distance) - truth
        return float(np.mean(np.abs(moved[seen, seen]) ** 2))

    bounds = (-_ALONG, _ALONG)
    return float(minimize_scalar(difference, bounds=bounds, method="bounded").x)


def wave_scores(
    found: Wave, truth: Wave, pixel: float, energy: float
) -> dict[str, float]:
    """Return root mean square differences over both parts, 4 Å inside the border.

    Parameters
    ----------
    found, truth
        Waves on the same pixels, shape (y, x).
    pixel
        Pixel size [Å].
    energy
        Beam energy [keV].

    Returns
    -------
    ``raw``, of the waves as they are; ``registered``, of the wave shifted as a whole;
    ``along``, of the wave moved along the beam, by ``plane`` [Å], and shifted;
    ``shift``, the length of the shift [pm]; ``whole``, registered, with the border.
    """
    shift = _shift(found, truth, pixel)
    placed = _shifted(found, shift)
    plane = distance_along_beam(placed, truth, pixel, energy)
    moved = propagate_wave(found, pixel, energy, plane)
    moved = registered(moved, truth, pixel)
    seen = _inside(pixel, _RIM)
    return {
        "raw": _rmse(found, truth, seen),
        "registered": _rmse(placed, truth, seen),
        "along": _rmse(moved, truth, seen),
        "plane": plane,
        "shift": float(100 * pixel * np.hypot(*shift)),
        "whole": _rmse(placed, truth, slice(None)),
    }


def registered(found: Wave, truth: Wave, pixel: float) -> NDArray[np.complex64]:
    """Return a wave shifted as a whole to where it is nearest to the truth."""
    return _shifted(found, _shift(found, truth, pixel))


def _shifted(found: Wave, shift: NDArray[np.float64]) -> NDArray[np.complex64]:
    return np.asarray(shifted_wave(found, shift), np.complex64)


def _shift(found: Wave, truth: Wave, pixel: float) -> NDArray[np.float64]:
    return find_wave_shift(found, truth, _LARGEST / pixel)


def _inside(pixel: float, rim: float) -> slice:
    pixels = round(rim / pixel)
    return slice(pixels, -pixels)


def _rmse(found: Wave, truth: Wave, seen: slice) -> float:
    difference = (found - truth)[seen, seen]
    return float(np.sqrt(np.mean(np.abs(difference) ** 2) / 2))
