# SPDX-License-Identifier: GPL-3.0-or-later
"""Protobuf: the fields of an ONNX file, read and appended without the package `onnx`.

The file is walked as the format has it
(https://protobuf.dev/programming-guides/encoding), field by field, since that package
is not needed to run a network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield the number and the value of each field of a message.

    Raises
    ------
    IndexError, ValueError
        If it is not a message.
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(message, at)
            yield number, value
            continue
        if wire == 2:
            size, at = _varint(message, at)
        elif wire in {1, 5}:
            size = 8 if wire == 1 else 4
        else:
            raise ValueError("Not a field.")
        if at + size > len(message):
            raise ValueError("Cut off.")
        yield number, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise ValueError("Not a number.")


def field(number: int, value: bytes) -> bytes:
    """Return a field of bytes, a text or a message, to append to a message.

    A field that may be there several times gets one more of them.
    """
    return _encoded(number << 3 | 2) + _encoded(len(value)) + value


def _encoded(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
