# SPDX-License-Identifier: GPL-3.0-or-later
"""The lenses as a user gives them: lengths with units, the energy from the metadata."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from hyperspy_hrtemnn.analysis import Optics

from ._calibration import pixels, sampling

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hyperspy.signals import Signal2D

    from hyperspy_hrtemnn.analysis import Aberration

_ENERGY = "Acquisition_instrument.TEM.beam_energy"
_HIGHEST = 5000  # keV, above that of any microscope; more are eV


def known_energy(signal: Signal2D) -> float | None:
    """Return the beam energy of the metadata [keV], if it is there."""
    # Readers write 0 where the file does not say.
    return signal.metadata.get_item(_ENERGY, default=None) or None


def beam_energy(signal: Signal2D, energy: float | None = None) -> float:
    """Return the beam energy [keV], the one given or the metadata's.

    Raises
    ------
    ValueError
        If neither is known, or it is not one of a microscope.
    """
    known = known_energy(signal) if energy is None else energy
    if not known:
        raise ValueError(
            "The beam energy is not known. Give energy in keV, or set it:\n"
            f"    signal.metadata.set_item({_ENERGY!r}, 80)"
        )
    if not 0 < known < _HIGHEST:
        raise ValueError(
            f"The beam energy is {known:g} keV; it must be positive and below "
            f"{_HIGHEST} keV."
        )
    return float(known)


def set_energy(signal: Signal2D, energy: float) -> None:
    """Write the beam energy [keV] into the metadata."""
    signal.metadata.set_item(_ENERGY, float(energy))


def angstroms(length: float | str, signal: Signal2D) -> float:
    """Return a length in Å: a number in the unit of the signal axes, or a text.

    Raises
    ------
    ValueError
        If a text is no length, or the signal is not calibrated.
    """
    return pixels(length, signal) * sampling(signal)


def lenses(
    signal: Signal2D,
    defocus: Iterable[float],
    *,
    energy: float | None,
    Cs: float | str,
    focal_spread: float | str,
    blur: float | str,
    angular_spread: float,
    aberrations: Sequence[Aberration],
) -> tuple[Optics, ...]:
    """Return the lenses of each image of a series.

    Parameters
    ----------
    signal
        Whose unit of length and metadata are used.
    defocus
        Of each image, positive = underfocus [Å].
    energy
        Beam energy [keV]; by default the metadata's.
    Cs, focal_spread, blur
        Numbers in the unit of the signal axes or texts with a unit; see `Optics`. The
        blur is the standard deviation in the image.
    angular_spread
        [mrad].
    aberrations
        All others.

    Raises
    ------
    ValueError
        If the energy is not known, a length is none, a width is negative, a number is
        not finite, or the signal is not calibrated.
    """
    shared: dict[str, Any] = {
        "energy": beam_energy(signal, energy),
        "Cs": angstroms(Cs, signal),
        "focal_spread": angstroms(focal_spread, signal),
        "blur": angstroms(blur, signal),
        "angular_spread": angular_spread,
        "aberrations": tuple(aberrations),
    }
    for name in ("focal_spread", "blur", "angular_spread"):
        if shared[name] < 0:
            raise ValueError(f"{name} is a width, and cannot be negative.")
    for name in ("Cs", "focal_spread", "blur", "angular_spread"):
        if not math.isfinite(shared[name]):
            raise ValueError(f"{name} has to be finite.")
    return tuple(Optics(defocus=float(value), **shared) for value in defocus)
