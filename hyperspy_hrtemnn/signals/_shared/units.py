# SPDX-License-Identifier: GPL-3.0-or-later
"""Units: values of texts such as "2 nm", by pint."""

from __future__ import annotations

import math
import re
from functools import cache, lru_cache
from threading import RLock
from typing import Any

import pint

from hyperspy_hrtemnn.unit_texts import LONGEST, is_unit, quoted

# Pint makes its registry, and units with a prefix in it, when they are first needed,
# without a thought for other threads.
_one_thread = RLock()

_TEXT = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S.*)", re.S)

# As DigitalMicrograph writes reciprocal units, "nm-1".
_RECIPROCAL = re.compile(r"(?<=[^\W\d_])-1\b")

# What stands where HyperSpy or a file has given no unit, or no name.
_NOTHING = {"", "none", "<undefined>", "undefined"}

_PIXELS = {"px", "pixel", "pixels", "pix"}


def value_in(text: str, unit: str) -> float | None:
    """Return what a text with a unit is in another unit, None where it is no such.

    Parameters
    ----------
    text
        A number and a unit, ``"2 nm"``. Pint takes the comma of ``"2,5 nm"`` out and
        reads 25 nm; here a text with a comma is nothing.
    unit
        The unit of the result.

    Returns
    -------
    None also where the number is missing or not finite.
    """
    # Longer texts are not lengths, and patterns take their time over them.
    match = _TEXT.fullmatch(text) if len(text) <= 2 * LONGEST else None
    if match is None or "," in text:
        return None
    quantity, wanted = _quantity(match[2]), _quantity(unit)
    # Pint takes px for the pixel of web pages, 1/96 of an inch.
    if quantity is None or wanted is None or "css_pixel" in str(quantity.units):
        return None
    try:
        with _one_thread:
            value = float((float(match[1]) * quantity).m_as(wanted.units))
    except (pint.PintError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def length_in(text: str, unit: str) -> float | None:
    """Return a length such as ``"2 nm"`` in a unit, None where it is not a length."""
    return value_in(text, unit)


def unit_of(axis: Any) -> str:
    """Return the unit of an axis as a text, empty where it has none."""
    return unit_text(axis.units)


def unit_text(unit: Any) -> str:
    """Return the unit of an axis' dictionary as `unit_of` returns it."""
    text = str(unit).strip()
    return "" if text.lower() in _NOTHING else text


def name_of(axis: Any, default: str) -> str:
    """Return the name of an axis, or another where it has none."""
    text = str(axis.name).strip()
    return default if text.lower() in _NOTHING else text


def is_time(axis: Any) -> bool:
    """Return whether an axis is calibrated in a unit of time, any that pint knows."""
    unit = unit_of(axis)
    return bool(unit) and value_in(f"1 {unit}", "s") is not None


def ratio(unit: str, other: str) -> float | None:
    """Return what one of a unit is in another, None where they are of other kinds."""
    return 1.0 if unit == other else value_in(f"1 {unit}", other)


def why_no_length(unit: str) -> str:
    """Return what is wrong with the unit of an axis that should be a length.

    Parameters
    ----------
    unit
        Unit from `unit_of`.

    Returns
    -------
    What follows "the axis x".
    """
    if not unit:
        return "has no unit"
    if unit.lower() in _PIXELS:
        return f"is counted in pixels ({unit})"
    quoted_unit = quoted(unit)
    if unit == "A":
        return "has the unit 'A', which is the ampere; angstrom is 'Å' or 'angstrom'"
    one = f"1 {unit}"
    if value_in(one, "1/nm") is not None:
        return (
            f"has the unit {quoted_unit}, which is reciprocal: of a Fourier transform "
            "or a diffraction pattern, not of an image"
        )
    what = "which is unknown" if _quantity(unit) is None else "not a length"
    return f"has the unit {quoted_unit}, {what}"


def hint_for(text: str) -> str:
    """Return what may be meant by a text that is not a length, or nothing."""
    if len(text) > LONGEST:
        return ""
    if "," in text:
        return f" Write a point in place of the comma: {text.replace(',', '.')!r}."
    if re.fullmatch(r"\s*[\d.eE+-]+\s*A\s*(\^?2|²)?\s*", text):
        return f" 'A' is the ampere: {text.replace('A', 'angstrom')!r}."
    return ""


@lru_cache(maxsize=256)
def _quantity(unit: str) -> Any:
    """Return a unit as pint has it, None where it knows no such unit.

    "Sec" and "Angstrom" are those of lower case: pint knows none that is written so.
    """
    unit = _RECIPROCAL.sub("^-1", unit.strip())
    if not is_unit(unit):
        return None
    quantity = _known(unit)
    return _known(unit.lower()) if quantity is None else quantity


def _known(unit: str) -> Any:
    try:
        with _one_thread:
            return _registry().Quantity(unit)
    except pint.PintError:
        return None


@cache
def _registry() -> Any:
    """Return our own registry: that of the application is made by whoever is first."""
    return pint.UnitRegistry()
