# SPDX-License-Identifier: GPL-3.0-or-later
"""Start on a device: a network runs there as on the CPU, or it is told why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperspy_hrtemnn.user_warnings import warn_user

from ._devices import AUTO, CPU, DEVICES, available_devices
from ._errors import DeviceError, DeviceStartError, NetworkError
from ._trial import differs, usual_input

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ._card import Card
    from ._engine import Engine

TOLERANCE = 1e-3
"""Largest difference between devices, of a probability or of the largest value."""

# What most of the time goes into; other nodes may run anywhere.
_HEAVY = ("Conv", "Gemm", "MatMul")

# Devices that "auto" does not try again in this process, after one warning.
_not_starting: set[str] = set()


def started(device: str, on_cpu: Engine, card: Card) -> Engine:
    """Return a network on a device, after a trial.

    Parameters
    ----------
    device
        Name of a device; or "auto" for the best that runs the network, with a warning
        if that is only the CPU.
    on_cpu
        The network on the CPU.
    card
        Its card.

    Raises
    ------
    DeviceError
        If the network does not run on the device, or not as on the CPU.
    """
    if device == CPU:
        return on_cpu
    if device != AUTO:
        try:
            return _tried(device, on_cpu, card)
        except DeviceError as error:
            raise DeviceError(f'{error} Take device="cpu".') from error
    for name in available_devices():
        if name in (CPU, *_not_starting) or not DEVICES[name].is_automatic:
            continue
        try:
            return _tried(name, on_cpu, card)
        except DeviceError as error:
            if isinstance(error, DeviceStartError):
                _not_starting.add(name)
            warn_user(f"The CPU is used in place of {name}. {error}")
    return on_cpu


def _tried(device: str, on_cpu: Engine, card: Card) -> Engine:
    """Return a network on a device.

    Raises
    ------
    DeviceError
        If it does not run there, or not as on the CPU.
    """
    batch = usual_input(card)
    try:
        engine = on_cpu.on(device)
        answer = engine.run(batch)
    except DeviceStartError:
        raise
    except (NetworkError, MemoryError) as error:
        raise DeviceError(
            f"The network {card.name!r} does not run on {device}: {error}."
        ) from error
    off = differs(answer, on_cpu.run(batch), TOLERANCE)
    if off is not None:
        raise DeviceError(
            f"The network {card.name!r} answers on {device} with a difference of "
            f"{off:.2g} from the CPU, and {TOLERANCE:g} is allowed."
        )
    _tell_what_is_left(engine, card, batch)
    return engine


def _tell_what_is_left(engine: Engine, card: Card, batch: NDArray[np.float32]) -> None:
    """Warn of what the device leaves to the CPU, if it takes time.

    Raises
    ------
    DeviceError
        If it leaves all of it.
    """
    notes = engine.profiled(batch)
    wanted = DEVICES[engine.device].provider
    if not any(note.get("provider") == wanted for note in notes):
        raise DeviceError(
            f"{engine.device} knows no node of the network {card.name!r}, and would "
            "leave all of them to the CPU."
        )
    on_cpu = DEVICES[CPU].provider
    left = [
        str(note.get("op_name"))
        for note in notes
        if note.get("provider") == on_cpu
        and any(kind in str(note.get("op_name")) for kind in _HEAVY)
    ]
    if left:
        warn_user(
            f"{engine.device} leaves parts of the network {card.name!r} to the CPU, "
            f"{len(left)} nodes ({', '.join(sorted(set(left)))}): it may be slower "
            'than device="cpu".'
        )
