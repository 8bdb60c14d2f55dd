# SPDX-License-Identifier: GPL-3.0-or-later
"""A movie in one pass: as the single methods, bounded, resumable, in processes too."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager

import hyperspy.api as hs
import numpy as np
import pandas as pd
import pytest
import tiny_networks
from click.testing import CliRunner
from distributed import Client
from pandas.testing import assert_frame_equal

from hyperspy_hrtemnn import cli
from hyperspy_hrtemnn.checkpoint import Checkpoint
from hyperspy_hrtemnn.signals import LazyInstances
from hyperspy_hrtemnn.signals._one_pass import frame_analysis
from hyperspy_hrtemnn.signals._shared.runner import results_in_flight
from hyperspy_hrtemnn.signals._shared.skipping import FrameRule

FRAMES, HEIGHT, WIDTH = 5, 100, 140
PIXEL = 0.02  # nm
TRACK = {"min_separation": "0.4 nm", "memory": 1}
SPECTRA = {"size": "1.2 nm", "apodization": "0.04 nm"}
QUIET = {"show_progressbar": False}


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A network that finds what is bright in the whole frame."""
    path = tmp_path_factory.mktemp("network") / "bright.onnx"
    return tiny_networks.brightness(path, standardization_width=18.0)


def fringes(angle):
    row, column = np.indices((HEIGHT, WIDTH)) * PIXEL
    turn = np.radians(angle)
    along = column * np.cos(turn) + row * np.sin(turn)
    return 0.3 * np.cos(2 * np.pi * along / 0.2)


@pytest.fixture(scope="module")
def movie():
    """The first disc rotates, the second is missing once and then without fringes."""
    row, column = np.indices((HEIGHT, WIDTH))
    images = np.random.default_rng(7).normal(5, 0.1, (FRAMES, HEIGHT, WIDTH))
    for frame, image in enumerate(images):
        first = np.hypot(row - 48, column - 40 + 2 * frame) < 22
        image[first] += 3 + fringes(5 * frame)[first]
        second = np.hypot(row - 52, column - 105) < 18
        if frame != 2:
            image[second] += 3 + (fringes(40)[second] if frame < 4 else 0)
    signal = hs.signals.Signal2D(images.astype(np.float32))
    for name, axis in zip("xy", signal.axes_manager.signal_axes, strict=True):
        axis.name, axis.scale, axis.units, axis.offset = name, PIXEL, "nm", 1.0
    (time,) = signal.axes_manager.navigation_axes
    time.name, time.scale, time.units = "time", 0.5, "s"
    signal.set_signal_type("HRTEM")
    return signal


@pytest.fixture(scope="module")
def expected(movie, network):
    """Particles, properties and reflections by the single methods."""
    particles = movie.segment(network, **QUIET).track_instances(**TRACK, **QUIET)
    spectra = movie.local_fft(particles, **SPECTRA, **QUIET)
    return (
        particles,
        particles.properties(movie, **QUIET),
        spectra.peak_table("Au", **QUIET),
    )


def follow(movie, network, folder, **options):
    return movie.follow_particles(
        network, folder, **{**TRACK, **SPECTRA, "crystal": "Au", **QUIET, **options}
    )


def assert_same(result, expected):
    assert type(result.particles) is LazyInstances
    np.testing.assert_array_equal(result.particles.data.compute(), expected[0].data)
    for table, other in zip(result[1:], expected[1:], strict=True):
        assert_frame_equal(table, other, check_exact=True)
        assert table.attrs == other.attrs


@contextmanager
def interrupted(name, count):
    """Press the keys when the method of `Checkpoint` is called after `count` calls."""
    write = getattr(Checkpoint, name)
    left = iter(range(count))

    def stop(*arguments):
        if next(left, None) is None:
            raise KeyboardInterrupt
        write(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoint, name, stop)
        with pytest.raises(KeyboardInterrupt):
            yield


