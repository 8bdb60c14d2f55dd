# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are whole or as they were, whatever goes wrong while they are written."""

from __future__ import annotations

import ast
import errno
import os
import secrets
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import hyperspy.api as hs
import numpy as np
import pytest

from hyperspy_hrtemnn import atomic
from hyperspy_hrtemnn.atomic import (
    extended_path,
    is_temporary,
    remove_folder,
    written_whole,
)

posix = pytest.mark.skipif(os.name == "nt", reason="Windows does it in another way")

# Writes half of a file and waits to be killed.
KILLED = """
import sys, time
from pathlib import Path
from hyperspy_hrtemnn.atomic import written_whole
with written_whole(Path(sys.argv[1])) as temporary:
    temporary.write_bytes(b"half")
    print("written", flush=True)
    time.sleep(60)
"""

# Writes a file of one letter again and again.
WRITER = """
import sys
from pathlib import Path
from hyperspy_hrtemnn.atomic import written_whole
for _ in range(40):
    with written_whole(Path(sys.argv[1])) as temporary:
        temporary.write_bytes(sys.argv[2].encode() * 3_000_000)
"""


def write(path, content):
    with written_whole(path) as temporary:
        temporary.write_bytes(content)


def written_by_a_killed_process(path):
    """Return what a process leaves that is killed before the file has its name."""
    before = set(path.parent.iterdir())
    command = [sys.executable, "-c", KILLED, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        process.kill()
    (left,) = set(path.parent.iterdir()) - before
    return left


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(b"before")
    return path


@pytest.fixture
def naps(monkeypatch):
    """How long the writer has waited, without waiting."""
    naps = []
    monkeypatch.setattr(time, "sleep", naps.append)
    return naps


def refuse(monkeypatch, times):
    """Let a rename fail as on Windows while another program has the file open."""
    replace, left = Path.replace, [times]

    def refused(self, target):
        if left[0]:
            left[0] -= 1
            raise PermissionError(errno.EACCES, "Access is denied", str(target))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refused)


def test_a_file_takes_its_place_when_it_is_written(path):
    with written_whole(path) as temporary:
        temporary.write_bytes(b"after")
        assert path.read_bytes() == b"before"
        assert temporary.parent == path.parent
        assert temporary.suffix == path.suffix
        assert is_temporary(temporary)
    assert path.read_bytes() == b"after"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()]
)
def test_an_interrupted_file_stays_what_it_was(path, error):
    def interrupt():
        with written_whole(path) as temporary:
            temporary.write_bytes(b"half")
            raise error

    with pytest.raises(type(error)):
        interrupt()
    assert path.read_bytes() == b"before"
    assert list(path.parent.iterdir()) == [path]


def test_a_disk_that_is_full_when_the_file_is_flushed(path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(path, b"after")
    assert path.read_bytes() == b"before"
    assert list(path.parent.iterdir()) == [path]


@posix
def test_a_write_that_the_system_cuts_short(path):
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with (
            pytest.raises(OSError, match=r"requested and|File too large"),
            written_whole(path) as temporary,
            temporary.open("xb") as file,
        ):
            np.save(file, np.zeros(7000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == b"before"
    assert list(path.parent.iterdir()) == [path]


@posix
def test_what_a_killed_process_leaves_is_never_read_and_deleted_later(path):
    left = written_by_a_killed_process(path)
    assert path.read_bytes() == b"before"
    assert left.read_bytes() == b"half"
    assert is_temporary(left)
    write(path, b"after")
    assert path.read_bytes() == b"after"
    assert list(path.parent.iterdir()) == [path]


@posix
def test_what_others_still_write_stays(path):
    name = f".part-{atomic._HOST}-{os.getppid()}-0123abcd.csv"
    other_host = f"{(int(atomic._HOST, 16) + 1) % 0x10000:04x}"
    kept = {path, path.with_name(name)}
    kept.add(path.with_name(f".part-{other_host}-999999-0123abcd.csv"))
    kept.add(path.with_name(".part-of-my-thesis.csv"))
    for one in kept:
        one.write_bytes(b"theirs")
    write(path, b"after")
    assert set(path.parent.iterdir()) == kept


def test_on_windows_only_old_files_count_as_left(path, monkeypatch):
    monkeypatch.setattr(atomic, "_WINDOWS", True)
    # Must not be asked for: on Windows it would be killed.
    monkeypatch.setattr(os, "kill", None)
    old, new = (
        path.with_name(f".part-{atomic._HOST}-4711-{number}.csv")
        for number in ("00000001", "00000002")
    )
    for one in (old, new):
        one.write_bytes(b"half")
    two_days_ago = time.time() - 2 * 86400
    os.utime(old, (two_days_ago, two_days_ago))
    atomic._remove_leftovers.__wrapped__(path.parent)
    assert set(path.parent.iterdir()) == {path, new}


@posix
def test_a_file_is_on_the_disk_before_it_has_its_name_and_then_the_folder(
    path, monkeypatch
):
    steps, sync, replace = [], os.fsync, Path.replace

    def noted_sync(descriptor):
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        steps.append("folder" if is_folder else "file")
        sync(descriptor)

    def noted_replace(self, target):
        steps.append("name")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    write(path, b"after")
    assert steps == ["file", "name", "folder"]
    steps.clear()
    with written_whole(path, lasting=False) as temporary:
        temporary.write_bytes(b"again")
    assert steps == ["file", "name"]


def test_a_drive_that_cannot_be_flushed_is_written_all_the_same(path, monkeypatch):
    def cannot(descriptor):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", cannot)
    write(path, b"after")
    assert path.read_bytes() == b"after"


def test_a_file_that_a_virus_scanner_has_open_is_waited_for(path, monkeypatch, naps):
    refuse(monkeypatch, 3)
    write(path, b"after")
    assert path.read_bytes() == b"after"
    assert len(naps) == 3
    assert naps == sorted(naps)


def test_a_file_that_stays_open_is_named(path, monkeypatch, naps):
    refuse(monkeypatch, 99)
    with pytest.raises(PermissionError, match=r"table\.csv cannot be.*close it there"):
        write(path, b"after")
    assert 1 < sum(naps) < 10
    assert path.read_bytes() == b"before"
    assert list(path.parent.iterdir()) == [path]


@posix
@pytest.mark.parametrize("leads", ["to a file", "nowhere"])
def test_a_link_at_a_temporary_name_is_not_followed(path, monkeypatch, leads):
    thesis = path.with_name("thesis.txt")
    if leads == "to a file":
        thesis.write_bytes(b"years of work")
    trap = path.with_name(f".part-{atomic._HOST}-{os.getpid()}-00000000.csv")
    trap.symlink_to(thesis)
    numbers = iter(["00000000", "00000001"])
    monkeypatch.setattr(secrets, "token_hex", lambda _: next(numbers))
    write(path, b"after")
    assert path.read_bytes() == b"after"
    assert not path.is_symlink()
    assert trap.is_symlink()
    assert thesis.exists() == (leads == "to a file")
    if thesis.exists():
        assert thesis.read_bytes() == b"years of work"


def test_two_processes_at_one_file_leave_the_whole_file_of_one(path):
    write(path, b"a" * 3_000_000)
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), letter])
        for letter in "ab"
    ]
    seen = set()
    while any(process.poll() is None for process in processes):
        content = path.read_bytes()
        assert len(content) == 3_000_000
        assert content.count(content[:1]) == 3_000_000
        seen.add(content[:1])
    assert [process.returncode for process in processes] == [0, 0]
    assert seen <= {b"a", b"b"}
    assert list(path.parent.iterdir()) == [path]


