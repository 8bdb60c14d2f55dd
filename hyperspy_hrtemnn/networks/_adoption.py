# SPDX-License-Identifier: GPL-3.0-or-later
"""Adoption: a checked card on a network that others have trained."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from hyperspy_hrtemnn.atomic import written_whole

from ._apart import try_apart
from ._card import METADATA_KEY, Card
from ._card_text import read_card
from ._errors import NetworkError
from ._external_weights import refuse_external_weights
from ._file import check_output, read_file
from ._network import Network, load
from ._opening import opened
from ._protobuf import field, fields
from ._reach import measured_reach
from ._trial import card_test, misfit

if TYPE_CHECKING:
    from ._engine import Engine

# Of the fields of a model, and of an entry of its metadata, in onnx.proto.
_METADATA, _KEY, _VALUE = 14, 1, 2

# Probability at which an object is as likely as none.
_EVEN = 0.5


def adopt(
    path: str | Path,
    card: str | Path | Card,
    out: str | Path,
    *,
    overwrite: bool = False,
) -> Network:
    """Write a copy of a network with a card, by which it can be used as those here.

    The graph stays what it is, to the byte. It is run on small images: its input and
    output, the range of its answer and its receptive field have to be those of the
    card, which gets a test, an input and the answer, that loading compares from then
    on.

    Parameters
    ----------
    path
        An ONNX file: one input, float32, shape (N, channel, y, x), with symbolic N, y
        and x, and one output, the same or (N, class).
    card
        The card, or the JSON file of one that was made from `Card.template`.
    out
        The ONNX file to write.
    overwrite
        Whether to replace `out`.

    Returns
    -------
    The network, loaded from `out`.

    Raises
    ------
    NetworkError
        If a file cannot be read, the card is not filled in or not valid, the network
        has a card already or does not fit this one, or `out` exists, has no folder or
        does not end with .onnx.
    """
    path, out = Path(path), Path(out)
    check_output(out, ".onnx")
    known = card if isinstance(card, Card) else read_card(Path(card))
    if known.task == "segmentation" and known.threshold is None:
        # A card without one would be taken for that of a network of ours.
        known = known.model_copy(update={"threshold": _EVEN})
    if out.exists() and (not overwrite or out.resolve() == path.resolve()):
        raise NetworkError(f"{out} exists; give another name for the adopted network.")
    content = read_file(path)
    refuse_external_weights(content, path)
    if _has_card(content, path):
        raise NetworkError(
            f"{path} has a card already; hrtemnn card shows it, and it can be used as "
            "it is."
        )
    tried = with_card(content, known)
    try_apart(tried, hashlib.sha256(tried).hexdigest(), path)
    engine, known = opened(tried, path)
    _check_receptive_field(engine, known, path)
    tested = known.model_copy(update={"test": card_test(engine, known)})
    with written_whole(out) as temporary:
        temporary.write_bytes(with_card(content, tested))
    return load(out, "cpu")


def with_card(content: bytes, card: Card) -> bytes:
    """Return the bytes of an ONNX file that has no card, with one."""
    text = card.model_dump_json().encode()
    entry = field(_KEY, METADATA_KEY.encode()) + field(_VALUE, text)
    return content + field(_METADATA, entry)


def _has_card(content: bytes, path: Path) -> bool:
    try:
        for number, value in fields(memoryview(content)):
            if number == _METADATA and not isinstance(value, int):
                key = dict(fields(value)).get(_KEY, 0)
                if not isinstance(key, int) and bytes(key) == METADATA_KEY.encode():
                    return True
    except (IndexError, ValueError):
        raise NetworkError(f"{path} is not an ONNX file, or it is damaged.") from None
    return False


def _check_receptive_field(engine: Engine, card: Card, path: Path) -> None:
    """Raise an error if pixels are seen from farther away than the card says."""
    if card.per_image:
        return
    reach = measured_reach(engine, card)
    # Where it cannot be measured, the card is believed.
    if reach is not None and reach > card.receptive_field // 2:
        raise misfit(
            path,
            f"a pixel changes its answer {reach} pixels away, and the receptive_field "
            f"of the card is {card.receptive_field}; give {2 * reach + 1} or more. A "
            "network that sees the whole image cannot be run in tiles",
        )