@pytest.fixture
def predicted(monkeypatch):
    """Count the frames that go through the network."""
    counted = []
    predict = frame_analysis.predict

    def count(*arguments, **options):
        counted.append(1)
        return predict(*arguments, **options)

    monkeypatch.setattr(frame_analysis, "predict", count)
    return counted


def test_the_same_as_the_single_methods(movie, network, expected, tmp_path):
    result = follow(movie.as_lazy(), network, tmp_path)
    assert_same(result, expected)
    particles, _, reflections = result
    assert particles.metadata.as_dictionary() == expected[0].metadata.as_dictionary()
    # The movie has what makes this hard.
    assert expected[0].ids(**QUIET) == [1, 2]
    assert set(reflections.loc[reflections["id"] == 2, "frame"]) == {0, 1, 3, 4}
    assert reflections.loc[~reflections["found"], "intensity"].notna().all()
    assert set(reflections.loc[~reflections["found"], "frame"]) >= {4}
    spectrum = movie.local_fft(particles, id=2, **SPECTRA, lazy_output=False, **QUIET)
    other = movie.local_fft(expected[0], id=2, **SPECTRA, **QUIET)
    np.testing.assert_array_equal(spectrum.data, other.data)


def test_the_threshold_is_the_networks(movie, tmp_path):
    network = tiny_networks.brightness(
        tmp_path / "n.onnx",
        standardization_width=18.0,
        threshold=0.995,
        object_weight=9,
    )
    segmentation = movie.segment(network, **QUIET)
    expected = segmentation.track_instances(**TRACK, **QUIET)
    particles, *_ = follow(movie, network, tmp_path / "own", size=None)
    assert particles.metadata.HRTEMNN.Instances.probability == 0.995
    np.testing.assert_array_equal(particles.data.compute(), expected.data)
    others = follow(movie, network, tmp_path / "o", size=None, probability=0.4)
    assert (others.particles.data > 0).sum().compute() > (expected.data > 0).sum()


def test_without_spectra_and_with_one_image(movie, network, expected, tmp_path):
    image = movie.inav[1]
    particles, properties, reflections = follow(image, network, tmp_path, size=None)
    assert reflections is None
    assert particles.data.shape == (HEIGHT, WIDTH)
    alone = image.segment(network, **QUIET).track_instances(**TRACK, **QUIET)
    assert_frame_equal(properties, alone.properties(image, **QUIET))


def test_nothing_to_follow(movie, network, tmp_path):
    with pytest.warns(UserWarning, match="regions below 100 nm² were dropped"):
        particles, properties, reflections = follow(
            movie, network, tmp_path, min_area="100 nm^2"
        )
    assert particles.metadata.HRTEMNN.Instances.dropped_regions > 5
    assert not particles.data.any().compute()
    assert len(properties) == len(reflections) == 0
    assert "area" in properties
    assert "family" in reflections


def test_goes_on_where_it_was_stopped(movie, network, expected, tmp_path, predicted):
    with interrupted("write_record", 2):
        follow(movie, network, tmp_path, num_workers=1)
    # No frame is begun any more.
    assert len(predicted) <= 4
    assert len(list((tmp_path / "frames").glob("*.npz"))) == 2
    predicted.clear()
    with interrupted("write", 3):
        follow(movie, network, tmp_path)  # while ids are given
    assert len(predicted) == FRAMES - 2
    with interrupted("write", FRAMES + 1):
        follow(movie, network, tmp_path)  # while reflections are measured
    assert len(list((tmp_path / "reflections").glob("*.npy"))) == 1
    assert_same(follow(movie, network, tmp_path), expected)
    assert len(predicted) == FRAMES - 2


