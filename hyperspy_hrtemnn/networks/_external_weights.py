# SPDX-License-Identifier: GPL-3.0-or-later
"""External weights: other files that an ONNX file refers to, which are refused.

onnxruntime would look for them in the current folder, whoever put them there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._errors import NetworkError
from ._protobuf import fields

if TYPE_CHECKING:
    from pathlib import Path

# What may contain weights, by the numbers of the fields in onnx.proto.
_PARTS = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor",
        6: "graph",
        10: "tensor",
        11: "graph",
        22: "sparse tensor",
        23: "sparse tensor",
    },
    "sparse tensor": {1: "tensor", 2: "tensor"},
    "tensor": {13: "reference"},
}
_LOCATION = 14  # of the data of a tensor: 0 = in the file
_NAME, _VALUE = 1, 2  # of an entry of a reference

_DEEPEST = 60  # graphs in graphs; protobuf itself allows 100 messages in messages


def refuse_external_weights(content: bytes, path: Path) -> None:
    """Raise an error if an ONNX file refers to weights in another file.

    Parameters
    ----------
    content
        The bytes of the file.
    path
        Its path, for the error.

    Raises
    ------
    NetworkError
        If it does, or is not an ONNX file.
    """
    try:
        found = _external(memoryview(content), "model", 0)
    except (IndexError, ValueError):
        raise NetworkError(
            f"{path} is not an ONNX file, or it is incomplete."
        ) from None
    if found is not None:
        raise NetworkError(
            f"{path} keeps weights in another file, {found!r}, which is not read. "
            "Save the network as one file, with onnx.save(onnx.load(path), new_path)."
        )


def _external(message: memoryview, kind: str, depth: int) -> str | None:
    """Return the name of the first external file in a message, None without one."""
    if depth > _DEEPEST:
        raise ValueError("Too many graphs in graphs.")
    is_external = False
    name = None
    for number, value in fields(message):
        if isinstance(value, int):
            is_external |= kind == "tensor" and number == _LOCATION and value != 0
            continue
        part = _PARTS[kind].get(number)
        if part == "reference":
            is_external = True
            entry = dict(fields(value))
            if _text(entry.get(_NAME)) == "location":
                name = _text(entry.get(_VALUE))
        elif part is not None:
            inner = _external(value, part, depth + 1)
            if inner is not None:
                return inner
    return (name or "unnamed") if is_external else None


def _text(value: int | memoryview | None) -> str:
    if value is None or isinstance(value, int):
        return ""
    return str(value, "utf-8", "replace")
