# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixel sizes from a signal's axes, and lengths with units into pixels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from hyperspy_hrtemnn.unit_texts import quoted

from .units import hint_for, length_in, name_of, unit_of, value_in, why_no_length

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D


# Their square is still a number.
_MOST_PIXELS = 1e30


class CalibrationError(ValueError):
    """A signal whose pixels have no known size.

    Parameters
    ----------
    reason
        Sentence that says what is wrong.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"The signal is not calibrated: {reason} Set it, for example:\n"
            "    for axis in signal.axes_manager.signal_axes:\n"
            "        axis.scale, axis.units = 0.01, 'nm'"
        )


def sampling(signal: Signal2D, unit: str = "angstrom") -> float:
    """Return the pixel size of a signal's square pixels.

    Parameters
    ----------
    signal
        A signal with two uniform signal axes.
    unit
        Unit of length of the result.

    Raises
    ------
    CalibrationError
        If an axis is not calibrated in a unit of length.
    ValueError
        If an axis is not uniform, or x and y differ.
    """
    sizes = []
    for default, axis in zip("xy", signal.axes_manager.signal_axes, strict=True):
        name = name_of(axis, default)
        check_uniform(axis, name)
        sizes.append(_pixel_size(axis, name, unit))
    x, y = map(abs, sizes)
    if abs(x - y) > 0.01 * x:
        raise ValueError(
            f"Pixels are {x:.4g} x {y:.4g} {unit}; square pixels are needed. Correct "
            "the scale of the signal axes or rebin."
        )
    return float((x + y) / 2)


def _pixel_size(axis: Any, name: str, of_result: str) -> float:
    scale, unit = float(axis.scale), unit_of(axis)
    if length_in(f"1 {unit}", "angstrom") is None:
        raise CalibrationError(f"axis {name} {why_no_length(unit)}.")
    size = length_in(f"{scale!r} {unit}", of_result)
    if not size:
        raise CalibrationError(f"axis {name} has the scale {scale:g}.")
    # From less than a nucleus to more than a meter [Å].
    if not 1e-6 < abs(length_in(f"{scale!r} {unit}", "angstrom") or 0) < 1e11:
        raise CalibrationError(f"axis {name} has the scale {scale:g} {unit}.")
    return size


def check_uniform(axis: Any, name: str) -> None:
    """Raise a ValueError if an axis has no single scale."""
    if not axis.is_uniform:
        raise ValueError(f"The axis {name} is not uniform; interpolate first.")


def known_sampling(signal: Signal2D) -> float | None:
    """Return the pixel size in Å, None where `sampling` would raise."""
    try:
        return sampling(signal)
    except ValueError:
        return None


def pixels(length: float | str, signal: Signal2D) -> float:
    """Return a length in pixels of the signal.

    Parameters
    ----------
    length
        A number, in the unit of the signal axes, or a text with a unit, ``"2 nm"``.
    signal
        The signal whose signal axes give the pixel size.

    Raises
    ------
    ValueError
        If a text is not a length, or it has a unit and the axes do not.
    """
    if not isinstance(length, str):
        return _number_of_pixels(float(length) / _scales(signal)[0], length)
    value = length_in(length, "angstrom")
    if value is None:
        raise ValueError(
            f"{quoted(length)} is not a length; give a number in the unit of the axes "
            f'or a text with a unit, such as "2 nm".{hint_for(length)}'
        )
    return _number_of_pixels(value / sampling(signal), length)


def _number_of_pixels(number: float, given: float | str) -> float:
    """Return a length or area in pixels; raise a ValueError if no image has as many.

    Numbers that are not finite themselves are left to the check of their option.
    """
    told = not isinstance(given, str) and not math.isfinite(given)
    if not (told or abs(number) < _MOST_PIXELS):
        raise ValueError(
            f"The length or area {given} is {number:.3g} pixels, which no image has; "
            "give another one, or correct the scale of the signal axes."
        )
    return number


def edges_of(axis: Any) -> tuple[float, float]:
    """Return where the first pixel of a signal axis begins and the last one ends.

    Raises
    ------
    ValueError
        If the axis is not uniform.
    """
    check_uniform(axis, name_of(axis, "of the image"))
    first = axis.offset - axis.scale / 2
    return first, first + axis.size * axis.scale


def field_of(signal: Signal2D) -> dict[str, list[float]]:
    """Return the lowest and highest coordinate of the images, along x and y.

    Raises
    ------
    ValueError
        If an axis is not uniform.
    """
    axes = zip("xy", signal.axes_manager.signal_axes, strict=True)
    return {name: sorted(edges_of(axis)) for name, axis in axes}


def square_pixels(area: float | str, signal: Signal2D) -> float:
    """Return an area in pixels of the signal.

    Parameters
    ----------
    area
        A number, in the square of the unit of the signal axes, or a text with a unit,
        ``"4 nm^2"``.
    signal
        The signal whose signal axes give the pixel size.

    Raises
    ------
    ValueError
        If a text is not an area, or it has a unit and the axes do not.
    """
    if not isinstance(area, str):
        return _number_of_pixels(float(area) / math.prod(_scales(signal)), area)
    value = value_in(area, "angstrom**2")
    if value is None:
        raise ValueError(
            f"{quoted(area)} is not an area; give a number in the square of the axes' "
            f'unit, or a text with a unit, such as "4 nm^2".{hint_for(area)}'
        )
    return _number_of_pixels(value / sampling(signal) ** 2, area)


def _scales(signal: Signal2D) -> tuple[float, float]:
    """Return the width and height of a pixel in the unit of the axes, if they have any.

    Raises
    ------
    ValueError
        If an axis is not uniform, or its scale is not a size.
    """
    x, y = signal.axes_manager.signal_axes
    for axis in (x, y):
        if not (axis.is_uniform and math.isfinite(axis.scale) and axis.scale):
            sampling(signal)  # which says what is wrong
    return abs(float(x.scale)), abs(float(y.scale))
