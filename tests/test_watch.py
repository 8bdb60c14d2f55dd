# SPDX-License-Identifier: GPL-3.0-or-later
"""Movies that are watched: frames as they come, and in the end what `follow` finds."""

from __future__ import annotations

import http.client
import os
import shutil

import hyperspy.api as hs
import numpy as np
import pandas as pd
import pytest
import tifffile
import tiny_networks
from click.testing import CliRunner
from test_in_situ import frame_path

import hyperspy_hrtemnn
from hyperspy_hrtemnn import cli
from hyperspy_hrtemnn.io.arriving_files import ArrivingFiles
from hyperspy_hrtemnn.io.growing_file import GrowingFile
from hyperspy_hrtemnn.jobs import watched_movie
from hyperspy_hrtemnn.jobs.following import FollowSettings
from hyperspy_hrtemnn.jobs.live_server import served
from hyperspy_hrtemnn.jobs.watched_movie import WatchedMovie
from hyperspy_hrtemnn.options import (
    PredictionOptions,
    SpectrumOptions,
    TrackingOptions,
)
from hyperspy_hrtemnn.signals._one_pass import frame_analysis
from hyperspy_hrtemnn.watch_command import watch as watch_command

FRAMES, HEIGHT, WIDTH = 6, 80, 110
PIXEL = 0.02  # nm
TRACK = {"min_separation": "0.4 nm", "memory": 1}
SPECTRA = {"size": "1 nm", "apodization": "0.04 nm"}


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A network that finds what is bright in the whole frame."""
    path = tmp_path_factory.mktemp("network") / "bright.onnx"
    return tiny_networks.brightness(path, standardization_width=15.0)


@pytest.fixture(scope="module")
def images():
    """A disc that moves, and another that is missing in the fourth frame."""
    row, column = np.indices((HEIGHT, WIDTH))
    found = np.random.default_rng(7).normal(500, 10, (FRAMES, HEIGHT, WIDTH))
    for frame, image in enumerate(found):
        image[np.hypot(row - 40, column - 30 + frame) < 18] += 300
        if frame != 3:
            image[np.hypot(row - 42, column - 82) < 14 + frame / 2] += 300
    return found.astype(np.uint16)


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


class Clock:
    """Time that passes when the test says so."""

    now = 0.0

    def __call__(self):
        return self.now


def save(path, image):
    """Write an image with its calibration, in the format of the suffix."""
    signal = hs.signals.Signal2D(image)
    for name, axis in zip("xy", signal.axes_manager.signal_axes, strict=True):
        axis.name, axis.scale, axis.units = name, PIXEL, "nm"
    signal.save(path, overwrite=True)


def settings(network, **options):
    given = {
        "model": network,
        "device": None,
        "sampling": f"{PIXEL} nm",
        "running": PredictionOptions(),
        "tracking": TrackingOptions(**TRACK),
        "spectra": SpectrumOptions(**SPECTRA),
        "crystal": "Au",
        "on_bad_frame": None,
        "overwrite": False,
    }
    return FollowSettings(**{**given, **options})


def watched(path, out, network, source=None, **options):
    of = settings(network, **options)
    return WatchedMovie(path, out, of, report=False, told=(), source=source)


def followed(movie, out, network):
    """Run `hrtemnn follow`."""
    options = ["--model", network, "--out", out, "--min-separation", "0.4 nm"]
    options += ["--memory", 1, "--size", "1 nm", "--apodization", "0.04 nm"]
    options += ["--crystal", "Au", "--sampling", f"{PIXEL} nm", "--no-report"]
    result = CliRunner().invoke(cli.follow, [str(each) for each in (movie, *options)])
    assert result.exit_code == 0, result.output


def tables(folder):
    names = ("properties.csv", "reflections.csv", "frames.csv")
    return {name: (folder / name).read_bytes() for name in names}


def quietly(job):
    return job.finish(show_progressbar=False)


def append_page(path, image):
    tifffile.imwrite(path, image, append=path.exists(), metadata=None)


def test_an_in_situ_folder_gives_the_files_that_follow_writes(
    images, network, predicted, tmp_path
):
    folder, out = tmp_path / "camera", tmp_path / "out"
    folder.mkdir()
    job = watched(folder, out, network)
    assert job.step() == 0
    for number, image in enumerate(images):
        # Four frames in the first second: at first the names look like one a second.
        save(frame_path(folder, number // 4, number % 4), image)
        assert job.step() == 0  # it may still be in the writing
        assert job.step() == 1
        live = pd.read_csv(out / "live.csv")
        assert live["frame"].max() == number
        expected = np.arange(number + 1) / min(number + 1, 4)
        frames = live.drop_duplicates("frame")
        np.testing.assert_allclose(frames["time (s)"], expected)
    live = (out / "live.csv").read_text().splitlines()
    assert len(predicted) == FRAMES
    result = quietly(job)
    assert len(predicted) == FRAMES
    assert not (out / "live.csv").exists()
    followed(folder, tmp_path / "other", network)
    assert tables(out) == tables(tmp_path / "other")
    assert result.properties["id"].nunique() == 2
    # What was written live is what is written at the end, but for the drift.
    whole = (out / "properties.csv").read_text().splitlines()
    header = whole[0].split(",")
    drift = [i for i, name in enumerate(header) if "_corrected" in name]
    assert len(drift) == 2
    kept = [[v for i, v in enumerate(r.split(",")) if i not in drift] for r in whole]
    assert [row.split(",") for row in live] == kept
    # And follow goes on in the folder of the watch, without the network.
    before = len(predicted)
    followed(folder, out, network)
    assert len(predicted) == before


def test_a_folder_of_frames_gives_what_their_stack_does(images, network, tmp_path):
    folder, out = tmp_path / "camera", tmp_path / "out"
    folder.mkdir()
    job = watched(folder, out, network, sampling=None)
    paths = [folder / f"frame_{number}.tif" for number in (8, 9, 10, 11, 100, 101)]
    for path, image in zip(paths, images, strict=True):
        save(path, image)
        job.step()
    (folder / "notes.txt").write_text("mine")
    assert job.step() == 1
    result = quietly(job)
    stack = hs.load([str(path) for path in paths], stack=True, lazy=True)
    stack.set_signal_type("HRTEM")
    expected = stack.follow_particles(
        network,
        tmp_path / "x",
        **TRACK,
        **SPECTRA,
        crystal="Au",
        show_progressbar=False,
    )
    pd.testing.assert_frame_equal(result.properties, expected.properties)
    pd.testing.assert_frame_equal(result.reflections, expected.reflections)
    np.testing.assert_array_equal(
        result.particles.data.compute(), expected.particles.data.compute()
    )


def test_a_growing_tiff_gives_the_files_that_follow_writes(images, network, tmp_path):
    path, out = tmp_path / "movie.tif", tmp_path / "out"
    append_page(path, images[0])
    job = watched(path, out, network)
    taken = [job.step()]
    for image in images[1:]:
        append_page(path, image)
        taken.append(job.step())
    # A page is whole when the next one is there, or the file rests.
    assert taken == [0, 1, 1, 1, 1, 1]
    assert job.step() == 1
    assert job.step() == 0
    quietly(job)
    followed(path, tmp_path / "other", network)
    assert tables(out) == tables(tmp_path / "other")


def test_pages_of_a_growing_tiff_are_read_one_by_one(images, tmp_path, monkeypatch):
    path = tmp_path / "movie.tif"
    for image in images:
        append_page(path, image)
    source = GrowingFile(path)
    for _ in range(2):
        list(source.look(lambda _: False))
    movie, names = source.movie()
    assert len(names) == FRAMES
    read = []
    asarray = tifffile.TiffPage.asarray
    monkeypatch.setattr(
        tifffile.TiffPage, "asarray", lambda page: read.append(1) or asarray(page)
    )
    np.testing.assert_array_equal(movie.inav[4].data.compute(), images[4])
    assert read == [1]


def test_a_half_written_page_is_waited_for(images, network, tmp_path):
    path, out, whole = (tmp_path / name for name in ("m.tif", "out", "whole.tif"))
    for image in images[:3]:
        append_page(whole, image)
    size = whole.stat().st_size
    for image in images[3:]:
        append_page(whole, image)
    # So much of the third page that its place is known, but not its pixels.
    path.write_bytes(whole.read_bytes()[: size - 1000])
    job = watched(path, out, network)
    steps = [job.step() for _ in range(4)]
    assert sum(steps) == 0
    shutil.copy(whole, path)
    assert [job.step(), job.step()] == [FRAMES - 1, 1]
    quietly(job)
    followed(path, tmp_path / "other", network)
    assert tables(out) == tables(tmp_path / "other")


def test_what_a_growing_tiff_ends_with_is_left_out(images, network, tmp_path):
    path, out, whole = (tmp_path / name for name in ("m.tif", "out", "whole.tif"))
    for image in images[:3]:
        append_page(whole, image)
    shutil.copy(whole, path)
    append_page(whole, images[3])
    job = watched(path, out, network)
    assert [job.step(), job.step()] == [2, 1]
    path.write_bytes(whole.read_bytes()[:-5000])
    job.step()
    with pytest.warns(UserWarning, match=r"left out: the end of m\.tif"):
        result = quietly(job)
    assert set(result.properties["frame"]) == {0, 1, 2}


def test_an_mrc_is_watched_while_its_header_is_right(images, network, tmp_path):
    path, out = tmp_path / "movie.mrc", tmp_path / "out"

    def write(count):
        header = np.zeros(256, "<i4")
        header[:4] = WIDTH, HEIGHT, count, 6
        path.write_bytes(header.tobytes() + images[:count].tobytes())

    write(2)
    job = watched(path, out, network)
    steps = [job.step()]
    for count in (4, 6):
        write(count)
        steps.append(job.step())
    assert steps == [1, 2, 2]
    assert job.step() == 1
    quietly(job)
    followed(path, tmp_path / "other", network)
    assert tables(out) == tables(tmp_path / "other")


def test_a_half_written_file_is_waited_for(images, network, tmp_path):
    folder, out, clock = tmp_path / "camera", tmp_path / "out", Clock()
    folder.mkdir()
    for number in (0, 2):
        save(folder / f"{number}.tif", images[number])
    save(tmp_path / "1.tif", images[1])
    content = (tmp_path / "1.tif").read_bytes()
    (folder / "1.tif").write_bytes(content[: len(content) // 2])
    source = ArrivingFiles(folder, patience=10, clock=clock)
    job = watched(folder, out, network, source)
    # The one behind it waits, too: particles are linked in order.
    assert [job.step() for _ in range(4)] == [0, 1, 0, 0]
    clock.now = 9
    (folder / "1.tif").write_bytes(content)
    assert [job.step() for _ in range(2)] == [0, 2]
    assert set(quietly(job).properties["frame"]) == {0, 1, 2}


@pytest.mark.parametrize("broken", [0, 1])
def test_a_file_that_stays_broken_is_skipped(broken, images, network, tmp_path):
    folder, out, clock = tmp_path / "camera", tmp_path / "out", Clock()
    folder.mkdir()
    for number in range(3):
        save(folder / f"{number}.tif", images[number])
    os.truncate(folder / f"{broken}.tif", 3000)
    source = ArrivingFiles(folder, patience=10, clock=clock)
    job = watched(folder, out, network, source)
    assert sum(job.step() for _ in range(3)) == broken
    clock.now = 10.5
    assert job.step() == 3 - broken
    with pytest.warns(UserWarning, match=rf"1 of 3 frames .* {broken} \(cannot be"):
        result = quietly(job)
    assert result.properties.attrs["unknown_frames"] == [broken]
    frames = pd.read_csv(out / "frames.csv")
    assert frames["valid"].tolist() == [number != broken for number in range(3)]


def test_a_broken_file_ends_the_watch_if_that_is_asked_for(images, network, tmp_path):
    folder, clock = tmp_path / "camera", Clock()
    folder.mkdir()
    for number in range(2):
        save(folder / f"{number}.tif", images[number])
    os.truncate(folder / "1.tif", 3000)
    source = ArrivingFiles(folder, patience=10, clock=clock)
    job = watched(folder, tmp_path / "out", network, source, on_bad_frame="raise")
    for _ in range(2):
        job.step()
    clock.now = 11
    with pytest.raises(ValueError, match=r"Frame 1: .*1\.tif"):
        job.step()


def test_it_goes_on_where_it_ended(images, network, predicted, tmp_path):
    folder, out = tmp_path / "camera", tmp_path / "out"
    folder.mkdir()
    for number in range(3):
        save(folder / f"{number}.tif", images[number])
    job = watched(folder, out, network)
    assert [job.step(), job.step()] == [0, 3]
    quietly(job)
    # Killed before its end: the table that grew is still there.
    for number in range(3, FRAMES):
        save(folder / f"{number}.tif", images[number])
    killed = watched(folder, out, network)
    assert [killed.step(), killed.step(4)] == [0, 4]
    del killed
    job = watched(folder, out, network)
    assert [job.step(), job.step()] == [0, FRAMES]
    quietly(job)
    assert len(predicted) == FRAMES
    at_once = watched(folder, tmp_path / "other", network)
    assert [at_once.step(), at_once.step()] == [0, FRAMES]
    quietly(at_once)
    assert tables(out) == tables(tmp_path / "other")


def test_a_growing_file_that_was_replaced_is_another_movie(images, network, tmp_path):
    path, out = tmp_path / "movie.tif", tmp_path / "out"
    for image in images[:3]:
        append_page(path, image)
    job = watched(path, out, network)
    assert [job.step(), job.step()] == [2, 1]
    path.unlink()
    for image in images[3:]:
        append_page(path, image)
    job = watched(path, out, network)
    with pytest.raises(ValueError, match="hash of its first frame was"):
        job.step()


def test_a_file_that_comes_too_late_is_in_its_place_at_the_end(
    images, network, tmp_path
):
    folder, out = tmp_path / "camera", tmp_path / "out"
    folder.mkdir()
    for number in (0, 2, 3):
        save(folder / f"{number}.tif", images[number])
    job = watched(folder, out, network)
    assert [job.step(), job.step()] == [0, 3]
    save(folder / "1.tif", images[1])
    assert [job.step(), job.step()] == [0, 0]
    quietly(job)
    at_once = watched(folder, tmp_path / "other", network)
    assert [at_once.step(), at_once.step()] == [0, 4]
    quietly(at_once)
    assert tables(out) == tables(tmp_path / "other")


def test_files_of_several_kinds_are_refused(images, network, tmp_path):
    folder = tmp_path / "camera"
    folder.mkdir()
    save(folder / "0.tif", images[0])
    save(folder / "0.hspy", images[0])
    with pytest.raises(ValueError, match=r"several kinds, \.hspy, \.tif"):
        watched(folder, tmp_path / "out", network).step()


def test_a_table_that_someone_has_changed_is_left_alone(images, network, tmp_path):
    folder, out = tmp_path / "camera", tmp_path / "out"
    folder.mkdir()
    job = watched(folder, out, network)
    save(folder / "0.tif", images[0])
    assert [job.step(), job.step()] == [0, 1]
    (out / "live.csv").write_text("mine")
    save(folder / "1.tif", images[1])
    job.step()
    with pytest.warns(UserWarning, match=r"live\.csv was changed by another program"):
        assert job.step() == 1
    assert len(quietly(job).properties) == 4
    assert (out / "live.csv").read_text() == "mine"
    with pytest.raises(ValueError, match=r"live\.csv was not written by this job"):
        watched(folder, out, network)


def test_ctrl_c_ends_a_watch_with_its_results(images, network, tmp_path, monkeypatch):
    folder, out = tmp_path / "camera", tmp_path / "out"
    folder.mkdir()
    sleeps = []

    def sleep(_):
        """Let a frame come, and press the keys after the last."""
        if len(sleeps) == 8:
            raise KeyboardInterrupt
        if len(sleeps) % 2 == 0:
            save(folder / f"{len(sleeps)}.tif", images[len(sleeps) // 2])
        sleeps.append(1)

    monkeypatch.setattr(watched_movie.time, "sleep", sleep)
    given = [folder, "--model", network, "--out", out, "--min-separation", "0.4 nm"]
    result = CliRunner().invoke(watch_command, [str(each) for each in given])
    assert result.exit_code == 0, result.output
    assert set(pd.read_csv(out / "properties.csv")["frame"]) == {0, 1, 2, 3}
    assert (out / "report.html").exists()
    page = (out / "live.html").read_text()
    assert "4 frames" in page
    assert "refresh" not in page


def test_the_watch_ends_when_nothing_comes(images, network, tmp_path):
    folder, out = tmp_path / "camera", tmp_path / "out"
    folder.mkdir()
    for number in range(4):
        save(folder / f"{number}.tif", images[number])
    options = {**TRACK, "idle": 0.5, "show_progressbar": False}
    result = hyperspy_hrtemnn.watch(folder, network, out, **options, frames=3)
    assert set(result.properties["frame"]) == {0, 1, 2}
    result = hyperspy_hrtemnn.watch(folder, network, out, **options)
    assert set(result.properties["frame"]) == {0, 1, 2, 3}
    assert result.reflections is None


def test_without_any_frame_it_says_so(network, tmp_path):
    (tmp_path / "camera").mkdir()
    given = (tmp_path / "camera", network, tmp_path / "out")
    with pytest.raises(ValueError, match="holds no frame that can be read"):
        hyperspy_hrtemnn.watch(*given, **TRACK, idle=0.01, show_progressbar=False)
    with pytest.raises(ValueError, match="neither a folder nor a file"):
        hyperspy_hrtemnn.watch(tmp_path / "none", *given[1:], **TRACK)
    with pytest.raises(ValueError, match="is the input"):
        hyperspy_hrtemnn.watch(given[0], network, given[0], **TRACK)
    with pytest.raises(ValueError, match="au-ceo3-mask"):
        hyperspy_hrtemnn.watch(given[0], "au-ceo3-mask", given[2], **TRACK)
    assert not (tmp_path / "out").exists()


def test_the_server_has_two_files_and_no_other(tmp_path):
    (tmp_path / "live.png").write_bytes(b"picture")
    (tmp_path / "properties.csv").write_bytes(b"table")

    def get(path, **headers):
        connection = http.client.HTTPConnection(address, timeout=5)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    with served(tmp_path, 0) as url:
        address = url.removeprefix("http://").rstrip("/")
        assert address.startswith("127.0.0.1:")
        assert b"No frame has come yet" in get("/")[1]
        (tmp_path / "live.html").write_bytes(b"page")
        assert get("/") == get("/live.html?7") == (200, b"page")
        assert get("/live.png") == (200, b"picture")
        for path in ("/properties.csv", "/../live.png", "/job.json"):
            assert get(path)[0] == 404
        assert get("/", Host="evil.example")[0] == 404
        port = int(address.partition(":")[2])
        with pytest.raises(ValueError, match="cannot be used"), served(tmp_path, port):
            pass
    with pytest.raises(ConnectionError):
        get("/")
