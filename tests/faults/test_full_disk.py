# SPDX-License-Identifier: GPL-3.0-or-later
"""Full disks: one line that says so, nothing lost, and no crash of HDF5."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from contextlib import contextmanager

import hyperspy.api as hs
import numpy as np
import pytest
import tiny_networks
from disk_states import watched
from typed_commands import calibrated, run

from hyperspy_hrtemnn.atomic import written_whole
from hyperspy_hrtemnn.full_disk import DiskFullError
from hyperspy_hrtemnn.jobs.tracking import track_file
from hyperspy_hrtemnn.options import TrackingOptions
from hyperspy_hrtemnn.signals import HRTEM, Segmentation
from hyperspy_hrtemnn.signals._shared.hspy_file import save_hspy

posix = pytest.mark.skipif(os.name == "nt", reason="it has no limits of file size")

# Python 3.11 takes a compiled module that such a limit has cut short for whole, and no
# process after this one could import it.
LIMITED = """
import resource, sys
from hyperspy_hrtemnn import cli
sys.dont_write_bytecode = True
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop()), resource.RLIM_INFINITY))
cli.main()
"""


@contextmanager
def largest_file(size):
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    compiles, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        sys.dont_write_bytecode = compiles


@posix
def test_a_disk_that_is_full_is_one_line_and_nothing_is_lost(tmp_path):
    data = np.random.default_rng(5).uniform(0, 1, (6, 31, 43)).astype(np.float32)
    calibrated(HRTEM(data)).save(tmp_path / "movie.hspy")
    network = tiny_networks.brightness(
        tmp_path / "bright.onnx", standardization_width=4.0
    )
    out = tmp_path / "out" / "seg.hspy"
    frames = out.with_name("seg.hspy.frames")
    command = ["segment", tmp_path / "movie.hspy", "--model", network, "--out", out]
    # A frame has 5.5 kB, the result 30.
    with largest_file(4000):
        check_told(run(*command, code=1), ".npy")
    assert list(frames.glob("*.npy")) == []
    ended = subprocess.run(
        [sys.executable, "-c", LIMITED, *map(str, command), "20000"],
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    # HDF5 used to end the process with signal 11.
    assert ended.returncode == 1
    check_told(ended.stderr, "seg.hspy")
    assert list(out.parent.iterdir()) == [frames]
    assert len(list(frames.glob("*.npy"))) == 6
    run(*command)
    expected = hs.load(tmp_path / "movie.hspy").segment(network)
    np.testing.assert_array_equal(hs.load(out).data, expected.data)
    assert list(out.parent.iterdir()) == [out]


def check_told(text, file):
    (line,) = [line for line in text.splitlines() if "Error" in line]
    assert "Traceback" not in text
    assert "The disk is full, or the system allows no file as large" in line
    assert f"{file} cannot be written" in line
    assert "is kept: make room, and run the same again." in line


@posix
@pytest.mark.parametrize("lazy", [True, False])
@pytest.mark.parametrize("limit", [100, 3000, 30_000])
def test_an_hdf5_file_of_any_length_that_does_not_fit(tmp_path, lazy, limit):
    data = np.random.default_rng(5).uniform(0, 1, (12, 31, 43)).astype(np.float32)
    signal = calibrated(Segmentation(data))
    signal = signal.as_lazy() if lazy else signal
    with largest_file(limit), pytest.raises(OSError, match="File too large"):
        save_hspy(signal, tmp_path / "full.hspy")
    save_hspy(signal, tmp_path / "whole.hspy")
    loaded = hs.load(tmp_path / "whole.hspy")
    assert type(loaded) is Segmentation
    np.testing.assert_array_equal(loaded.data, data)
    assert loaded.axes_manager[1].scale == 0.02


@pytest.mark.parametrize("operation", range(0, 60, 7))
def test_a_disk_that_is_full_at_any_time_loses_nothing(tmp_path, operation):
    data = np.zeros((2, 31, 43), np.float32)
    data[:, 4:14, 6:17] = 1
    source, out = tmp_path / "seg.hspy", tmp_path / "out" / "labels.hspy"
    calibrated(Segmentation(data)).save(source)
    out.parent.mkdir()
    left = [operation]

    def full(event):
        left[0] -= 1
        if left[0] < 0 and event in ("open", "fsync", "os.mkdir"):
            raise OSError(errno.ENOSPC, "No space left on device")

    def track():
        table = out.with_name("table.csv")
        options = TrackingOptions("0.1 nm", probability=0.5)
        track_file(source, out, table=table, options=options)

    with watched(out.parent, full), pytest.raises(DiskFullError, match="disk is full"):
        track()
    track()
    expected = hs.load(source).track_instances("0.1 nm", probability=0.5)
    np.testing.assert_array_equal(hs.load(out).data, expected.data)
    names = {path.name for path in out.parent.iterdir()}
    assert names == {"labels.hspy", "table.csv", "table_frames.csv"}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError("96000 requested and 15328 written"), "The disk is full"),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)), "Your quota of the disk"),
    ],
)
def test_other_words_for_a_full_disk(tmp_path, error, said):
    def write():
        with written_whole(tmp_path / "t.csv"):
            raise error

    with pytest.raises(DiskFullError, match=rf"{said}.*t\.csv cannot be written"):
        write()
