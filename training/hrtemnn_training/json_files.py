# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON files that a person wrote, or somebody else: read strictly, faults by key.

A recipe may come from anywhere. Whatever stands in it is found here or by pydantic,
before anything is made from it, and none of it reaches a terminal as a command.
"""

from __future__ import annotations

import json
import math
import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LARGEST = 1_000_000  # bytes of a file; the largest recipe of ours has 2,500
_DEEPEST = 20  # lists and objects within each other; recipes have six
_LONGEST = 10_000  # characters of a text, or entries of a list

# Beyond any seed, and beyond any quantity of microscopy in Å, keV or e-/Å².
_HIGHEST = 1e15

# They turn what follows around, so that a text does not look as it is.
_TURNING = set("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_LINES = {"\n", "\t"}


class JSONError(ValueError):
    """A text that is not the JSON object it should be, and why."""


def read_json(path: Path) -> str:
    """Return the text of a file that holds a JSON object, checked by `parse_json`.

    Raises
    ------
    OSError
        If the file cannot be read.
    JSONError
        If it is too large, not UTF-8, or `parse_json` refuses its text.
    """
    if path.exists() and not path.is_file():
        raise JSONError("it is not a file")
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise JSONError(f"it is larger than {_LARGEST:,} bytes")
    try:
        text = content.decode("utf-8-sig")  # editors of Windows write a mark before it
    except UnicodeDecodeError as error:
        raise JSONError(f"it is not UTF-8 at byte {error.start}") from None
    parse_json(text)
    return text


def parse_json(text: str) -> dict[str, Any]:
    """Return a JSON object whose keys, numbers and texts are all usable.

    Raises
    ------
    JSONError
        If it is not JSON, a key stands twice, a number is not finite or beyond 1e15,
        or a text has control characters; the message names the key.
    """
    if len(text) > _LARGEST:
        raise JSONError(f"it is longer than {_LARGEST:,} characters")
    try:
        values = json.loads(text, object_pairs_hook=_without_doubles)
    except RecursionError:
        raise JSONError(_TOO_DEEP) from None
    except json.JSONDecodeError as error:
        raise JSONError(
            f"it is not JSON in line {error.lineno}, column {error.colno}: {error.msg}"
        ) from None
    except JSONError:
        raise
    except ValueError:
        raise JSONError("it has a number of thousands of digits") from None
    if not isinstance(values, dict):
        raise JSONError("it is not a JSON object, which stands in braces")
    for key, value in _all_values(values, ()):
        fault = _fault(value)
        if fault:
            raise JSONError(f"{shown('.'.join(key))}: {fault}")
    return values


_TOO_DEEP = f"lists and objects stand in each other more than {_DEEPEST} deep"


def shown(text: str, longest: int = 300) -> str:
    r"""Return a text as it may go to a terminal: no control characters, not too long.

    Examples
    --------
    >>> print(shown("gold \x1b[2J"))
    gold \x1b[2J
    """
    safe = "".join(
        ascii(character)[1:-1] if is_control(character) else character
        for character in text
    )
    return safe if len(safe) <= longest else f"{safe[:longest]} ..."


def is_control(character: str) -> bool:
    """Return whether a character acts on a terminal; new lines and tabs may."""
    return character not in _LINES and (
        unicodedata.category(character) in {"Cc", "Cs"} or character in _TURNING
    )


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key in values:
            raise JSONError(f"the key {shown(key)!r} stands twice in an object")
        values[key] = value
    return values


def _all_values(
    value: Any, key: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every value, outer ones first, and every key as a text, with its place."""
    yield key, value
    if len(key) > _DEEPEST:
        raise JSONError(f"{shown('.'.join(key[:3]))}: {_TOO_DEEP}")
    if isinstance(value, dict):
        for name, item in value.items():
            yield (*key, name), name
            yield from _all_values(item, (*key, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _all_values(item, (*key, str(number)))


def _fault(value: Any) -> str | None:
    """Return what is wrong with one value."""
    if isinstance(value, str | list | dict) and len(value) > _LONGEST:
        return f"it is longer than {_LONGEST:,}"
    if isinstance(value, str):
        control = next(filter(is_control, value), None)
        return control and f"control characters, such as {control!a}, are refused"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} is not a finite number"
    if isinstance(value, int | float) and abs(value) > _HIGHEST:
        return f"numbers go to {_HIGHEST:g}"
    return None
