# SPDX-License-Identifier: GPL-3.0-or-later
"""Cards inside exported networks: written, read and brought up to date."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import onnx

from hyperspy_hrtemnn.atomic import written_whole
from hyperspy_hrtemnn.networks import METADATA_KEY, Card, Network

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def write_card(proto: onnx.ModelProto, card: Card) -> None:
    """Put a card into an ONNX graph in place of the one it has."""
    onnx.helper.set_model_props(proto, {METADATA_KEY: card.model_dump_json()})


def read_card(proto: onnx.ModelProto) -> Card:
    """Return the card of an ONNX graph as today's version has it."""
    (text,) = (p.value for p in proto.metadata_props if p.key == METADATA_KEY)
    return Card.model_validate_json(text)


def change_card(path: Path, change: Callable[[Card], Card]) -> None:
    """Write a network's file with another card; its graph stays what it is.

    Parameters
    ----------
    path
        Path of the ONNX file.
    change
        Returns the new card of the one that is there, as of today's version.
    """
    proto = onnx.load(path)
    write_card(proto, change(read_card(proto)))
    with written_whole(path) as temporary:
        onnx.save(proto, temporary)


def add_test(path: Path) -> None:
    """Write a network's file with a test in its card: an input and its answer.

    Nothing else of the file changes, its other entries included.

    Parameters
    ----------
    path
        Path of the ONNX file.
    """
    test = Network(path, device="cpu").card_test()
    proto = onnx.load(path)
    (entry,) = (p for p in proto.metadata_props if p.key == METADATA_KEY)
    entries = json.loads(entry.value)
    entries["test"] = test.model_dump(mode="json")
    entry.value = json.dumps(entries, ensure_ascii=False, separators=(",", ":"))
    with written_whole(path) as temporary:
        onnx.save(proto, temporary)


def bring_card_up_to_date(path: Path) -> None:
    """Write a network's file with its card as today's version has it.

    Files with older cards are read all the same; this is for who reads the card with
    something else. A card that is of today stays what it is.

    Parameters
    ----------
    path
        Path of the ONNX file.
    """
    change_card(path, lambda card: card)
