# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers of a cluster of dask.distributed: whether there are any, and their messages.

What a task notes is noted in the process of its worker. It travels to the client as an
event of dask, which arrives before the result of the task.
"""

from __future__ import annotations

import atexit
import pickle
import sys
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from dask.base import get_scheduler

if TYPE_CHECKING:
    from collections.abc import Callable

_TOPIC = "hyperspy-hrtemnn"

# How often is asked whether a computation is at its end [s].
_STEP = 0.1

_heard: WeakSet[Any] = WeakSet()


def cluster() -> Any:
    """Return the client of dask.distributed, if dask computes with one."""
    # Without it there is no client, and dask would import it, which takes time.
    if "distributed" not in sys.modules:
        return None
    # For a client, what computes is its method; otherwise a function, or nothing.
    return getattr(get_scheduler(), "__self__", None)


def report(*message: Any) -> bool:
    """Send a message to all clients; return whether this is a task on a worker."""
    # Otherwise nobody here has a worker, and the import would take time.
    if "distributed" not in sys.modules:
        return False
    from distributed import get_worker

    try:
        worker = get_worker()
    except ValueError:
        return False
    worker.log_event(_TOPIC, pickle.dumps(message))
    return True


def hear(take: Callable[..., bool], at_the_end: Callable[[], None]) -> None:
    """Listen to the workers of the client with which dask computes, if there is one.

    Parameters
    ----------
    take
        Given what was sent with `report`; returns whether it is for this process.
    at_the_end
        Called when nothing is computed any more, after something was taken.
    """
    client = cluster()
    if client is None or client in _heard:
        return
    _heard.add(client)
    waiting: list[bool] = []

    def receive(event: tuple[float, bytes]) -> None:
        # Scheduler and workers are trusted with the results, which are pickled, too.
        if take(*pickle.loads(event[1])) and not waiting:  # noqa: S301
            waiting.append(True)
            client.loop.call_later(_STEP, finish)

    def finish() -> None:
        if any(future.status == "pending" for future in client.futures.values()):
            client.loop.call_later(_STEP, finish)
            return
        waiting.clear()
        at_the_end()

    def finish_now() -> None:
        if waiting:
            at_the_end()

    client.subscribe_topic(_TOPIC, receive)
    # A script may end sooner than is asked.
    atexit.register(finish_now)
