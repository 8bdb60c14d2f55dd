# SPDX-License-Identifier: GPL-3.0-or-later
"""A network with the weight of objects put back that its export took out.

Not a script: `reliability_page.py` and `membrane_images.py` compare with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnx

from hrtemnn_training.export.cards import write_card
from hrtemnn_training.export.object_weight import remove_weight
from hyperspy_hrtemnn.networks import Network

if TYPE_CHECKING:
    from pathlib import Path


def as_trained(network: Network, folder: Path) -> Network:
    """Return a network of one class that predicts what it did when its training ended.

    Parameters
    ----------
    network
        Network whose card has the weight.
    folder
        Folder for the file.
    """
    card = network.card
    if card.object_weight is None:
        raise ValueError(f"No weight was taken out of {network.name!r}.")
    proto = onnx.load(network.path)
    remove_weight(proto, 1 / card.object_weight, objects=1)
    fields: dict[str, Any] = {"object_weight": None, "threshold": None}
    fields |= {"scores": {}, "test": None}
    write_card(proto, card.model_copy(update=fields))
    path = folder / f"{network.name} as trained.onnx"
    onnx.save(proto, path)
    return Network(path)
