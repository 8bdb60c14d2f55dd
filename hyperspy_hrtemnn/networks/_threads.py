# SPDX-License-Identifier: GPL-3.0-or-later
"""Threads of inference: how many cores one inference may use."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from pathlib import Path


def inference_threads(num_workers: int | None = None) -> int:
    """Return the number of threads that one inference may use.

    At most the cores that this process may use, by its affinity and the limits of its
    container; what the environment variable ``OMP_NUM_THREADS`` says, which
    onnxruntime itself does not read; and `num_workers`.

    Parameters
    ----------
    num_workers
        Number of threads that a user has allowed; None if nothing was said.
    """
    limits = [_allowed_cores(), _cores_of_container()]
    said = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if said.isdecimal() and int(said) > 0:
        limits.append(int(said))
    if num_workers is not None:
        limits.append(max(1, int(num_workers)))
    return int(min(limits))


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
