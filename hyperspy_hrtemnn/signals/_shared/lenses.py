# SPDX-License-Identifier: GPL-3.0-or-later
"""Lenses from the options of a user, and the beam energy from the metadata."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from hyperspy_hrtemnn.analysis import Optics

from .calibration import pixels, sampling
from .units import value_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hyperspy.signals import Signal2D

    from hyperspy_hrtemnn.options import LensOptions

_ENERGY = "Acquisition_instrument.TEM.beam_energy"
_LOWEST, _HIGHEST = 5, 5000  # keV, of any microscope; less are MeV, and more eV


def known_energy(signal: Signal2D) -> float | None:
    """Return the beam energy of the metadata [keV], if it is there.

    Raises
    ------
    ValueError
        If it is there and not the energy of a microscope.
    """
    found = signal.metadata.get_item(_ENERGY, default=None)
    # Readers write 0 or nothing where the file does not say.
    if found is None or not str(found).strip():
        return None
    energy = _kiloelectronvolts(found)
    if energy == 0:
        return None
    _check(energy, found, f"in the metadata, {_ENERGY}")
    return energy


def beam_energy(signal: Signal2D, energy: float | str | None = None) -> float:
    """Return the beam energy [keV], the one given or the metadata's.

    Parameters
    ----------
    signal
        Signal whose metadata may contain it.
    energy
        A number in keV, or a text, ``"300 kV"``.

    Raises
    ------
    ValueError
        If neither is known, or it is not one of a microscope.
    """
    if energy is not None:
        given = _kiloelectronvolts(energy)
        _check(given, energy, "that is given")
        return given
    known = known_energy(signal)
    if known is None:
        raise ValueError(
            "The beam energy is not known. Give energy in keV, or set it:\n"
            f"    signal.metadata.set_item({_ENERGY!r}, 80)"
        )
    return known


def _kiloelectronvolts(energy: Any) -> float:
    """Return an energy, a number in keV or a text, in keV; nan where it is none."""
    try:
        return float(energy)
    except (TypeError, ValueError):
        text = str(energy)
    # Programs write "200KV", too.
    for written, unit in (("kev", "keV"), ("kv", "kV")):
        if text.lower().rstrip().endswith(written):
            text = text.rstrip()[: -len(written)] + unit
    for unit in ("keV", "kilovolt"):
        value = value_in(text, unit)
        if value is not None:
            # The last digits of what "300 kV" is are those of the conversion.
            return round(value, 9)
    return math.nan


def _check(energy: float, found: Any, where: str) -> None:
    """Raise a ValueError unless an energy [keV] is one of a microscope."""
    if not _LOWEST <= energy < _HIGHEST:
        raise ValueError(
            f"The beam energy {where} is {found!r}; it has to be a number in keV, from "
            f"{_LOWEST} to {_HIGHEST}, or a text such as '300 kV'. Set it:\n"
            f"    signal.metadata.set_item({_ENERGY!r}, 300)"
        )


def set_energy(signal: Signal2D, energy: float) -> None:
    """Write the beam energy [keV] into the metadata."""
    signal.metadata.set_item(_ENERGY, float(energy))


def angstroms(length: float | str, signal: Signal2D) -> float:
    """Return a length in Å: a number in the unit of the signal axes, or a text.

    Raises
    ------
    ValueError
        If a text is not a length, or the signal is not calibrated.
    """
    return pixels(length, signal) * sampling(signal)


def lenses(
    signal: Signal2D,
    defocus: Iterable[float],
    energy: float | str | None,
    options: LensOptions,
) -> tuple[Optics, ...]:
    """Return the lenses of each image of a series.

    Parameters
    ----------
    signal
        Signal whose unit of length and metadata are used.
    defocus
        Defocus of each image, positive = underfocus [Å].
    energy
        Beam energy [keV], or a text; by default the metadata's.
    options
        The lenses; numbers are in the unit of the signal axes.

    Raises
    ------
    ValueError
        If the energy is not known, a text is not a length, a width is negative, a
        number is not finite, or the signal is not calibrated.
    """
    shared: dict[str, Any] = {
        "energy": beam_energy(signal, energy),
        "Cs": angstroms(options.Cs, signal),
        "focal_spread": angstroms(options.focal_spread, signal),
        "blur": angstroms(options.blur, signal),
        "angular_spread": options.angular_spread,
        "aberrations": options.aberrations,
    }
    for name in ("focal_spread", "blur", "angular_spread"):
        if shared[name] < 0:
            raise ValueError(f"{name} is a width, and cannot be negative.")
    for name in ("Cs", "focal_spread", "blur", "angular_spread"):
        if not math.isfinite(shared[name]):
            raise ValueError(f"{name} has to be finite.")
    return tuple(Optics(defocus=float(value), **shared) for value in defocus)
