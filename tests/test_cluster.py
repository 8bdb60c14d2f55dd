# SPDX-License-Identifier: GPL-3.0-or-later
"""Two workers of dask.distributed: the same bytes, one network each, nothing lost."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
import warnings
from concurrent.futures import Future
from contextlib import contextmanager

import hyperspy.api as hs
import numpy as np
import pytest
import tiny_networks
from click.testing import CliRunner

pytest.importorskip("distributed")

from distributed import Client, KilledWorker, LocalCluster
from pandas.testing import assert_frame_equal

from hyperspy_hrtemnn import cli
from hyperspy_hrtemnn.checkpoint import Checkpoint
from hyperspy_hrtemnn.networks import NetworkError, _engine, _threads, load
from hyperspy_hrtemnn.signals._shared import runner
from hyperspy_hrtemnn.signals._shared.skipping import FrameRule

FRAMES, HEIGHT, WIDTH = 7, 90, 130
BLANK = 4
TRACK = {"min_separation": "0.4 nm"}
SPECTRA = {"size": "1.2 nm", "apodization": "0.04 nm"}
SAID = r"1 of 7 frames could not be used and are empty: 4 \(constant\)"
QUIET = {"show_progressbar": False}


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "bright.onnx"
    return tiny_networks.brightness(path, standardization_width=18.0)


@pytest.fixture(scope="module")
def movie():
    """Two discs that move, and a frame that is blank."""
    row, column = np.indices((HEIGHT, WIDTH))
    images = np.random.default_rng(5).normal(5, 0.1, (FRAMES, HEIGHT, WIDTH))
    for frame, image in enumerate(images):
        for x in (35, 95):
            disc = np.hypot(row - 45, column - x + frame) < 20
            image[disc] += 3 + 0.3 * np.cos(0.7 * column[disc])
    images[BLANK] = 7
    made = hs.signals.Signal2D(images.astype(np.float32))
    for name, axis in zip("xy", made.axes_manager.signal_axes, strict=True):
        axis.name, axis.scale, axis.units = name, 0.02, "nm"
    made.set_signal_type("HRTEM")
    return made


@pytest.fixture(scope="module")
def expected(movie, network):
    """Segmentation, particles and spectra without a cluster."""
    with pytest.warns(UserWarning, match=SAID):
        return _by_single_methods(movie, network)


def _by_single_methods(movie, network):
    segmentation = movie.segment(network, num_workers=2)
    particles = segmentation.track_instances(**TRACK)
    spectra = movie.local_fft(particles, id=1, **SPECTRA)
    return segmentation, particles, spectra


@pytest.fixture(scope="module")
def workers():
    with pytest.MonkeyPatch.context() as patch:
        # dask leaves in it what its workers start with.
        patch.setenv("OMP_NUM_THREADS", "1")
        with LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster:
            yield cluster


@pytest.fixture
def client(workers):
    with Client(workers) as client:
        client.wait_for_workers(2)
        client.run(_count_sessions)
        yield client


def _count_sessions():
    """Count from now on how often this process loads a network."""
    made = getattr(_engine._session, "made", _engine._session)

    def session(*arguments, **options):
        session.count += 1
        return made(*arguments, **options)

    session.count, session.made = 0, made
    _engine._session = session


def _sessions():
    return _engine._session.count


@contextmanager
def within(seconds):
    """Give a warning some time to arrive."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield (texts := [])
        until = time.monotonic() + seconds
        while time.monotonic() < until and not caught:
            time.sleep(0.02)
    texts += [str(one.message) for one in caught]


def test_lazy_results_are_the_same_bytes(client, movie, network, expected):
    lazy = _by_single_methods(movie.as_lazy(), network)
    for result, other in zip(lazy, expected, strict=True):
        assert result._lazy
        result.compute(**QUIET)
        np.testing.assert_array_equal(result.data, other.data)
    # At most one without a limit, and one of two threads, however many the frames.
    assert all(1 <= count <= 2 for count in client.run(_sessions).values())


def test_a_network_is_loaded_once_for_all_frames(client, movie, tmp_path):
    path = tiny_networks.brightness(tmp_path / "n.onnx", level=1.5)
    movie.segment(path, num_workers=1, **QUIET)
    assert all(count <= 2 for count in client.run(_sessions).values())


def test_what_workers_note_of_a_lazy_result_is_told(client, movie, network):
    with within(10) as texts:
        segmentation = movie.as_lazy().segment(network)
        segmentation.compute(**QUIET)
    assert texts == ["1 of 7 frames could not be used and are empty: 4 (constant)."]


def test_what_workers_note_is_told_before_the_method_returns(client, movie, network):
    with pytest.warns(UserWarning, match=SAID):
        segmentation = movie.segment(network, **QUIET)
    assert segmentation.metadata.HRTEMNN.Images.bad_pixels == 0
    blank = movie.inav[BLANK : BLANK + 1]
    with pytest.raises(ValueError, match=r"There is no result: .*constant"):
        blank.segment(network, on_bad_frame="skip", **QUIET)


def test_workers_that_cannot_read_the_file_are_sent_it(client, movie, tmp_path):
    path = tiny_networks.brightness(tmp_path / "n.onnx", level=1.2)
    network = load(path)
    batch = np.random.default_rng(1).normal(size=(1, 1, 20, 30)).astype(np.float32)
    expected = network.predict(batch)
    path.unlink()
    with pytest.raises(NetworkError, match=r"no file .*Network\.send gives it"):
        client.submit(network.predict, batch, pure=False).result()
    network.send(client)
    found = client.submit(network.predict, batch, pure=False).result()
    np.testing.assert_array_equal(found, expected)


