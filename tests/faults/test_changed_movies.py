# SPDX-License-Identifier: GPL-3.0-or-later
"""Movies of an in-situ camera in which a frame arrives or is replaced between runs."""

from __future__ import annotations

import os
import shutil

import hyperspy.api as hs
import numpy as np
import pytest
import tiny_networks
from typed_commands import run

from hyperspy_hrtemnn import load_in_situ
from hyperspy_hrtemnn.checkpoint import Checkpoint
from hyperspy_hrtemnn.jobs.sources import Input
from hyperspy_hrtemnn.signals import HRTEM

FRAMES = 4


def frame_path(folder, number):
    return folder / f"m_Hour_00_Minute_00_Second_00_Frame_{number:04d}.hspy"


def write_frame(folder, number, version):
    """Write a frame of two discs, or in its second version of the second alone."""
    row, column = np.indices((31, 43))
    image = np.random.default_rng(number + 100 * version).normal(5, 0.1, (31, 43))
    if version == 0:
        image[(row - 10) ** 2 + (column - 12) ** 2 < 36] += 4
    image[(row - 20) ** 2 + (column - 32) ** 2 < 30] += 4
    signal = HRTEM(image.astype(np.float32))
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = 0.02, "nm"
    path = frame_path(folder, number)
    signal.save(path, overwrite=True)
    # So that a frame which is written again within the clock's tick is another.
    os.utime(path, ns=(10**18, 10**18 + 1000 * version + number))


@pytest.fixture
def movie(tmp_path):
    """A movie without its second frame."""
    for number in range(FRAMES):
        if number != 1:
            write_frame(tmp_path / "movie", number, 0)
    return tmp_path / "movie"


@pytest.fixture
def command(movie, tmp_path):
    """Arguments of each command, but for its output."""
    network = tiny_networks.brightness(
        tmp_path / "bright.onnx", standardization_width=4.0
    )
    tracking = ("--min-separation", "0.1 nm", "--no-drift")
    return {
        "segment": ("segment", movie, "--model", network),
        "track": ("track", movie, *tracking, "--probability", "0.5"),
        "follow": ("follow", movie, "--model", network, *tracking),
    }


def written(monkeypatch, name):
    """Return which frames are made from now on."""
    numbers = []
    method = "write_record" if name == "follow" else "write"
    write = getattr(Checkpoint, method)

    def note(self, number, content):
        if self.folder.name.endswith("frames"):
            numbers.append(number)
        write(self, number, content)

    monkeypatch.setattr(Checkpoint, method, note)
    return numbers


def stopped(monkeypatch, arguments, out):
    """Run a command up to where all frames are finished but nothing else."""

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("hyperspy_hrtemnn.jobs.segmenting.finish", stop)
        patch.setattr("hyperspy_hrtemnn.jobs.tracking.finish", stop)
        patch.setattr("hyperspy_hrtemnn.jobs.following.write_csv", stop)
        run(*arguments, "--out", out, code=130)


def as_probabilities(movie):
    """Make the frames that are not a segmentation one."""
    for path in movie.iterdir():
        frame = hs.load(path)
        if frame.data.max() > 1:
            frame.data = (frame.data > 7).astype(np.float32)
            frame.save(path, overwrite=True)


def arrives(movie):
    write_frame(movie, 1, 0)


def is_replaced(movie):
    write_frame(movie, 2, 1)


def goes(movie):
    frame_path(movie, 2).unlink()


# What is done anew of 4, 3 and 2 frames; ids depend on all earlier frames.
CHANGES = [
    (arrives, [1], [1, 2, 3]),
    (is_replaced, [1], [1, 2]),
    (goes, [], [1]),
]