def test_what_concerns_several_frames_may_change(movie, network, tmp_path, predicted):
    follow(movie, network, tmp_path)
    drift = {"drift": np.zeros((FRAMES, 2)), "search_range": "0.1 nm"}
    changed = {"memory": 0, "min_share": 0.6, "crystal": "Pt", **drift}
    again = follow(movie, network, tmp_path, **changed)
    assert len(predicted) == FRAMES
    anew = follow(movie, network, tmp_path / "anew", **changed)
    assert again.properties["id"].max() == 3
    np.testing.assert_array_equal(again.particles.data, anew.particles.data)
    assert_frame_equal(again.properties, anew.properties)
    assert_frame_equal(again.reflections, anew.reflections)


def test_other_options_and_movies_are_refused(movie, network, tmp_path, predicted):
    follow(movie, network, tmp_path)
    for options, message in (
        ({"size": "1 nm"}, "size was '1.2 nm', now '1 nm'"),
        ({"min_separation": 0.5}, "min_separation was '0.4 nm', now 0.5"),
        ({"tile": 64}, "tile was None, now 64"),
    ):
        with pytest.raises(ValueError, match=message):
            follow(movie, network, tmp_path, **options)
    with pytest.raises(ValueError, match="hash of its first frame was"):
        follow(movie + 1, network, tmp_path)
    assert len(predicted) == FRAMES
    follow(movie, network, tmp_path, size=None, overwrite=True)
    assert len(predicted) == 2 * FRAMES
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "frames").mkdir()
    (tmp_path / "mine" / "frames" / "thesis.txt").touch()
    with pytest.raises(ValueError, match=r"not empty and has no job\.json"):
        follow(movie, network, tmp_path / "mine", overwrite=True)


def test_another_unit_is_refused(movie, network, tmp_path):
    follow(movie, network, tmp_path)
    same = movie.deepcopy()
    for axis in same.axes_manager.signal_axes:
        axis.scale, axis.offset, axis.units = 10 * axis.scale, 10 * axis.offset, "Å"
    with pytest.raises(ValueError, match="unit of the axes was 'nm', now 'Å'"):
        follow(same, network, tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_separation": 0}, "min_separation has to be positive"),
        ({"memory": -1}, "memory is a number of frames"),
        ({"drift": np.zeros((3, 2))}, "drift has 3 rows, and there are 5 frames"),
        ({"size": 0}, "size must be at least one pixel"),
        ({"apodization": "0.3 nm"}, r"all soft edge.*at least 1\.22 nm"),
        ({"apodization": -1}, "apodization has to be a length of 0 or more"),
        ({"false_alarms": 0}, "false_alarms has to be positive"),
        ({"max_rotation": 91}, "max_rotation has to be"),
        ({"crystal": "Unobtainium"}, "not a known crystal"),
    ],
)
def test_bad_options_are_refused_before_the_first_frame(
    movie, network, tmp_path, options, message
):
    with pytest.raises(ValueError, match=message):
        follow(movie, network, tmp_path / "none", **options)
    assert not (tmp_path / "none").exists()


def test_networks_that_do_not_fit(movie, tmp_path):
    two = tiny_networks.convolution(tmp_path / "two.onnx", classes=2)
    with pytest.raises(ValueError, match=r"classes \(.*, .*\); .*Use segment"):
        follow(movie, two, tmp_path)
    series = tiny_networks.convolution(tmp_path / "series.onnx", channels=3)
    with pytest.raises(ValueError, match="takes focal series"):
        follow(movie, series, tmp_path)


def test_a_bad_frame_has_a_number(movie, network, tmp_path):
    bad = movie.deepcopy()
    bad.data[3] = 7
    with pytest.raises(ValueError, match=r"Frame 3: .*constant"):
        follow(bad, network, tmp_path, on_bad_frame="raise")


def test_few_frames_are_in_flight():
    taken, released, lock = [], [], threading.Lock()
    most = 0

    def frames():
        nonlocal most
        for number in range(40):
            taken.append(number)
            with lock:
                most = max(most, len(taken) - len(released))
            yield number, (number,)

    def work(number):
        time.sleep(0.002)
        with lock:
            released.append(number)
        return -number

    rule = FrameRule("raise").over((40,))
    results = dict(results_in_flight(work, frames(), num_workers=3, rule=rule))
    assert results == {number: -number for number in range(40)}
    assert 3 <= most <= 5


