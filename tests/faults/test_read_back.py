# SPDX-License-Identifier: GPL-3.0-or-later
"""Results that are read back, frames that cannot be read, and threads that end."""

from __future__ import annotations

import threading

import h5py
import hyperspy.api as hs
import numpy as np
import pytest
import tiny_networks
from typed_commands import calibrated, run

from hyperspy_hrtemnn.checkpoint import Checkpoint
from hyperspy_hrtemnn.jobs import outputs
from hyperspy_hrtemnn.signals import HRTEM, Segmentation

FRAMES = 5


@pytest.fixture
def movie(tmp_path):
    data = np.random.default_rng(5).uniform(0, 1, (FRAMES, 31, 43))
    movie = calibrated(HRTEM(data.astype(np.float32)))
    movie.save(tmp_path / "movie.hspy", chunks=(1, 31, 43))
    return tmp_path / "movie.hspy"


@pytest.fixture
def commands(movie, tmp_path):
    network = tiny_networks.brightness(
        tmp_path / "bright.onnx", standardization_width=4.0
    )
    tracking = ("--min-separation", "0.1 nm", "--probability", 0.5)
    out = ("--out", tmp_path / "out.hspy")
    return {
        "segment": ("segment", movie, "--model", network, *out),
        "track": ("track", movie, *tracking, *out),
        "follow": ("follow", movie, "--model", network, *tracking, *out),
    }


def dataset(file):
    (experiment,) = file["Experiments"].values()
    return experiment["data"]


@pytest.mark.parametrize("name", ["segment", "track"])
@pytest.mark.parametrize("damage", ["a bit", "cut off"])
def test_a_result_that_is_another_when_it_is_read_costs_no_frame(
    commands, tmp_path, monkeypatch, name, damage
):
    save = outputs.save_hspy

    def damaged(signal, path, **options):
        save(signal, path, **options)
        if damage == "a bit":
            with h5py.File(path, "r+") as file:
                dataset(file)[3, 4, 5] += 1
        else:
            path.write_bytes(path.read_bytes()[:-2000])

    with monkeypatch.context() as patch:
        patch.setattr(outputs, "save_hspy", damaged)
        told = run(*commands[name], code=1)
    if damage == "a bit":
        assert "out.hspy was written, and image 3 in it is another" in told
    assert not (tmp_path / "out.hspy").exists()
    assert len(list((tmp_path / "out.hspy.frames").glob("*.npy"))) == FRAMES
    with monkeypatch.context() as patch:
        # No frame is made anew.
        patch.setattr(Checkpoint, "write", None)
        run(*commands[name])
    assert hs.load(tmp_path / "out.hspy").data.shape == (FRAMES, 31, 43)
    assert not (tmp_path / "out.hspy.frames").exists()


@pytest.mark.parametrize("name", ["segment", "track"])
def test_frames_that_were_damaged_between_two_runs_are_made_anew(
    commands, tmp_path, monkeypatch, name
):
    def stop(*_):
        raise KeyboardInterrupt

    run(*commands[name])
    expected = hs.load(tmp_path / "out.hspy").data
    with monkeypatch.context() as patch:
        patch.setattr(f"hyperspy_hrtemnn.jobs.{name}ing.finish", stop)
        run(*commands[name], "--force", code=130)
    frames = tmp_path / "out.hspy.frames"
    # As a power failure leaves them: empty, full of zeros, cut off.
    for number, content in ((1, b""), (2, bytes(5500)), (4, b"\x93NUMPY\x01\x00")):
        (frames / f"{number:06d}.npy").write_bytes(content)
    told = run(*commands[name], "--force")
    (line,) = [line for line in told.splitlines() if "Warning: /" in line]
    assert "these finished frames are damaged and are made anew: 1, 2, 4." in line
    np.testing.assert_array_equal(hs.load(tmp_path / "out.hspy").data, expected)


@pytest.mark.parametrize("stage", ["frames", "ids"])
def test_pieces_of_follow_that_were_damaged_are_made_anew(commands, tmp_path, stage):
    run(*commands["follow"])
    out = tmp_path / "out.hspy"
    expected = {path.name: path.read_bytes() for path in out.glob("*.csv")}
    damaged = sorted((out / stage).glob("0*"))[2]
    damaged.write_bytes(bytes(damaged.stat().st_size))
    told = run(*commands["follow"])
    assert f"{stage}: these finished frames are damaged and are made anew: 2." in told
    for name, content in expected.items():
        assert (out / name).read_bytes() == content


@pytest.mark.parametrize("name", ["segment", "track", "follow"])
def test_a_frame_that_cannot_be_read_is_named_by_its_number(commands, movie, name):
    with h5py.File(movie) as file:
        chunk = dataset(file).id.get_chunk_info_by_coord((3, 0, 0))
    with movie.open("r+b") as file:
        file.seek(chunk.byte_offset + chunk.size // 2)
        file.write(b"\xff" * 100)
    if name != "track":
        told = run(*commands[name], "--on-bad-frame", "raise", code=1)
        assert "Error: Frame 3: The image cannot be read" in told
    told = run(*commands[name])
    assert "1 of 5 frames could not be used and are empty: 3 (cannot be read" in told


@pytest.mark.parametrize("name", ["segment", "track", "follow"])
def test_an_interrupted_job_leaves_no_thread_at_work(commands, monkeypatch, name):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "write", stop)
    monkeypatch.setattr(Checkpoint, "write_record", stop)
    before = set(threading.enumerate())
    assert "same command continues" in run(*commands[name], code=130)
    left = set(threading.enumerate()) - before
    assert not [thread for thread in left if "ThreadPool" in thread.name]


def test_a_segmentation_stays_one_through_our_writer(tmp_path):
    data = np.random.default_rng(5).uniform(0, 1, (2, 3, 4)).astype(np.float32)
    signal = calibrated(Segmentation(data))
    signal.metadata.General.title = "a/b"
    outputs.save_hspy(signal, tmp_path / "ours.hspy")
    signal.save(tmp_path / "theirs.hspy")
    ours, theirs = hs.load(tmp_path / "ours.hspy"), hs.load(tmp_path / "theirs.hspy")
    assert type(ours) is type(theirs) is Segmentation
    assert ours.axes_manager.as_dictionary() == theirs.axes_manager.as_dictionary()
    for one in (ours, theirs):
        one.metadata.General.FileIO = None
    assert ours.metadata.as_dictionary() == theirs.metadata.as_dictionary()
