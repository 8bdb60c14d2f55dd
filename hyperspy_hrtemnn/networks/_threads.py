# SPDX-License-Identifier: GPL-3.0-or-later
"""Threads of inference: how many cores one inference may use."""

from __future__ import annotations

import os

from hyperspy_hrtemnn.cores import usable_cores

# Number of tasks that this process runs at once if it is a worker of a cluster, else 0.
_of_worker = 0


def share_cores(threads: int) -> None:
    """Say how many threads this process has if it is a worker of a cluster.

    Where several workers share a machine, each would take all of its cores otherwise.

    Parameters
    ----------
    threads
        Number of tasks that the worker runs at once.
    """
    global _of_worker  # noqa: PLW0603
    _of_worker = threads


def inference_threads(num_workers: int | None = None) -> int:
    """Return the number of threads that one inference may use.

    At most the cores that this process may use, by its affinity and the limits of its
    container; what the environment variable ``OMP_NUM_THREADS`` says, which
    onnxruntime itself does not read; and `num_workers`. In a worker of a cluster they
    are the threads of the worker or, if that is more, what ``OMP_NUM_THREADS`` says:
    dask sets that to 1 by itself, however many threads a worker has.

    Parameters
    ----------
    num_workers
        Number of threads that a user has allowed; None if nothing was said.
    """
    threads = usable_cores()
    said = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    allowed = int(said) if said.isdecimal() else 0
    if allowed or _of_worker:
        threads = min(threads, max(allowed, _of_worker))
    if num_workers is not None:
        threads = min(threads, max(1, int(num_workers)))
    return threads