def test_hyperspy_does_not_ask_whether_to_overwrite(tmp_path, monkeypatch, rng):
    monkeypatch.setattr("builtins.input", None)
    path = tmp_path / "particles.hspy"
    # The name that earlier versions wrote to before a file was whole.
    path.with_name(".particles.hspy").write_bytes(b"half")
    data = rng.normal(size=(3, 4, 5))
    for factor in (1, 2):
        with written_whole(path) as temporary:
            hs.signals.Signal2D(factor * data).save(temporary)
        np.testing.assert_array_equal(hs.load(path).data, factor * data)


def test_a_folder_vanishes_at_once(tmp_path, monkeypatch):
    folder = tmp_path / "seg.hspy.frames"
    folder.mkdir()
    (folder / "000001.npy").write_bytes(b"one")
    with monkeypatch.context() as patch:

        def interrupted(*arguments, **options):
            raise KeyboardInterrupt

        patch.setattr(shutil, "rmtree", interrupted)
        with pytest.raises(KeyboardInterrupt):
            remove_folder(folder)
    assert not folder.exists()
    (left,) = tmp_path.iterdir()
    assert is_temporary(left)


@posix
def test_a_link_to_a_folder_is_not_deleted(tmp_path):
    (tmp_path / "disk").mkdir()
    link = tmp_path / "frames"
    link.symlink_to(tmp_path / "disk")
    with pytest.raises(OSError, match="is a link"):
        remove_folder(link)
    assert link.is_symlink()


@pytest.mark.parametrize(
    ("path", "extended"),
    [
        (r"C:\films\a.hspy", r"\\?\C:\films\a.hspy"),
        (r"\\server\films\a.hspy", r"\\?\UNC\server\films\a.hspy"),
        (r"\\?\C:\films\a.hspy", r"\\?\C:\films\a.hspy"),
    ],
)
def test_long_paths_of_windows_have_a_prefix(path, extended):
    assert extended_path(path) == extended


@posix
def test_a_name_as_long_as_the_system_allows_can_be_written(tmp_path):
    path = tmp_path / f"{'n' * 251}.csv"
    write(path, b"after")
    assert path.read_bytes() == b"after"


# Methods of other libraries that write a file, and what they may write into.
WRITERS = {
    "imwrite",
    "savefig",
    "savez",
    "savez_compressed",
    "save_hspy",
    "to_csv",
    "write_bytes",
    "write_text",
}
WHOLE = {"temporary", "packed"}
PACKAGES = ("hyperspy_hrtemnn", "training/hrtemnn_training", "dragonfly_macros")


def test_whatever_writes_a_file_writes_it_whole():
    careless = []
    for package in PACKAGES:
        for path in (Path(__file__).parents[1] / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                called = getattr(node.func, "attr", getattr(node.func, "id", ""))
                names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
                # A table that is given no file is only made into a text.
                a_text = called == "to_csv" and not node.args
                if called in WRITERS and not a_text and not names & WHOLE:
                    careless.append(f"{path.name}:{node.lineno} {called}")
    assert careless == []