def test_the_scheduler_does_not_open_a_network(tmp_path, monkeypatch):
    path = tiny_networks.brightness(tmp_path / "n.onnx", level=0.8)
    network = load(path).averaged().limited(1)
    monkeypatch.setattr(_engine, "_session", None)
    # It reads a task and writes it again, perhaps on a machine without the file.
    content = path.read_bytes()
    path.unlink()
    handed_on = pickle.dumps(pickle.loads(pickle.dumps(network)))  # noqa: S301
    monkeypatch.undo()
    path.write_bytes(content)
    there = pickle.loads(handed_on)  # noqa: S301
    assert (there.name, there.is_averaged, there.has_spread) == ("tiny", True, False)
    assert there._engine.num_workers == 1
    assert there.path == network.path


def test_inference_has_the_threads_of_its_worker(monkeypatch):
    monkeypatch.setattr(_threads, "usable_cores", lambda: 8)
    # What dask sets, however many threads a worker has.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(_threads, "_of_worker", 0)
    assert _threads.inference_threads() == 1
    _threads.share_cores(3)
    assert _threads.inference_threads() == 3
    assert _threads.inference_threads(2) == 2
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert _threads.inference_threads() == 5
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert _threads.inference_threads() == 3


def test_workers_do_not_take_the_cores_of_others(client, movie, network):
    movie.inav[:2].segment(network, **QUIET)
    assert set(client.run(_threads.inference_threads).values()) == {1}


def test_a_worker_that_is_killed_loses_nothing(
    client, movie, network, tmp_path, monkeypatch
):
    options = {**TRACK, **SPECTRA, **QUIET}
    with dask_here(), pytest.warns(UserWarning, match=SAID):
        whole = movie.follow_particles(network, tmp_path / "whole", **options)
    pids = client.run(os.getpid)
    write, killed = Checkpoint.write_record, []

    def kill_one(checkpoint, number, record):
        write(checkpoint, number, record)
        if not killed:
            killed.append(pids.popitem()[1])
            os.kill(killed[0], signal.SIGKILL)

    monkeypatch.setattr(Checkpoint, "write_record", kill_one)
    with pytest.warns(UserWarning, match=SAID):
        found = movie.follow_particles(network, tmp_path / "killed", **options)
    assert killed
    np.testing.assert_array_equal(found.particles.data, whole.particles.data)
    assert_frame_equal(found.properties, whole.properties, check_exact=True)
    assert_frame_equal(found.reflections, whole.reflections, check_exact=True)


@contextmanager
def dask_here():
    import dask

    with dask.config.set(scheduler="threads"):
        yield


def test_frames_in_flight_follow_the_workers(client, monkeypatch):
    """A queue gives workers one after the other."""
    taken = []
    monkeypatch.setattr(runner, "_count_workers", lambda _: min(len(taken), 5))

    def frames():
        for number in range(12):
            taken.append(number)
            yield number, (number,)

    rule = FrameRule("raise").over((12,))
    results = runner.results_in_flight(abs, frames(), None, rule)
    with pytest.warns(UserWarning, match="has no workers yet"):
        found = [next(results)]
    # Two while there is no worker, and then one more than there are workers.
    assert 6 <= len(taken) <= 8
    found += results
    assert sorted(found) == [(number, number) for number in range(12)]


def test_a_frame_that_kills_its_workers_is_named():
    future = Future()
    future.set_exception(KilledWorker("abs", None, 3))
    rule = FrameRule("skip").over((7,))
    with pytest.raises(ValueError, match=r"Frame 2: 4 workers died .*memory"):
        list(runner._finished({future: 2}, rule))


@pytest.fixture
def segmented(workers, tmp_path):
    """Segment a signal by the command, in threads and on the cluster."""

    def segment(given, network):
        given.save(tmp_path / "given.hspy")
        shared = ["segment", tmp_path / "given.hspy", "--model", network]
        outputs, texts = [], []
        for more in ([], ["--scheduler", workers.scheduler_address]):
            out = tmp_path / f"{len(outputs)}.hspy"
            arguments = [*shared, "--no-report", "--out", out, *more]
            done = CliRunner().invoke(cli.main, [str(part) for part in arguments])
            assert done.exit_code == 0, done.output
            outputs.append(hs.load(out))
            texts.append(done.output)
        return outputs, texts

    return segment


@pytest.mark.parametrize("classes", [1, 3])
def test_the_command_segments_on_a_cluster(segmented, movie, tmp_path, classes):
    network = tiny_networks.convolution(tmp_path / "n.onnx", classes=classes)
    (here, there), texts = segmented(movie, network)
    np.testing.assert_array_equal(there.data, here.data)
    assert np.isnan(there.data[BLANK]).all()
    assert (
        there.metadata.HRTEMNN.as_dictionary() == here.metadata.HRTEMNN.as_dictionary()
    )
    assert all("4 (constant)" in text for text in texts)


def test_the_command_segments_a_focal_series_on_a_cluster(segmented, movie, tmp_path):
    network = tiny_networks.convolution(tmp_path / "n.onnx", channels=3)
    series = movie.inav[:3].deepcopy()
    axis = series.axes_manager.navigation_axes[0]
    axis.name, axis.units = "defocus", "nm"
    (here, there), _ = segmented(series, network)
    assert there.data.shape == (HEIGHT, WIDTH)
    np.testing.assert_array_equal(there.data, here.data)


def test_nobody_imports_distributed_to_learn_that_there_is_no_client():
    code = (
        "import sys; from hyperspy_hrtemnn.signals._shared.workers import cluster\n"
        "print(cluster(), 'distributed' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    assert run.stdout.split() == ["None", "False"]
