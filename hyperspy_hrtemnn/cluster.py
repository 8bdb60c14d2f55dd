# SPDX-License-Identifier: GPL-3.0-or-later
"""Cluster of processes that work for one command, which nobody else can talk to.

Whoever reaches a scheduler of dask.distributed can run code as its owner. The processes
started here listen on this machine alone, and only to those who have the certificate
that is made for them, which is never written to a file.
"""

from __future__ import annotations

import logging
import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import dask

from .cores import usable_cores

if TYPE_CHECKING:
    from collections.abc import Iterator

_HOST = "127.0.0.1"

# A worker may start processes of its own, and each node serves pages over HTTP, without
# a password, unless it has none.
_CONFIG = {
    "distributed.worker.daemon": True,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}

# Environment variable that each process starts with, which inference obeys.
_VARIABLE = "OMP_NUM_THREADS"
_THREADS = f"distributed.nanny.pre-spawn-environ.{_VARIABLE}"


@contextmanager
def cluster_client(
    processes: int | None = None, scheduler: str | None = None
) -> Iterator[Any]:
    """Give a client of processes on this machine, or of a cluster that runs already.

    The processes end with the block, and with the process that started them, however
    it ends. There is no dashboard.

    Parameters
    ----------
    processes
        Number of processes, each of one thread; as many as cores if None.
    scheduler
        Address of a scheduler of dask.distributed to work on instead. It is trusted:
        it gets the data, and what it returns is unpickled, which can run code here.

    Raises
    ------
    ConnectionError
        If there is no scheduler at the address.
    ModuleNotFoundError
        If a package of the extra `distributed` is missing.
    """
    from distributed import Client, LocalCluster

    if scheduler is not None:
        with _connected(scheduler) as client:
            yield client
        return
    cores = usable_cores()
    count = processes or cores
    # They share the cores; dask would give one to each.
    threads = {_THREADS: max(1, cores // count)}
    with _own_environment(), dask.config.set(_CONFIG | threads):
        with _interrupts_later():
            cluster = LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                host=_HOST,
                security=_certificate(),
                dashboard_address=None,
                # What goes wrong in them reaches the caller.
                silence_logs=logging.CRITICAL,
                scheduler_kwargs={
                    "dashboard_address": f"{_HOST}:0",
                    "dashboard": False,
                },
            )
        with cluster, Client(cluster) as client:
            yield client


@contextmanager
def _own_environment() -> Iterator[None]:
    """Undo at the end what dask does to the environment of this process.

    It sets here what the processes are to start with, and leaves it there: inference
    here, and clusters that are made later, would obey it.
    """
    before = os.environ.get(_VARIABLE)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_VARIABLE, None)
        else:
            os.environ[_VARIABLE] = before


@contextmanager
def _interrupts_later() -> Iterator[None]:
    """Put Ctrl-C off meanwhile; processes that start meanwhile never get it.

    A terminal sends it to all of them. They end with their command all the same, and
    dask, which fails with a traceback if it is interrupted here, is not.
    """
    if not hasattr(signal, "pthread_sigmask"):
        # Windows has none.
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _certificate() -> Any:
    from distributed import Security

    try:
        return Security.temporary()
    except ImportError as error:
        # The name is that of the extra, which the command line says how to install.
        raise ModuleNotFoundError(
            "The processes of a cluster need cryptography to be closed to others: pip "
            'install "hyperspy-hrtemnn[distributed]"',
            name="distributed",
        ) from error


def _connected(scheduler: str) -> Any:
    from distributed import Client

    try:
        # What has no port starts a cluster instead, or fails without a word.
        if ":" not in scheduler:
            raise ValueError("the port is missing")
        # One that fails to connect would stay what dask computes with.
        with Client(scheduler, set_as_default=False):
            pass
        return Client(scheduler)
    except (OSError, ValueError, TypeError) as error:
        raise ConnectionError(
            f"There is no scheduler of dask.distributed at {scheduler!r} that can be "
            'used: give an address such as "tcp://192.168.0.7:8786", as '
            f"dask-scheduler prints it ({error})."
        ) from error
