# SPDX-License-Identifier: GPL-3.0-or-later
"""The calibration in TIFFs of ImageJ and tifffile, of which RosettaSciIO loses parts.

RosettaSciIO 0.15 knows one unit of ImageJ's, "micron"; of others it keeps the scale
only, and of tifffile's own description nothing. The texts stay in the original
metadata, from where they are read here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# ImageJ writes other letters than those of ASCII as "\u00B5".
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")

# What ImageJ says where nobody has calibrated: the resolution of a printer.
_OF_PRINTERS = {"", "pixel", "pixels", "inch", "inches", "cm", "(null)"}


@dataclass(frozen=True)
class Calibration:
    """What a TIFF says of its axes.

    Parameters
    ----------
    unit
        Of both sides of a pixel; None where the image is not calibrated.
    pixel
        Height and width of a pixel in this unit where RosettaSciIO leaves 1, of files
        that are not ImageJ's own; otherwise 1.
    interval
        Time between frames; None where it is not said.
    time_unit
        Of `interval`.
    """

    unit: str | None
    pixel: tuple[float, float] = (1.0, 1.0)
    interval: float | None = None
    time_unit: str = "s"


def calibration(tag: Callable[[str], Any]) -> Calibration | None:
    """Return what a TIFF says of its axes, None where it says nothing.

    Parameters
    ----------
    tag
        From the name of a tag of the first page to its value, None where there is none.
    """
    text = tag("ImageDescription")
    if not isinstance(text, str):
        return None
    if text.startswith("ImageJ="):
        pairs = (line.partition("=") for line in text.splitlines())
        said: Any = {name.strip(): value.strip() for name, _, value in pairs}
        pixel = (1.0, 1.0)
    else:
        said = _json(text)
        if "shape" not in said:
            return None
        pixel = (_side(tag("YResolution")), _side(tag("XResolution")))
    unit = _text(said.get("unit"))
    interval = _number(said.get("finterval"))
    rate = _number(said.get("fps"))
    if not interval and rate:
        interval = 1 / rate
    return Calibration(
        unit=None if unit.lower() in _OF_PRINTERS else unit,
        pixel=pixel,
        interval=interval or None,
        time_unit=_text(said.get("tunit")) or "s",
    )


def _json(text: str) -> dict[str, Any]:
    try:
        said = json.loads(text)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _text(value: Any) -> str:
    plain = "" if value is None else str(value)
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), plain).strip()


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _side(resolution: Any) -> float:
    """Return the side of a pixel from pixels per unit, a fraction (above, below)."""
    try:
        above, below = resolution
        return float(below) / float(above)
    except (TypeError, ValueError, ZeroDivisionError):
        return 1.0
