# SPDX-License-Identifier: GPL-3.0-or-later
"""Self-test: the answer to the test input of a card, on each device that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ._devices import CPU, available_devices
from ._errors import DeviceError, NetworkError
from ._network import Network, load
from ._starting import TOLERANCE
from ._trial import differs, usual_input

if TYPE_CHECKING:
    from pathlib import Path

    from ._card import CardTest


class DeviceAnswer(NamedTuple):
    """How a device answers to the test of a card.

    Attributes
    ----------
    device
        Its name.
    difference
        Largest difference from the answer in the card, NaN if there is no answer.
    fault
        What is wrong, None if nothing.
    """

    device: str
    difference: float
    fault: str | None


def self_test(
    name_or_path: str | Path, device: str | None = None
) -> list[DeviceAnswer]:
    """Run the test of a network's card.

    Parameters
    ----------
    name_or_path
        Name of a shipped network, or path of an ONNX file.
    device
        What to run it on, as in `load`; by default each device that is there.

    Raises
    ------
    NetworkError
        If there is no such network, it cannot be used, or its card has no test.
    """
    # Which compares the answer on the CPU with the card.
    on_cpu = load(name_or_path, CPU)
    if on_cpu.card.test is None:
        raise NetworkError(
            f"The card of the network {on_cpu.name!r} has no test: it is older than "
            "tests are. Export the network again."
        )
    devices = available_devices() if device is None else (device,)
    return [_answer(on_cpu, on_cpu.card.test, each) for each in devices]


def _answer(on_cpu: Network, test: CardTest, device: str) -> DeviceAnswer:
    try:
        network = on_cpu.on(device)
    except DeviceError as error:
        return DeviceAnswer(device, float("nan"), str(error))
    given = network.predict(usual_input(network.card)).ravel()[[*test.places]]
    known = np.array(test.answer)
    off = differs(given, known, TOLERANCE)
    fault = None if off is None else f"{TOLERANCE:g} is allowed"
    return DeviceAnswer(network.device, float(np.abs(given - known).max()), fault)
