# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of a card: JSON that is in a network's file, or in a file of its own."""

from __future__ import annotations

import codecs
import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from hyperspy_hrtemnn.terminal import as_line

from ._card import Card
from ._errors import NetworkError
from ._file import read_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def card_of(text: str, path: Path) -> Card:
    """Return a card, checked.

    Parameters
    ----------
    text
        JSON.
    path
        The file it is from, for the error.

    Raises
    ------
    NetworkError
        If it is not valid; the message names the fields.
    """
    try:
        return Card.model_validate_json(text)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'card'}: {fault['msg']}"
            for fault in error.errors()
        )
        # Names of fields that nobody knows are whatever the file has.
        raise NetworkError(
            f"The card of {path} is not valid: {as_line(faults)}."
        ) from None


def read_card(path: Path) -> Card:
    """Return the card in a file that was made from `Card.template`.

    Raises
    ------
    NetworkError
        If it cannot be read, is not valid or is not filled in.
    """
    try:
        values = json.loads(_decoded(read_file(path)))
    except UnicodeDecodeError as error:
        raise NetworkError(
            f"{path} is not a card, as JSON in UTF-8: {error}. Save it in this one."
        ) from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, NetworkError):
            raise
        raise NetworkError(f"{path} is not a card, as JSON: {error}.") from None
    if unfilled := list(_unfilled(values)):
        raise NetworkError(
            f"The card {path} is not filled in: {', '.join(unfilled)}. Put what is "
            "asked for in the place of each text in angle brackets."
        )
    if isinstance(values, dict):
        # Without its version, a card would be taken for one of the first.
        values.setdefault("version", Card.model_fields["version"].default)
    return card_of(json.dumps(values), path)


def _decoded(content: bytes) -> str:
    """Return text in UTF-8, or in UTF-16, in which PowerShell redirects output."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    return content.decode("utf-8-sig")


def _unfilled(value: Any, place: str = "") -> Iterator[str]:
    """Yield the places of a template at which nothing was filled in."""
    if isinstance(value, str):
        if value.startswith("<") and value.endswith(">"):
            yield place
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _unfilled(item, f"{place}.{key}" if place else key)
    elif isinstance(value, list):
        for item in value:
            yield from _unfilled(item, place)
