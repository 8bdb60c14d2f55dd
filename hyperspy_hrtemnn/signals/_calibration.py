# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixel sizes from a signal's axes, and lengths with units into pixels."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pint

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D

_units = pint.get_application_registry()

_AREA = re.compile(r"\s*(\d+\.?\d*|\.\d+)\s*(\S+?)\s*(?:\^2|\*\*2|²)\s*")


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
    ValueError
        If an axis is not calibrated in a unit of length, or x and y differ.
    """
    sizes = []
    for axis in signal.axes_manager.signal_axes:
        if not axis.is_uniform:
            raise ValueError(
                f"The axis {axis.name!s} is not uniform; interpolate first."
            )
        size = length_in(f"{float(axis.scale)} {axis.units}", unit)
        if size is None:
            raise ValueError(
                f"The signal is not calibrated: axis {axis.name!s} has the unit "
                f"{axis.units!s}, not a length. Set it, for example:\n"
                "    for axis in signal.axes_manager.signal_axes:\n"
                "        axis.scale, axis.units = 0.01, 'nm'"
            )
        sizes.append(size)
    x, y = map(abs, sizes)
    if not x > 0 or abs(x - y) > 0.01 * x:
        raise ValueError(
            f"Pixels are {x:.4g} x {y:.4g} {unit}; square pixels are needed. Correct "
            "the scale of the signal axes or rebin."
        )
    return float((x + y) / 2)


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
        If a text is no length, or it has a unit and the axes do not.
    """
    if not isinstance(length, str):
        axis: Any = signal.axes_manager.signal_axes[0]
        return float(length) / abs(float(axis.scale))
    value = length_in(length, "angstrom")
    if value is None:
        raise ValueError(
            f"{length!r} is no length; give a number in the unit of the axes or a text "
            'with a unit, such as "2 nm".'
        )
    return value / sampling(signal)


def edges_of(axis: Any) -> tuple[float, float]:
    """Return where the first pixel of a signal axis begins and the last one ends."""
    first = axis.offset - axis.scale / 2
    return first, first + axis.size * axis.scale


def length_in(text: str, unit: str) -> float | None:
    """Return a length such as ``"2 nm"`` in a unit, None where it is no length."""
    # Words are units to pint: "much" is a millionth of a chain.
    if not any(character.isdigit() for character in text):
        return None
    try:
        quantity = _units.Quantity(text)
        # Pint takes px for the pixel of web pages, 1/96 of an inch.
        if "css_pixel" in str(quantity.units):
            return None
        return float(quantity.m_as(unit))
    # Pint asserts where the syntax is wrong.
    except (pint.PintError, AssertionError, AttributeError, TypeError, ValueError):
        return None


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
        If a text is no area, or it has a unit and the axes do not.
    """
    if not isinstance(area, str):
        x, y = signal.axes_manager.signal_axes
        return float(area / abs(x.scale * y.scale))
    match = _AREA.fullmatch(area)
    side = length_in(f"1 {match[2]}", "angstrom") if match else None
    if match is None or side is None:
        raise ValueError(
            f"{area!r} is no area; give a number in the square of the axes' unit or a "
            'text with a unit, such as "4 nm^2".'
        )
    return float(match[1]) * (side / sampling(signal)) ** 2
