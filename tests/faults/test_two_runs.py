# SPDX-License-Identifier: GPL-3.0-or-later
"""Two runs into one output: the second is refused, and no lock outlives its process."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress

import numpy as np
import pytest
import tiny_networks
from typed_commands import run

from hyperspy_hrtemnn import locks
from hyperspy_hrtemnn.locks import locked
from hyperspy_hrtemnn.signals import HRTEM

HOLDER = """
import sys, time
from pathlib import Path
from hyperspy_hrtemnn.locks import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def another_process_holds(output):
    command = [sys.executable, "-c", HOLDER, str(output)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


@pytest.fixture
def movie(tmp_path):
    rng = np.random.default_rng(5)
    movie = HRTEM(rng.uniform(0, 1, (2, 31, 43)).astype(np.float32))
    for axis in movie.axes_manager.signal_axes:
        axis.scale, axis.units = 0.02, "nm"
    movie.save(tmp_path / "movie.hspy")
    return movie


@pytest.fixture
def network(tmp_path):
    return tiny_networks.brightness(tmp_path / "bright.onnx", standardization_width=4.0)


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if not path.is_dir()}


@pytest.mark.parametrize("name", ["segment", "track", "follow"])
def test_a_second_run_is_refused_before_it_touches_anything(
    movie, network, tmp_path, name
):
    tracking = ("--min-separation", "0.1 nm", "--probability", 0.5)
    more = {
        "segment": ("--model", network),
        "track": tracking,
        "follow": (*tracking, "--model", network),
    }
    out = tmp_path / "out" / "result.hspy"
    command = (name, tmp_path / "movie.hspy", "--out", out, *more[name], "--force")
    with another_process_holds(out) as process:
        before = files(tmp_path)
        told = run(*command, code=1)
        lines = [line for line in told.splitlines() if line]
        assert len(lines) == 1
        assert f"being written by process {process.pid} on" in lines[0]
        assert files(tmp_path) == before
    # The process was killed, and its lock with it.
    run(*command)
    assert out.exists()
    assert not list(out.parent.glob(".*"))


def test_two_outputs_cannot_share_a_table(movie, tmp_path):
    table = tmp_path / "table.csv"
    command = ("track", tmp_path / "movie.hspy", "--min-separation", "0.1 nm")
    more = ("--probability", 0.5, "--out", tmp_path / "out.hspy", "--table", table)
    with another_process_holds(table) as process:
        told = run(*command, *more, code=1)
    assert f"table.csv is being written by process {process.pid} on" in told
    assert not list(tmp_path.glob("out.hspy*"))
    assert not table.exists()


def test_follow_particles_is_refused_as_well(movie, network, tmp_path):
    with (
        another_process_holds(tmp_path / "out"),
        pytest.raises(ValueError, match="is being written by process"),
    ):
        movie.follow_particles(network, tmp_path / "out", min_separation="0.1 nm")
    assert not (tmp_path / "out").exists()


def test_another_thread_is_refused_and_the_same_one_is_not(tmp_path):
    refused = []

    def try_it():
        try:
            with locked(tmp_path / "out"):
                refused.append(False)
        except ValueError:
            refused.append(True)

    with locked(tmp_path / "out"), locked(tmp_path / "deep" / ".." / "out"):
        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join()
    try_it()
    assert refused == [True, False]
    assert [path.name for path in tmp_path.iterdir()] == []


def test_of_many_threads_one_at_a_time_holds_a_lock(tmp_path):
    inside, most, lock = 0, 0, threading.Lock()

    def work():
        nonlocal inside, most
        for _ in range(30):
            with suppress(ValueError), locked(tmp_path / "out"):
                with lock:
                    inside += 1
                    most = max(most, inside)
                with lock:
                    inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", bytes(60), b"hyperspy" + bytes(60)])
def test_a_lock_that_a_power_failure_has_damaged_is_taken(tmp_path, content):
    (tmp_path / ".out.lock").write_bytes(content)
    with locked(tmp_path / "out"):
        pass
    assert not (tmp_path / ".out.lock").exists()


def test_a_file_of_the_user_at_the_name_of_a_lock_is_left_alone(tmp_path):
    lock = tmp_path / ".out.lock"
    lock.write_text("my poem")
    with pytest.raises(ValueError, match="not a lock of this program"):
        locked(tmp_path / "out").__enter__()
    assert lock.read_text() == "my poem"


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_at_the_name_of_a_lock_is_not_followed(tmp_path):
    (tmp_path / "thesis.txt").write_text("")
    (tmp_path / ".out.lock").symlink_to(tmp_path / "thesis.txt")
    with pytest.raises(OSError, match=r"\.out\.lock"):
        locked(tmp_path / "out").__enter__()
    assert (tmp_path / "thesis.txt").read_text() == ""


def test_a_drive_without_locks_is_told_and_written_all_the_same(tmp_path, monkeypatch):
    def cannot(descriptor):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("hyperspy_hrtemnn.locks._lock", cannot)
    monkeypatch.setattr("hyperspy_hrtemnn.locks._NO_LOCKS", {95})
    with (
        pytest.warns(UserWarning, match="no other process writes to out meanwhile"),
        locked(tmp_path / "out"),
    ):
        pass


@pytest.mark.skipif(os.name == "nt", reason="a lock needs the right to write there")
def test_the_lock_of_another_user_holds_as_well(tmp_path, monkeypatch):
    opened = os.open

    def not_mine(path, flags, *more):
        if flags & os.O_RDWR:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, flags, *more)

    with another_process_holds(tmp_path / "out") as process, monkeypatch.context() as m:
        m.setattr(os, "open", not_mine)
        with pytest.raises(ValueError, match=f"by process {process.pid} on"):
            locked(tmp_path / "out").__enter__()


def test_an_output_that_cannot_be_written_is_named_not_its_lock(tmp_path, monkeypatch):
    def refused(path):
        raise FileNotFoundError(2, "No such file or directory", str(path))

    monkeypatch.setattr(locks, "_opened", refused)
    with pytest.raises(FileNotFoundError) as seen, locked(tmp_path / "out"):
        pass
    assert seen.value.filename == str(tmp_path / "out")
