# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of a movie that cannot be used: left out, told once, and in nobody's way."""

from __future__ import annotations

import copy
import threading
import warnings

import dask.array as da
import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import tifffile
import tiny_networks
from click.testing import CliRunner
from distributed import Client
from own_warnings import of_ours
from pandas.testing import assert_frame_equal

from hyperspy_hrtemnn import cli, load_in_situ
from hyperspy_hrtemnn.analysis import ParticleTracker
from hyperspy_hrtemnn.bad_frames import BadFrameError, told
from hyperspy_hrtemnn.checkpoint import Checkpoint
from hyperspy_hrtemnn.signals import HRTEM, LazyHRTEM, Segmentation
from hyperspy_hrtemnn.signals._one_pass import frame_analysis
from hyperspy_hrtemnn.signals._prediction import predictions
from hyperspy_hrtemnn.signals._shared.skipping import FrameRule

FRAMES, HEIGHT, WIDTH = 10, 100, 140
PIXEL = 0.02  # nm
BLANK, SATURATED, UNREADABLE = 2, 5, 6
BAD = [BLANK, SATURATED, UNREADABLE]
GOOD = [number for number in range(FRAMES) if number not in BAD]
SAID = "3 of 10 frames .* 2 .constant., 5 .saturated., 6 .cannot be read: no disk"
TRACK = {"min_separation": "0.4 nm"}
SPECTRA = {"size": "1.2 nm", "apodization": "0.04 nm"}
QUIET = {"show_progressbar": False}


def images():
    """Two discs that move, of which the first is away in the first frames."""
    row, column = np.indices((HEIGHT, WIDTH))
    stack = np.random.default_rng(3).normal(5, 0.1, (FRAMES, HEIGHT, WIDTH))
    fringes = 0.3 * np.cos(2 * np.pi * column * PIXEL / 0.2)
    for frame, image in enumerate(stack):
        for x, first in ((40, 1), (105, 0)):
            disc = np.hypot(row - 48, column - x + 2 * frame) < 20
            if frame >= first:
                image[disc] += 3 + fringes[disc]
    stack[BLANK] = 7
    stack[SATURATED] = 200
    stack[SATURATED, 0, :5] = 3
    return stack.astype(np.float32)


def calibrated(data, signal=HRTEM):
    made = signal(data)
    for axis in made.axes_manager.signal_axes:
        axis.scale, axis.units = PIXEL, "nm"
    (time,) = made.axes_manager.navigation_axes
    time.name, time.scale, time.units = "time", 0.5, "s"
    return made


