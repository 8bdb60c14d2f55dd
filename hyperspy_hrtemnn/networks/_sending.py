# SPDX-License-Identifier: GPL-3.0-or-later
"""Sending of networks to the workers of a cluster of dask.distributed, once each."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4
from weakref import WeakKeyDictionary

from distributed import WorkerPlugin

from ._copies import keep_copy
from ._threads import share_cores


class _Sendable(Protocol):
    """What is sent of a network."""

    @property
    def place(self) -> str: ...

    @property
    def content(self) -> bytes: ...

    sha256: str


_THIS_PROCESS = uuid4().hex

_sent: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()


class SentNetwork(WorkerPlugin):  # type: ignore[misc]
    """A network on its way to each worker, also to those that start later.

    Parameters
    ----------
    network
        The network.
    """

    def __init__(self, network: _Sendable) -> None:
        self.name = f"hyperspy_hrtemnn-{network.sha256}"
        self._content, self._sha256 = network.content, network.sha256
        self._place, self._from = network.place, _THIS_PROCESS

    def setup(self, worker: Any) -> None:
        """Make the network known in the process of a worker."""
        if self._from == _THIS_PROCESS:
            # A worker that is a thread of this process takes what is here.
            return
        share_cores(worker.state.nthreads)
        folder = Path(worker.local_directory)
        keep_copy(self._content, self._sha256, self._place, folder)


def send(network: _Sendable, client: Any) -> None:
    """Send a network to the workers of a client, unless this was done before."""
    known = _sent.setdefault(client, set())
    if network.sha256 not in known:
        client.register_plugin(SentNetwork(network))
        known.add(network.sha256)
