# SPDX-License-Identifier: GPL-3.0-or-later
"""Cores: how many of them this process may use, and work for all of them."""

from __future__ import annotations

import math
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_thread = threading.local()

Item = TypeVar("Item")
Found = TypeVar("Found")


def usable_cores() -> int:
    """Return how many cores this process may use, by affinity and control group."""
    return int(min(_allowed_cores(), _cores_of_container()))


def on_all_cores(
    function: Callable[[Item], Found], items: Iterable[Item]
) -> list[Found]:
    """Return what a function makes of each item, computed in a thread for each core.

    Parameters
    ----------
    function
        Spends its time in libraries that let other threads run, such as NumPy.
    items
        What it is called with.
    """
    # A pool whose threads wait for each other would wait for ever.
    if getattr(_thread, "is_of_pool", False) or usable_cores() == 1:
        return [function(each) for each in items]
    return list(_pool().map(function, items))


@cache
def _pool() -> ThreadPoolExecutor:
    """Return the threads, which live on: to start them takes as long as some work."""
    return ThreadPoolExecutor(
        usable_cores(), initializer=partial(setattr, _thread, "is_of_pool", True)
    )


# A forked process has none of the threads.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)


def _allowed_cores() -> int:
    # Neither macOS nor Windows has it.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cores_of_container() -> float:
    """Return the processor time that the control group of Linux allows [cores]."""
    # dask.system knows older groups, too, but Dragonfly has no dask.
    with suppress(OSError, ValueError):
        group = Path("/proc/self/cgroup").read_text("ascii").strip().rpartition(":")[2]
        limit = Path("/sys/fs/cgroup", group.lstrip("/"), "cpu.max").read_text("ascii")
        quota, period = limit.split()
        return math.ceil(int(quota) / int(period)) or 1
    return math.inf
