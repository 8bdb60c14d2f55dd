# SPDX-License-Identifier: GPL-3.0-or-later
"""Threads of inference: how many cores one inference may use."""

from __future__ import annotations

import os

from hyperspy_hrtemnn.cores import usable_cores


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
    threads = usable_cores()
    said = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if said.isdecimal() and int(said) > 0:
        threads = min(threads, int(said))
    if num_workers is not None:
        threads = min(threads, max(1, int(num_workers)))
    return threads