def test_progress(movie, network, tmp_path, capsys):
    with interrupted("write_record", 2):
        follow(movie, network, tmp_path)
    follow(movie, network, tmp_path, show_progressbar=True)
    bars = capsys.readouterr().err
    # What is done is not counted into the time that is left.
    assert "particles:  40%" in bars
    for title in ("particles", "ids", "following", "reflections"):
        assert f"{title}: 100%" in bars


def test_processes(movie, network, expected, tmp_path, run):
    # What h5py has opened cannot be sent to another process.
    lazy = hs.load(tmp_path / "movie.hspy", lazy=True)
    cluster = {"threads_per_worker": 1, "dashboard_address": None}
    with Client(n_workers=2, **cluster) as client:
        with interrupted("write_record", 2):
            follow(lazy, network, tmp_path / "followed")
        assert_same(follow(lazy, network, tmp_path / "followed"), expected)
        bad = movie.inav[:2].deepcopy()
        bad.data[1] = 7
        with pytest.raises(ValueError, match=r"Frame 1: .*constant"):
            follow(bad, network, tmp_path / "bad", on_bad_frame="raise")
        run("--scheduler", client.scheduler.address)
    labels = hs.load(tmp_path / "out" / "particles.hspy")
    np.testing.assert_array_equal(labels.data, expected[0].data)


@pytest.fixture
def run(movie, network, tmp_path):
    """Call the command on the movie in a file."""
    movie.save(tmp_path / "movie.hspy")
    command = ["follow", tmp_path / "movie.hspy", "--model", network]
    command += ["--out", tmp_path / "out", "--min-separation", "0.4 nm"]
    command += ["--memory", 1, "--apodization", "0.04 nm", "--crystal", "Au"]
    command += ["--search-range", "0.1 nm"]

    def invoke(*more, code=0):
        arguments = [str(part) for part in (*command, *more)]
        result = CliRunner().invoke(cli.main, arguments)
        assert result.exit_code == code, result.output
        return result.output

    return invoke


def test_command_writes_tables_as_parquet_with_their_units(run, tmp_path):
    pytest.importorskip("pyarrow")
    folder = tmp_path / "out"
    options = ("--size", "1.2 nm", "--no-report")
    run(*options, "--parquet")
    for name in ("properties", "reflections"):
        table = pd.read_parquet(folder / f"{name}.parquet")
        written = pd.read_csv(folder / f"{name}.csv")
        assert table.attrs["units"]["time"] == "s"
        written.columns = table.columns
        numbers = table.select_dtypes("number").columns
        assert len(numbers) > 5
        assert_frame_equal(table[numbers], written[numbers], rtol=1e-12)
    run(*options)
    assert not list(folder.glob("*.parquet"))


def test_command_without_pyarrow_says_so_before_the_first_frame(
    run, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "pip install pyarrow" in run("--parquet", code=1)
    assert not (tmp_path / "out" / "frames").exists()


def test_command(run, expected, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoint, "write_record", _press_the_keys)
        assert "same command continues" in run("--size", "1.2 nm", code=130)
    run("--size", "1.2 nm")
    labels = hs.load(tmp_path / "out" / "particles.hspy")
    np.testing.assert_array_equal(labels.data, expected[0].data)
    reflections = pd.read_csv(tmp_path / "out" / "reflections.csv")
    assert len(reflections) == len(expected[2])
    assert "spacing (nm)" in reflections
    properties = pd.read_csv(tmp_path / "out" / "properties.csv")
    np.testing.assert_allclose(properties["area (nm^2)"], expected[1]["area"])
    assert "size was '1.2 nm', now None" in run(code=1)
    run("--force")


def test_command_without_distributed(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert 'pip install "hyperspy-hrtemnn[distributed]"' in run("-n", 2, code=1)


def _press_the_keys(*_):
    raise KeyboardInterrupt