class Disk:
    """What gives one frame at a time but one, and counts what it was asked for."""

    def __init__(self, data, chunk=1):
        self.data, self.chunk = data, chunk
        self.asked = []
        self.broken = {UNREADABLE}

    def read(self, block_info=None):
        (first, last), *_ = block_info[None]["array-location"]
        self.asked.extend(range(first, last))
        if self.broken & set(range(first, last)):
            raise OSError("no disk")
        return self.data[first:last]

    def movie(self):
        count, *shape = self.data.shape
        chunks = ((self.chunk,) * (count // self.chunk), *((side,) for side in shape))
        lazy = da.map_blocks(
            self.read, chunks=chunks, dtype=np.float32, meta=np.empty((0,) * 3, "f4")
        )
        return calibrated(lazy, LazyHRTEM)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "bright.onnx"
    return tiny_networks.brightness(path, standardization_width=18.0)


@pytest.fixture
def disk():
    return Disk(images())


@pytest.fixture(scope="module")
def without(network):
    """What is found in the movie without the bad frames."""
    movie = calibrated(images()[GOOD])
    segmentation = movie.segment(network, **QUIET)
    particles = segmentation.track_instances(**TRACK, **QUIET)
    spectra = movie.local_fft(particles, **SPECTRA, **QUIET)
    table = particles.properties(movie, **QUIET)
    return segmentation, particles, table, spectra.peak_table("Au", **QUIET)


def as_without(table):
    """Number the frames of a table as if the bad ones had never been."""
    known = table.drop(columns="time")
    return known.assign(frame=[GOOD.index(frame) for frame in known["frame"]])


def test_frames_are_empty_and_told_once_in_the_users_line(disk, network, without):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        segmentation = disk.movie().segment(network)
    assert disk.asked == []
    with pytest.warns(UserWarning, match=SAID) as record:
        segmentation.compute(**QUIET)
    assert [warning.filename for warning in of_ours(record)] == [__file__]
    empty = np.isnan(segmentation.data)
    assert np.flatnonzero(empty.all(axis=(1, 2))).tolist() == BAD
    assert np.flatnonzero(empty.any(axis=(1, 2))).tolist() == BAD
    np.testing.assert_array_equal(segmentation.data[GOOD], without[0].data)
    assert sorted(disk.asked) == list(range(FRAMES))


def test_whoever_computes_a_lazy_result_is_told(disk, network, tmp_path):
    lazy = disk.movie().segment(network)
    with pytest.warns(UserWarning, match=SAID) as record:
        lazy.save(tmp_path / "segmentation.hspy", **QUIET)
    assert len(of_ours(record)) == 1
    with pytest.warns(UserWarning, match=r"1 of 10 frames .* 5 .saturated") as record:
        lazy.inav[4:6].compute(**QUIET)
    assert len(of_ours(record)) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lazy.inav[3:5].compute(**QUIET)
        lazy.inav[:2].compute(**QUIET)


def test_raise_names_frame_and_reason(disk, network):
    movie = disk.movie()
    for number, why in ((BLANK, "constant"), (SATURATED, "saturated")):
        part = movie.inav[number - 1 : number + 1].segment(
            network, on_bad_frame="raise"
        )
        with pytest.raises(BadFrameError, match=f"Frame 1: .*{why}"):
            part.compute(**QUIET)
    part = movie.inav[UNREADABLE:].standardize(on_bad_frame="raise")
    with pytest.raises(BadFrameError, match=r"Frame 0: .*cannot be read: no disk"):
        part.compute(**QUIET)
    with pytest.raises(ValueError, match="on_bad_frame is 'ignore'"):
        movie.segment(network, on_bad_frame="ignore")


def test_one_image_and_movies_of_bad_frames_only_are_errors(network):
    blank = calibrated(images()[[BLANK] * 3])
    with pytest.raises(
        BadFrameError, match=r"^The image is constant: every pixel is 7"
    ):
        blank.inav[1].segment(network, **QUIET)
    with pytest.raises(BadFrameError, match=r"3 of 3 frames .* 0 to 2 \(constant\)"):
        blank.segment(network, **QUIET)
    with pytest.raises(BadFrameError, match="no data"):
        calibrated(blank.data * np.nan).standardize(**QUIET)


def test_what_several_frames_are_made_from_is_read_once(network):
    disk = Disk(images()[: FRAMES // 2 * 2], chunk=2)
    with pytest.warns(UserWarning, match=r"6, 7 .cannot be read"):
        found = disk.movie().segment(network, lazy_output=False, **QUIET)
    assert sorted(disk.asked) == list(range(FRAMES))
    assert np.isnan(found.data).all(axis=(1, 2)).nonzero()[0].tolist() == [2, 5, 6, 7]
    disk.broken = set()
    disk.asked.clear()
    movie = disk.movie()
    less = movie - movie.mean(axis=0)
    less.set_signal_type("HRTEM")
    less.segment(network).compute(**QUIET)
    # Without this, each frame would read all of them.
    assert len(disk.asked) <= 2 * FRAMES


def test_a_mean_over_a_frame_that_cannot_be_read_is_an_error(disk, network):
    less = disk.movie() - disk.movie().mean(axis=0)
    less.set_signal_type("HRTEM")
    with pytest.raises(BadFrameError, match="no disk"):
        less.segment(network).compute(**QUIET)


def test_other_errors_of_a_frame_are_still_errors(disk, network, monkeypatch):
    def predict(network, image, *arguments, **options):
        raise ValueError("the graph is strange")

    monkeypatch.setattr(predictions, "predict", predict)
    with pytest.raises(ValueError, match="Frame 0: the graph is strange"):
        disk.movie().inav[1:2].segment(network).compute(**QUIET)


@pytest.mark.parametrize("lazy", [False, True])
def test_particles_keep_their_ids_over_bad_frames(disk, network, without, lazy):
    with pytest.warns(UserWarning, match=SAID):
        segmentation = disk.movie().segment(network, lazy_output=False, **QUIET)
    source = segmentation.as_lazy() if lazy else segmentation
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        particles = source.track_instances(**TRACK, lazy_output=False, **QUIET)
        table = particles.properties(**QUIET)
    assert particles.metadata.HRTEMNN.Instances.no_data == -1
    assert (particles.data[BAD] == -1).all()
    np.testing.assert_array_equal(particles.data[GOOD], without[1].data)
    assert particles.ids(**QUIET) == [1, 2]
    assert table.attrs["unknown_frames"] == BAD
    assert_frame_equal(
        as_without(table), without[2].drop(columns=["time", "mean_intensity"])
    )
    assert table["time"].tolist() == (0.5 * table["frame"]).tolist()
    # Frames that are empty without being unknown are not in this list.
    assert "unknown_frames" not in without[2].attrs


def test_what_is_asked_of_a_segmentation_knows_of_empty_frames(without):
    data = np.full((FRAMES, HEIGHT, WIDTH), np.nan, np.float32)
    data[GOOD] = without[0].data
    segmentation = calibrated(data, Segmentation)
    segmentation.metadata.HRTEMNN = without[0].metadata.HRTEMNN
    for source in (segmentation, segmentation.as_lazy()):
        mask, area = source.threshold(0.5), source.area(0.5)
        for each in (mask, area):
            if each._lazy:
                each.compute(**QUIET)
        assert not mask.data[BAD].any()
        assert np.flatnonzero(np.isnan(area.data)).tolist() == BAD
        np.testing.assert_allclose(area.data[GOOD], without[0].area(0.5).data)
        columns = source.find_columns("0.4 nm", **QUIET)
        assert columns.attrs["unknown_frames"] == BAD
        assert columns.attrs["frames"] == FRAMES
        expected = without[0].find_columns("0.4 nm", **QUIET)
        assert_frame_equal(as_without(columns), expected.drop(columns="time"))
    with pytest.raises(BadFrameError, match="no data in any of the 3 frames"):
        calibrated(data[BAD], Segmentation).find_columns("0.4 nm", **QUIET)
    data[0, 3, 4] = 7
    with pytest.raises(ValueError, match="probabilities from 0 to 1"):
        segmentation.threshold()


def test_spectra_of_unknown_frames_are_unknown(disk, without):
    labels = np.full((FRAMES, HEIGHT, WIDTH), -1, np.int32)
    labels[GOOD] = without[1].data
    particles = without[1]._deepcopy_with_new_data(labels)
    particles.axes_manager[0].size = FRAMES
    with pytest.warns(UserWarning, match="1 of 10 frames .* 6 .cannot be read"):
        spectra = disk.movie().local_fft(
            particles, **SPECTRA, lazy_output=False, **QUIET
        )
    assert np.flatnonzero(np.isnan(spectra.data).all(axis=(1, 2, 3))).tolist() == BAD
    peaks = spectra.peak_table("Au", **QUIET)
    assert peaks.attrs["unknown_frames"] == BAD
    assert_frame_equal(as_without(peaks), without[3].drop(columns="time"))
    ratios = spectra.brightness_ratio("Au", **QUIET)
    assert ratios.attrs["unknown_frames"] == BAD


def test_zone_axes_of_unknown_frames_are_unknown(tmp_path, disk):
    network = tiny_networks.brightest(tmp_path / "zone.onnx")
    with pytest.warns(UserWarning, match="6 .cannot be read"):
        spectra = disk.movie().local_fft(
            apodization="0.04 nm", lazy_output=False, **QUIET
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tiny network was trained for nothing
        table = spectra.zone_axis_probability(network, **QUIET)
    assert table.attrs["unknown_frames"] == [UNREADABLE]
    # Constant images have empty spectra, which have no rows either.
    assert set(table["frame"]) == {*GOOD, SATURATED}


def follow(movie, network, folder, **options):
    return movie.follow_particles(
        network, folder, **{**TRACK, **SPECTRA, "crystal": "Au", **QUIET, **options}
    )


def assert_followed(result, without):
    particles, properties, reflections = result
    labels = particles.data.compute()
    assert (labels[BAD] == -1).all()
    np.testing.assert_array_equal(labels[GOOD], without[1].data)
    for table, expected in ((properties, without[2]), (reflections, without[3])):
        assert table.attrs["unknown_frames"] == BAD
        assert_frame_equal(as_without(table), expected.drop(columns="time"))


@pytest.fixture
def seen(monkeypatch):
    """The frames that the network is asked about, by their first pixel."""
    pixels = []
    predict = frame_analysis.predict

    def count(network, image, *arguments, **options):
        pixels.append(float(image.counts()[0, 0, 0]))
        return predict(network, image, *arguments, **options)

    monkeypatch.setattr(frame_analysis, "predict", count)
    return pixels


@pytest.mark.parametrize("workers", [1, 3])
def test_following_leaves_them_out(disk, network, without, tmp_path, workers):
    with pytest.warns(UserWarning, match=SAID) as record:
        result = follow(disk.movie(), network, tmp_path, num_workers=workers)
    assert [warning.filename for warning in of_ours(record)] == [__file__]
    assert_followed(result, without)


def test_following_goes_on_behind_them(disk, network, without, tmp_path, seen):
    write = Checkpoint.write_record
    left = iter(range(5))

    def stop(*arguments):
        if next(left, None) is None:
            raise KeyboardInterrupt
        write(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoint, "write_record", stop)
        with pytest.raises(KeyboardInterrupt):
            follow(disk.movie(), network, tmp_path, num_workers=1)
    with pytest.warns(UserWarning, match=SAID):
        result = follow(disk.movie(), network, tmp_path)
    assert_followed(result, without)
    # All is there but what could not be read, which may have come back.
    seen.clear()
    disk.asked.clear()
    with pytest.warns(UserWarning, match=SAID):
        assert_followed(follow(disk.movie(), network, tmp_path), without)
    assert seen == []
    assert disk.asked == [0, FRAMES - 1, UNREADABLE]


def test_a_frame_that_can_be_read_again_is_taken_in(disk, network, tmp_path):
    with pytest.warns(UserWarning, match=SAID):
        follow(disk.movie(), network, tmp_path)
    disk.broken = set()
    disk.data[UNREADABLE] = disk.data[UNREADABLE + 1]
    with pytest.warns(UserWarning, match="2 of 10 frames"):
        particles, table, peaks = follow(disk.movie(), network, tmp_path)
    assert table.attrs["unknown_frames"] == [BLANK, SATURATED]
    assert (particles.data[UNREADABLE].compute() >= 0).all()
    assert set(table.loc[table["frame"] == UNREADABLE, "id"]) == {1, 2}
    assert UNREADABLE in set(peaks["frame"])


def test_following_may_stop_at_them(disk, network, tmp_path):
    with pytest.raises(BadFrameError, match="Frame 2: The image is constant"):
        follow(disk.movie(), network, tmp_path, on_bad_frame="raise", num_workers=1)
    blank = calibrated(disk.data[[BLANK] * 2])
    with pytest.raises(BadFrameError, match=r"2 of 2 frames .* 0, 1 .constant"):
        follow(blank, network, tmp_path / "blank")


def test_movies_that_begin_and_end_with_them(disk, network, tmp_path):
    disk.broken = {0, FRAMES - 1}
    with pytest.warns(UserWarning, match="4 of 10 frames .* 0, 9 .cannot be read"):
        particles, table, _ = follow(disk.movie(), network, tmp_path)
    assert table.attrs["unknown_frames"] == [0, BLANK, SATURATED, FRAMES - 1]
    assert particles.ids(**QUIET) == [1, 2]


def test_processes_give_back_which_frames_they_were(network, without, tmp_path):
    data = images()
    data[UNREADABLE] = np.nan
    movie = calibrated(data)
    with Client(n_workers=1, threads_per_worker=1, dashboard_address=None):
        with pytest.warns(UserWarning, match="3 of 10 .* 2 .constant.*6 .no data"):
            result = follow(movie, network, tmp_path, size=None)
        with pytest.warns(UserWarning, match="3 of 10 .* 2 .constant.*6 .no data"):
            segmentation = movie.segment(network, **QUIET)
    np.testing.assert_array_equal(
        result.particles.data.compute()[GOOD], without[1].data
    )
    np.testing.assert_array_equal(segmentation.data[GOOD], without[0].data)
    error = copy.copy(BadFrameError("It is blank.", "blank"))
    assert (str(error), error.reason) == ("It is blank.", "blank")


def test_no_more_frames_are_in_memory_than_without_them(network, tmp_path):
    alive, most, lock = set(), [0], threading.Lock()
    count = 60

    def read(block_info=None):
        number = block_info[None]["array-location"][0][0]
        with lock:
            alive.add(number)
            most[0] = max(most[0], len(alive))
        if number % 3 == 0:
            alive.discard(number)
            raise OSError("no disk")
        return np.random.default_rng(number).normal(5, 1, (1, 95, 105)).astype("f4")

    lazy = da.map_blocks(
        read,
        chunks=((1,) * count, (95,), (105,)),
        dtype=np.float32,
        meta=np.empty((0,) * 3, "f4"),
    )
    segmentation = calibrated(lazy, LazyHRTEM).segment(network)

    def store(block, block_id=None):
        alive.discard(block_id[0])
        return np.isnan(block).all(keepdims=True)

    empty = segmentation.data.map_blocks(store, chunks=(1, 1, 1), dtype=bool)
    with pytest.warns(UserWarning, match="20 of 60 frames"):
        found = empty.compute(num_workers=2)
    assert found.ravel().sum() == count / 3
    assert most[0] <= 6


@pytest.fixture
def run():
    def invoke(*arguments, code=0):
        result = CliRunner().invoke(cli.main, [str(part) for part in arguments])
        assert result.exit_code == code, result.output
        return result.output

    return invoke


@pytest.fixture
def movie_path(tmp_path):
    data = images()
    data[UNREADABLE] = np.nan
    calibrated(data).save(tmp_path / "movie.hspy")
    return tmp_path / "movie.hspy"


def test_commands_leave_them_out(run, tmp_path, movie_path, network, without):
    said = "3 of 10 frames could not be used and are empty: 2 (constant), 5 (saturated)"
    segmented, tracked = tmp_path / "s.hspy", tmp_path / "t.hspy"
    output = run("segment", movie_path, "--model", network, "--out", segmented)
    assert output.count(f"Warning: {said}, 6 (no data).") == 1
    table = tmp_path / "t.csv"
    options = ("--out", tracked, "--table", table, "--min-separation", "0.4 nm")
    run("track", segmented, *options)
    np.testing.assert_array_equal(hs.load(tracked).data[GOOD], without[1].data)
    assert (hs.load(tracked).data[BAD] == -1).all()
    frames = pd.read_csv(tmp_path / "t_frames.csv")
    assert frames.columns.tolist() == ["frame", "time (s)", "valid", "reason"]
    assert frames.index[~frames["valid"]].tolist() == BAD
    folder = tmp_path / "followed"
    options = ("--model", network, "--out", folder, "--min-separation", "0.4 nm")
    output = run("follow", movie_path, *options)
    assert output.count(f"Warning: {said}") == 1
    frames = pd.read_csv(folder / "frames.csv", keep_default_na=False)
    assert frames["time (s)"].tolist() == [0.5 * frame for frame in range(FRAMES)]
    assert frames["valid"].tolist() == [frame in GOOD for frame in range(FRAMES)]
    reasons = dict(zip(frames["frame"], frames["reason"], strict=True))
    assert [reasons[frame] for frame in BAD] == ["constant", "saturated", "no data"]
    assert {reasons[frame] for frame in GOOD} == {""}
    assert len(pd.read_csv(folder / "properties.csv")) == len(without[2])
    output = run("follow", movie_path, *options)
    assert output.count(f"Warning: {said}") == 1


def test_commands_go_on_behind_them(run, tmp_path, movie_path, network, monkeypatch):
    out = tmp_path / "s.hspy"
    command = ("segment", movie_path, "--model", network, "--out", out)
    write = Checkpoint.write
    # Threads may write all other frames before a bad one stops them, and then nothing
    # would be left to be stopped at.
    monkeypatch.setattr(Checkpoint, "write", lambda *_: None)
    output = run(*command, "--on-bad-frame", "raise", code=1)
    assert "Frame " in output
    assert not out.exists()
    written = []

    def stop(self, number, frame):
        is_frame = self.folder.name != "replaced"
        if is_frame and written:
            raise KeyboardInterrupt
        write(self, number, frame)
        if is_frame:
            written.append(number)

    monkeypatch.setattr(Checkpoint, "write", stop)
    run(*command, "--force", code=130)
    monkeypatch.setattr(Checkpoint, "write", write)
    output = run(*command)
    assert "2 (constant), 5 (saturated), 6 (no data)" in output
    segmentation = hs.load(out)
    assert np.isnan(segmentation.data).all(axis=(1, 2)).nonzero()[0].tolist() == BAD

    tracked = tmp_path / "t.hspy"
    command = ("track", out, "--out", tracked, "--min-separation", "0.4 nm")
    run(*command)
    expected = hs.load(tracked).data
    for stopped_at in (BLANK + 1, UNREADABLE + 1):
        written.clear()

        def stop(self, number, frame, last=stopped_at):
            if number == last:
                raise KeyboardInterrupt
            write(self, number, frame)

        monkeypatch.setattr(Checkpoint, "write", stop)
        run(*command, "--force", code=130)
        monkeypatch.setattr(Checkpoint, "write", write)
        run(*command, "--force")
        np.testing.assert_array_equal(hs.load(tracked).data, expected)


def test_tables_of_a_command_are_checked_before_the_work(run, tmp_path, movie_path):
    data = Segmentation(np.random.default_rng(1).uniform(size=(3, 20, 30)))
    data.save(tmp_path / "uncalibrated.hspy")
    out = tmp_path / "t.hspy"
    for path, table, said in (
        ("uncalibrated.hspy", "t.csv", "not calibrated"),
        ("movie.hspy", "none/t.csv", "There is no folder"),
        ("movie.hspy", "movie.hspy", "the input or --out"),
    ):
        options = ("--min-separation", "3", "--out", out, "--table", tmp_path / table)
        assert said in run("track", tmp_path / path, *options, code=1)
        assert sorted(path.name for path in tmp_path.glob("t.*")) == []


def test_a_file_of_a_camera_that_is_damaged_is_left_out(tmp_path, network):
    folder = tmp_path / "film" / "Hour_00" / "Minute_00" / "Second_00"
    folder.mkdir(parents=True)
    for number, image in enumerate(images()[GOOD][:4]):
        name = f"film_Hour_00_Minute_00_Second_00_Frame_{number:04d}.hspy"
        calibrated(image[np.newaxis]).inav[0].save(folder / name)
        if number == 2:
            (folder / name).write_bytes(b"half a fi")
    movie = load_in_situ(tmp_path / "film")
    with pytest.warns(UserWarning, match=r"1 of 4 frames .* 2 .cannot be read: "):
        particles, table, _ = movie.follow_particles(
            network, tmp_path / "out", **TRACK, **QUIET
        )
    assert table.attrs["unknown_frames"] == [2]
    assert particles.ids(**QUIET) == [1, 2]


def test_pictures_and_files_of_unknown_frames(disk, network, tmp_path):
    with pytest.warns(UserWarning, match=SAID):
        segmentation = disk.movie().segment(network, lazy_output=False, **QUIET)
    particles = segmentation.track_instances(**TRACK, **QUIET)
    particles.to_tiff(tmp_path / "p.tif", **QUIET)
    pages = tifffile.imread(tmp_path / "p.tif")
    np.testing.assert_array_equal(pages, np.maximum(particles.data, 0))
    ax = particles.plot_overlay(calibrated(disk.data), frame=BLANK)
    assert not ax.lines
    curve = particles.plot_properties("area", ids=[2], **QUIET).lines[0]
    gaps = np.flatnonzero(np.isnan(curve.get_ydata())) + curve.get_xdata()[0] / 0.5
    assert gaps.tolist() == BAD
    plt.close("all")


def square(column, size=5):
    labels = np.zeros((12, 40), int)
    labels[3 : 3 + size, column : column + size] = 1
    return labels


@pytest.mark.parametrize("memory", [0, 1])
@pytest.mark.parametrize("drift", [True, np.array([[0, c] for c in (0, 99, 88, 2, 4)])])
def test_unknown_frames_do_not_count(memory, drift):
    nothing = np.full((12, 40), -1)
    frames = [square(10), nothing, nothing, square(12), square(14)]
    tracker = ParticleTracker(memory=memory, drift=drift)
    linked = [tracker.link(frame) for frame in frames]
    assert [int(labels.max()) for labels in linked] == [1, -1, -1, 1, 1]
    for labels in linked[1:3]:
        assert (labels == -1).all()
    again = ParticleTracker.resume(linked[:3], 2, memory=memory, drift=drift)
    np.testing.assert_array_equal(again.link(square(12)), linked[3])
    # An empty frame does count.
    tracker = ParticleTracker(memory=0)
    empty = np.zeros((12, 40), int)
    linked = [tracker.link(frame) for frame in (square(10), empty, square(10))]
    assert linked[2].max() == 2


def test_the_sentence_groups_frames_by_reason():
    reasons = dict.fromkeys(range(200, 203), "blank") | {17: "no data", 300: "blank"}
    assert told(reasons, 1000) == (
        "5 of 1000 frames could not be used and are empty: 17 (no data), 200 to 202, "
        "300 (blank)."
    )
    many = {number: f"cannot be read: file {number}" for number in range(30)}
    assert told(many, 31).endswith("7 (cannot be read: file 7), and 22 more.")


def test_what_can_be_checked_before_the_work_is(disk, network, tmp_path):
    movie = disk.movie()
    for axis in movie.axes_manager.signal_axes:
        axis.units = "s"
    with pytest.raises(ValueError, match="has the unit 's'"):
        follow(movie, network, tmp_path / "folder")
    assert not (tmp_path / "folder").exists()
    assert disk.asked == []
    particles = calibrated(np.ones((3, 8, 9), int), HRTEM)
    particles.set_signal_type("HRTEM_instances")
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
        particles.to_csv(tmp_path / "nowhere" / "table.csv")


def test_what_a_failed_computation_finds_late_is_not_told_with_the_next():
    rule = FrameRule("raise").over((2,))
    began, failed, noted = (threading.Event() for _ in range(3))

    def frame(block_id):
        def look():
            if block_id[0] == 0:
                began.wait(10)
                raise BadFrameError("The image is blank.")
            began.set()
            failed.wait(10)
            rule.replaced.add(block_id, 3, 0)
            rule.skipped.add(1, "blank")
            return np.zeros((1, 4, 5))

        try:
            return rule.result(block_id[:1], look)
        finally:
            if block_id[0] == 1:
                noted.set()

    movie = da.map_blocks(
        frame, chunks=((1, 1), (4,), (5,)), dtype=float, meta=np.empty((0, 0, 0))
    )
    with pytest.raises(BadFrameError, match="Frame 0: The image is blank"):
        movie.compute(scheduler="threads", num_workers=2)
    failed.set()
    assert noted.wait(10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        da.ones(3, chunks=1).sum().compute()
    assert not rule.replaced.take()
    assert not rule.skipped.take()
