# SPDX-License-Identifier: GPL-3.0-or-later
"""Long jobs that are killed at each of their file operations, and go on."""

from __future__ import annotations

import signal as signals
import subprocess
import sys
from contextlib import nullcontext

import hyperspy.api as hs
import numpy as np
import pytest
import tiny_networks
from disk_states import States, watched
from matplotlib.figure import Figure

from hyperspy_hrtemnn.atomic import is_temporary
from hyperspy_hrtemnn.jobs import segmenting
from hyperspy_hrtemnn.jobs.following import follow_file
from hyperspy_hrtemnn.jobs.segmenting import segment_file
from hyperspy_hrtemnn.jobs.tracking import track_file
from hyperspy_hrtemnn.options import (
    PredictionOptions,
    SpectrumOptions,
    TrackingOptions,
)
from hyperspy_hrtemnn.signals import HRTEM

FRAMES = 2


@pytest.fixture(scope="module")
def movie(tmp_path_factory):
    """Two bright discs, one of which moves."""
    row, column = np.indices((31, 43))
    frames = np.random.default_rng(3).normal(5, 0.1, (FRAMES, 31, 43))
    for number, frame in enumerate(frames):
        frame[(row - 10) ** 2 + (column - 12 - number) ** 2 < 36] += 4
        frame[(row - 20) ** 2 + (column - 32) ** 2 < 30] += 4
    signal = HRTEM(frames.astype(np.float32))
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = 0.02, "nm"
    path = tmp_path_factory.mktemp("movie") / "movie.hspy"
    signal.save(path)
    return path


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "bright.onnx"
    return tiny_networks.brightness(path, standardization_width=4.0)


@pytest.fixture(scope="module")
def jobs(movie, network, tmp_path_factory):
    """Each job as a function of the folder that it writes into."""
    segmentation = tmp_path_factory.mktemp("seg") / "seg.hspy"
    options = PredictionOptions()
    segment_file(movie, str(network), segmentation, options=options)
    tracking = TrackingOptions("0.1 nm", drift=False)

    def segment(folder):
        segment_file(movie, str(network), folder / "seg.hspy", options=options)

    def track(folder):
        table = folder / "table.csv"
        out = folder / "labels.hspy"
        track_file(segmentation, out, table=table, options=tracking)

    def follow(folder):
        follow_file(
            movie,
            str(network),
            folder / "followed",
            sampling=None,
            processes=None,
            scheduler=None,
            running=options,
            tracking=tracking,
            spectra=SpectrumOptions(None),
            crystal=None,
            on_bad_frame=None,
            overwrite=False,
        )

    return {"segment": segment, "track": track, "follow": follow}


def results(folder):
    """Return what a user reads of a result: arrays of images, and bytes of tables."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".hspy" and not is_temporary(path):
            found[path.name] = hs.load(path).data
        elif path.suffix == ".csv" and not is_temporary(path):
            found[path.name] = path.read_bytes()
    return found


def left(folder):
    """Return what else there is, but for what another process deletes later."""
    names = {path.name for path in folder.iterdir() if not is_temporary(path)}
    return names - {"followed"}


def frames_of(folder):
    """Return whether there are frames that wait for the result."""
    return list(folder.glob("*.frames")) or (folder / "followed").exists()


@pytest.mark.parametrize("name", ["segment", "track", "follow"])
def test_a_job_that_is_killed_at_any_file_operation_goes_on_to_the_same(
    jobs, name, tmp_path, monkeypatch
):
    monkeypatch.setattr(segmenting, "_FRAMES_AT_ONCE", 1)
    job, whole, copies = jobs[name], tmp_path / "whole", tmp_path / "copies"
    whole.mkdir()
    states = States(whole, copies)
    with watched(whole, states.add):
        job(whole)
    expected = results(whole)
    assert expected
    assert left(whole) <= set(expected)
    assert states.operations > 30
    assert len(states.copies) > 5
    for folder in states.copies.values():
        # A result that is there is whole, whenever the kill came.
        for file, content in results(folder).items():
            np.testing.assert_array_equal(content, expected[file])
        # If all was done, it is refused like any job that is done.
        done = results(folder).keys() == expected.keys() and not frames_of(folder)
        with pytest.raises(ValueError, match="exists") if done else nullcontext():
            job(folder)
        assert left(folder) == left(whole)
        found = results(folder)
        assert found.keys() == expected.keys()
        for file, content in expected.items():
            np.testing.assert_array_equal(found[file], content, str(folder))


def write_something(_, path, **__):
    path.write_bytes(b"drawn")


def report_of(folder):
    """Return the content of all files of a report but the list of them.

    Wherever it is: the page says it.
    """
    place = str(folder.parent).encode()
    return {
        path.relative_to(folder): path.read_bytes().replace(place, b"PLACE")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "outputs.json" and not is_temporary(path)
    }


def test_a_report_that_is_killed_at_file_operations_goes_on_to_the_same(
    jobs, movie, network, tmp_path, monkeypatch
):
    """At every third state of the disk, since each is followed by a whole run."""
    # What is drawn does not matter here, and takes seconds.
    monkeypatch.setattr(Figure, "savefig", write_something)
    segmentation = tmp_path / "seg.hspy"
    segment_file(movie, str(network), segmentation, options=PredictionOptions())

    def job(folder):
        options = TrackingOptions("0.1 nm", drift=False)
        track_file(segmentation, folder / "p.hspy", options=options, report=True)

    whole, copies = tmp_path / "whole", tmp_path / "copies"
    whole.mkdir()
    states = States(whole, copies)
    with watched(whole, states.add):
        job(whole)
    expected = report_of(whole / "p_report")
    assert len(expected) > 8
    begun = [
        folder
        for folder in states.copies.values()
        if (folder / "p_report").exists() and frames_of(folder)
    ]
    assert len(begun) > 20
    for folder in begun[::3]:
        job(folder)
        assert report_of(folder / "p_report") == expected
        assert {path.name for path in folder.iterdir()} == {"p.hspy", "p_report"}


KILLED = """
import os, signal, sys
from pathlib import Path
from hyperspy_hrtemnn import cli
from hyperspy_hrtemnn.atomic import Path as _Path
replace, left = _Path.replace, [int(sys.argv.pop())]
def killed(self, target):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(self, target)
_Path.replace = killed
cli.main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL there")
def test_a_job_that_is_really_killed_goes_on(jobs, movie, network, tmp_path):
    whole, folder = tmp_path / "whole", tmp_path / "killed"
    command = ["follow", movie, "--model", network, "--out", folder / "followed"]
    command += ["--min-separation", "0.1 nm", "--no-drift"]
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, *map(str, command), "2"],
        check=False,
        capture_output=True,
    )
    assert ended.returncode == -signals.SIGKILL, ended.stderr
    assert left(folder) == {".followed.lock"}
    for one in (whole, folder):
        one.mkdir(exist_ok=True)
        jobs["follow"](one)
    expected, found = results(whole), results(folder)
    assert found.keys() == expected.keys()
    for file, content in expected.items():
        np.testing.assert_array_equal(found[file], content)
    # What the killed process left has been deleted by this one.
    assert not any(is_temporary(path) for path in folder.rglob("*"))
    assert not left(folder)