@pytest.mark.parametrize("name", ["segment", "track", "follow"])
@pytest.mark.parametrize(("change", "alone", "linked"), CHANGES)
def test_what_changed_is_done_anew_and_the_rest_is_kept(
    movie, command, tmp_path, monkeypatch, name, change, alone, linked
):
    if name == "track":
        as_probabilities(movie)
    out = tmp_path / "out" / ("followed" if name == "follow" else "result.hspy")
    stopped(monkeypatch, command[name], out)
    change(movie)
    if name == "track":
        as_probabilities(movie)
    numbers = written(monkeypatch, name)
    run(*command[name], "--out", out)
    assert sorted(numbers) == (linked if name == "track" else alone)
    anew = tmp_path / "anew" / out.name
    run(*command[name], "--out", anew)
    if name == "follow":
        for table in ("properties.csv", "frames.csv"):
            assert (out / table).read_bytes() == (anew / table).read_bytes()
        out, anew = out / "particles.hspy", anew / "particles.hspy"
    np.testing.assert_array_equal(hs.load(out).data, hs.load(anew).data)


def test_a_movie_that_was_copied_or_moved_within_its_folder_is_the_same(
    movie, command, tmp_path, monkeypatch
):
    out = tmp_path / "out.hspy"
    stopped(monkeypatch, command["segment"], out)
    inside = movie / "Hour_00" / "Minute_00"
    inside.mkdir(parents=True)
    for path in list(movie.glob("*.hspy")):
        shutil.copy2(path, inside / path.name)
        path.unlink()
    numbers = written(monkeypatch, "segment")
    run(*command["segment"], "--out", out)
    assert numbers == []


def test_another_pixel_size_in_the_first_frame_is_another_job(
    movie, command, tmp_path, monkeypatch
):
    out = tmp_path / "out.hspy"
    stopped(monkeypatch, command["segment"], out)
    first = hs.load(frame_path(movie, 0))
    for axis in first.axes_manager.signal_axes:
        axis.scale = 0.021
    first.save(frame_path(movie, 0), overwrite=True)
    told = run(*command["segment"], "--out", out, code=1)
    assert "their sides was [[0.02, 'nm']" in told


def followed(movie, network, folder):
    return movie.follow_particles(
        network,
        folder,
        min_separation="0.1 nm",
        drift=False,
        show_progressbar=False,
    )


@pytest.fixture
def network(tmp_path):
    return tiny_networks.brightness(tmp_path / "net.onnx", standardization_width=4.0)


def test_the_method_refuses_a_movie_of_which_a_frame_in_between_was_replaced(
    movie, network, tmp_path
):
    write_frame(movie, 1, 0)
    for _ in range(2):
        followed(load_in_situ(movie), network, tmp_path / "out")
    write_frame(movie, 1, 1)
    with pytest.raises(ValueError, match="files and times of its frames was"):
        followed(load_in_situ(movie), network, tmp_path / "out")


def test_the_method_tells_parts_of_a_movie_whose_ends_are_alike(
    movie, network, tmp_path
):
    for number in (1, 4, 5):
        shutil.copy2(frame_path(movie, 0), frame_path(movie, number))
    whole = load_in_situ(movie)
    # Frames 0, 0, 2, 3, 0, 0: the ends of these two parts are the same.
    for _ in range(2):
        followed(whole.inav[0:5], network, tmp_path / "out")
    with pytest.raises(ValueError, match="files and times of its frames was"):
        followed(whole.inav[1:6], network, tmp_path / "out")


def test_a_file_that_is_replaced_after_it_was_opened_is_another_input(tmp_path):
    path = tmp_path / "movie.hspy"
    path.write_bytes(b"old")
    source = Input.of(path)
    path.write_bytes(b"new and longer")
    assert source.source(FRAMES).identity["input size"] == 3


@pytest.mark.filterwarnings("ignore:.*frames are missing")
def test_a_frame_that_is_renamed_while_the_folder_is_opened_is_told(movie):
    source = Input.of(movie)
    frame_path(movie, 2).rename(frame_path(movie, 1))
    with pytest.raises(ValueError, match="changed while it was opened"):
        source.check(load_in_situ(movie))
