# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of a command: nobody else gets in, and none is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import dask
import pytest

pytest.importorskip("distributed")
pytest.importorskip("cryptography")

from distributed import Security
from distributed.comm import connect

from hyperspy_hrtemnn.cluster import cluster_client
from hyperspy_hrtemnn.cores import usable_cores

linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="looks into /proc"
)


@pytest.fixture(scope="module")
def client():
    with cluster_client(1) as client:
        yield client


async def enter(address: str, security: Security) -> None:
    """Talk to a scheduler or a worker as its client does, but for the credentials."""
    options = security.get_connection_args("client")
    comm = await connect(address, timeout=5, **options)
    await comm.write({"op": "identity", "reply": True})
    await comm.read()


@pytest.mark.parametrize(
    ("protocol", "security"),
    [("tcp", Security), ("tls", Security), ("tls", Security.temporary)],
    ids=["plain", "no certificate", "a certificate of their own"],
)
def test_a_stranger_does_not_get_in(client, protocol, security) -> None:
    worker = next(iter(client.scheduler_info()["workers"]))
    for address in (client.scheduler.address, worker):
        there = address.replace("tls", protocol)
        with pytest.raises((OSError, TypeError)):
            asyncio.run(enter(there, security()))
    asyncio.run(enter(client.scheduler.address, client.security))
    assert client.submit(sum, (1, 2)).result() == 3  # it is still there for its owner


def test_its_processes_share_the_cores(client) -> None:
    said = client.run(os.environ.get, "OMP_NUM_THREADS")
    assert set(said.values()) == {str(usable_cores())}


@pytest.mark.parametrize("before", [None, "3"])
def test_the_environment_of_this_process_is_as_it_was(monkeypatch, before) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if before is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", before)
    with cluster_client(1):
        pass
    assert os.environ.get("OMP_NUM_THREADS") == before


def listening(process: int) -> list[tuple[str, int]]:
    """Return the addresses, in hexadecimal digits, and ports a process listens on."""
    inodes = set()
    for link in Path(f"/proc/{process}/fd").iterdir():
        try:
            target = str(link.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = []
    for table in ("tcp", "tcp6"):
        path = Path(f"/proc/{process}/net/{table}")
        rows = path.read_text().splitlines()[1:] if path.exists() else []
        for row in rows:
            fields = row.split()
            if fields[3] == "0A" and fields[9] in inodes:
                address, port = fields[1].split(":")
                found.append((address, int(port, 16)))
    return found


@linux
def test_all_of_its_sockets_are_of_this_machine_and_show_no_page(client) -> None:
    import urllib.error
    import urllib.request

    sockets = listening(os.getpid())
    for process in client.run(os.getpid).values():
        sockets += listening(process)
    assert len(sockets) >= 3  # scheduler, nanny, worker
    assert {address for address, _ in sockets} == {"0100007F"}  # 127.0.0.1
    for _, port in sockets:
        for page in ("", "status", "info/main/workers.html", "metrics", "json/x"):
            with pytest.raises((OSError, ValueError, urllib.error.URLError)):
                urllib.request.urlopen(
                    f"http://127.0.0.1:{port}/{page}", timeout=2
                ).read()


ENDLESS = """
import os, sys, time
from hyperspy_hrtemnn.cluster import cluster_client

def busy(_):
    while True:
        sum(range(1000))

if __name__ == "__main__":
    with cluster_client(2) as client:
        workers = client.run(os.getpid).values()
        tasks = client.map(busy, range(4))
        print(*workers, flush=True)
        time.sleep(300)
"""


@linux
def test_no_process_is_left_when_the_command_is_killed(tmp_path) -> None:
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS, encoding="utf-8")
    command = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE)
    workers = [int(number) for number in command.stdout.readline().split()]
    assert len(workers) == 2
    command.send_signal(signal.SIGKILL)
    command.communicate()
    until = time.monotonic() + 60
    while any(map(is_running, workers)):
        assert time.monotonic() < until, "a worker outlived its command"
        time.sleep(0.1)


def is_running(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("address", ["nonsense", "", "pigeon://x", "tcp://127.0.0.1:x"])
def test_an_address_without_a_scheduler_is_named(address) -> None:
    before = dask.config.get("scheduler", None)
    with (
        pytest.raises(ConnectionError, match="There is no scheduler of"),
        cluster_client(scheduler=address),
    ):
        pass
    assert dask.config.get("scheduler", None) == before


def test_without_cryptography_there_is_no_open_cluster_instead(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with (
        pytest.raises(ModuleNotFoundError, match="need cryptography to be closed"),
        cluster_client(1),
    ):
        pass
