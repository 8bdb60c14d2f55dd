# SPDX-License-Identifier: GPL-3.0-or-later
"""Gain: counts of an electron, dark level and exposure, as the metadata have them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.signals._shared.tables import time_axis
from hyperspy_hrtemnn.signals._shared.units import unit_of, value_in
from hyperspy_hrtemnn.user_warnings import warn_user

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D

_MODEL = "Signal.Noise_properties.Variance_linear_model"

GAIN_FACTOR = f"{_MODEL}.gain_factor"
"""Where HyperSpy keeps electrons a count, of DigitalMicrograph and MRCZ."""

# Where it keeps those of Direct Electron's MRC; 1 if the file does not say.
_OTHER_FACTOR = "Signal.Noise_properties.gain_factor"

_ELECTRONS = re.compile(r"electron|\be\s*\^?\{?-|\(e\)", re.IGNORECASE)

# Frames that take this many exposures may be sums; less is the time of a readout.
_SUMMED = 1.5

_CAMERA = "Acquisition_instrument.TEM"
# Of DigitalMicrograph; TIA and TVIPS; HyperSpy's convention.
_EXPOSURES = (
    f"{_CAMERA}.Camera.exposure",
    f"{_CAMERA}.Detector.Camera.exposure",
    f"{_CAMERA}.exposure",
)


@dataclass(frozen=True)
class Gain:
    """What makes electrons of counts.

    Parameters
    ----------
    counts_per_electron
        Counts of one electron.
    offset
        Counts of a pixel without beam.
    source
        Source of the counts per electron: given, metadata or noise.
    """

    counts_per_electron: float
    offset: float
    source: str


def known_gain(
    signal: Signal2D, counts_per_electron: float | None, offset: float | None
) -> Gain | None:
    """Return the gain that is given or else the metadata's, None where neither is.

    The metadata's factor is electrons a count only where the signal's quantity is
    electrons, or is not said, as of MRCZ; elsewhere programs write 1, or the gain of
    another detector.

    Raises
    ------
    ValueError
        If a number is out of range.
    """
    if offset is not None and not np.isfinite(offset):
        raise ValueError(f"offset is {offset}; give the counts without beam.")
    if counts_per_electron is not None:
        if isinstance(counts_per_electron, str):
            raise ValueError(
                f"counts_per_electron is {counts_per_electron!r}, and has to be a "
                "number; fit_mtf takes 'noise'."
            )
        if not 0 < counts_per_electron < np.inf:
            raise ValueError(
                f"counts_per_electron is {counts_per_electron}; it must be positive."
            )
        return Gain(float(counts_per_electron), float(offset or 0), "given")
    factor, in_electrons = _factor(signal)
    if not in_electrons or not factor > 0:
        return None
    origin = signal.metadata.get_item(f"{_MODEL}.gain_offset", 0.0)
    return Gain(1 / factor, float(origin if offset is None else offset), "metadata")


def unknown_gain(signal: Signal2D) -> str:
    """Say that the gain is not known, and what to give."""
    factor, _ = _factor(signal)
    has = f"the gain factor {factor:g} but count" if factor > 0 else "no gain and count"
    quantity = signal.metadata.get_item("Signal.quantity", "") or "something unsaid"
    return (
        f"How many counts an electron makes is not known: the metadata have {has} "
        f"{quantity}, not electrons. Give counts_per_electron, as the maker of the "
        "camera says, or 1 where the images are in electrons"
    )


def _factor(signal: Signal2D) -> tuple[float, bool]:
    """Return the factor in the metadata, 0 for none, and if it gives electrons."""
    get: Any = signal.metadata.get_item
    quantity = str(get("Signal.quantity", "") or "")
    in_electrons = _ELECTRONS.search(quantity) is not None
    factor = get(GAIN_FACTOR)
    if factor is not None:
        # Without a quantity 1 is what is written where nobody knows.
        return float(factor), in_electrons or (not quantity and float(factor) != 1)
    other = float(get(_OTHER_FACTOR, 0.0) or 0.0)
    return other, in_electrons and other != 1


def known_exposure(signal: Signal2D, exposure: float | None) -> float | None:
    """Return the exposure of a frame [s] that is given or else known, if any.

    Where no metadata tell, as of Velox, it is the scale of the time axis.

    Raises
    ------
    ValueError
        If it is given and not positive, or no number in the metadata.

    Warns
    -----
    UserWarning
        If the metadata have one that is much shorter than the scale of the time axis:
        frames may have been summed since.
    """
    if exposure is not None:
        if not 0 < exposure < np.inf:
            raise ValueError(f"exposure is {exposure} s; it must be positive.")
        return float(exposure)
    step = _frame_time(signal)
    for item in _EXPOSURES:
        found = signal.metadata.get_item(item)
        if not found:
            continue
        try:
            seconds = float(found)
        except (TypeError, ValueError):
            raise ValueError(
                f"The exposure in the metadata is {found!r}, not a number of seconds; "
                "give exposure."
            ) from None
        if step is not None and step > _SUMMED * seconds:
            warn_user(
                f"The exposure in the metadata is {seconds:g} s and a frame takes "
                f"{step:g} s; dose rates are of the exposure. If frames were summed or "
                f"rebinned, give exposure={step:g}.",
                # The caller of the method of HRTEM.
            )
        return seconds
    return step


def _frame_time(signal: Signal2D) -> float | None:
    """Return the step of the time axis [s], if there is one."""
    axis = time_axis(signal.axes_manager.navigation_axes)
    if axis is None or not axis.is_uniform:
        return None
    return value_in(f"{float(axis.scale)!r} {unit_of(axis)}", "s") or None
