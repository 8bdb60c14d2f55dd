# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of units: what may be one, told by a pattern before anything evaluates it.

Pint reads units by Python's tokenizer and calculates what it finds: `9**9**9**9` never
ends. Files and users can write anything there. Knows no pint.
"""

from __future__ import annotations

import re

# The longest that pint writes for a compound unit has some 60 letters.
LONGEST = 100

_POWER = (
    r"(?:\s*(?:\*\*|\^)\s*(?:[+-]?[1-9]|0?\.5|\(\s*[+-]?[1-9]\s*\))|[⁺⁻]?[¹²³⁴-⁹])?"
)
_TERM = rf"(?:[^\W\d_]|_)\w*{_POWER}"
_PRODUCT = rf"{_TERM}(?:(?:\s*[*·⋅]\s*|\s+){_TERM})*"
_UNIT = re.compile(
    rf"\s*(?:1|{_PRODUCT})\s*/\s*(?:{_PRODUCT}|\(\s*{_PRODUCT}\s*\))\s*|\s*{_PRODUCT}\s*"
)
_NUMBER = re.compile(
    r"^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?(?=[^\W\d]|[\s*]|$)"
)
_WORD = re.compile(r"(?:[^\W\d_]|_)\w*")
# Pint reads these as numbers.
_NUMBERS = {"nan", "inf", "infinity"}
_HIGH = str.maketrans("", "", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")


def is_unit(text: str) -> bool:
    """Return whether a text has the form of a unit, known or not.

    That is words with powers of one digit, their products, and one slash.

    Examples
    --------
    >>> is_unit("nm"), is_unit("1/nm"), is_unit("e / angstrom**2"), is_unit("µm²")
    (True, True, True, True)
    >>> is_unit("9**9**9**9 nm"), is_unit("((((("), is_unit("")
    (False, False, False)
    """
    # A word is a name of Python, or its tokenizer trips over it.
    return (
        len(text) <= LONGEST
        and _UNIT.fullmatch(text) is not None
        and all(
            word.isidentifier() and word.lower() not in _NUMBERS
            for word in _WORD.findall(text.translate(_HIGH))
        )
    )


def is_quantity(text: str) -> bool:
    """Return whether a text has the form of a unit, of a number, or of both.

    Examples
    --------
    >>> is_quantity("2.5 nm"), is_quantity("0.1"), is_quantity("s"), is_quantity("9**9")
    (True, True, True, False)
    """
    if len(text) > 2 * LONGEST:
        return False
    rest = _NUMBER.sub("", text, count=1)
    return not rest.strip(" *") or is_unit(rest.lstrip(" *")) or is_unit(text)


def quoted(text: str) -> str:
    """Return a text in quotes as an error names it, shortened where it is long."""
    return repr(text if len(text) <= LONGEST else f"{text[:LONGEST]}...")
