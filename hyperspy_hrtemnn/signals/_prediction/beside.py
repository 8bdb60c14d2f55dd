# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals beside what a network predicted: its spread, its novelty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hyperspy_hrtemnn import __version__
from hyperspy_hrtemnn.signals._shared.derived import derived_signal

if TYPE_CHECKING:
    import dask.array as da
    from hyperspy.signals import Signal2D

    from hyperspy_hrtemnn.networks import Network


def signal_beside(
    source: Signal2D,
    data: da.Array,
    axes: list[dict[str, Any]],
    network: Network,
    *,
    name: str,
    quantity: str,
) -> Signal2D:
    """Return a lazy signal that says of which network it is.

    Parameters
    ----------
    source
        The images.
    data, axes
        The data and their axes.
    network
        The network.
    name
        Part of ``metadata.HRTEMNN`` that says it.
    quantity
        What the values are, for the color bar.
    """
    result: Signal2D = derived_signal(source, data, "", axes)
    result.metadata.set_item("Signal.quantity", quantity)
    provenance = {
        "network": network.card.name,
        "sha256": network.sha256,
        "device": network.device,
        "version": __version__,
    }
    result.metadata.set_item(f"HRTEMNN.{name}", provenance)
    return result
