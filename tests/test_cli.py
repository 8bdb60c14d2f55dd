# SPDX-License-Identifier: GPL-3.0-or-later
"""The command hrtemnn: commands that come when called, jobs that can be stopped."""

from __future__ import annotations

import errno
import json
import os
import signal as signals
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import click
import click.shell_completion
import hyperspy.api as hs
import numpy as np
import pytest
import tiny_networks
from click.testing import CliRunner
from PIL import Image

from hyperspy_hrtemnn import __version__, atomic, cli, error_lines, events_command
from hyperspy_hrtemnn.checkpoint import Checkpoint
from hyperspy_hrtemnn.signals import HRTEM, Instances, Segmentation
from hyperspy_hrtemnn.signals._shared import hspy_file

Y, X = 31, 43


@pytest.fixture
def run():
    def invoke(*arguments, code=0):
        # What is in a report is tested in test_reports.py.
        if arguments[0] in {"segment", "track"} and "--help" not in arguments:
            arguments += ("--no-report",)
        result = CliRunner().invoke(cli.main, [str(part) for part in arguments])
        assert result.exit_code == code, result.output
        if code:
            assert "Traceback" not in result.output
        return result.output

    return invoke


@pytest.fixture
def movie_path(tmp_path, rng):
    movie = HRTEM(rng.normal(100, 10, (6, Y, X)).astype(np.float32))
    for axis in movie.axes_manager.signal_axes:
        axis.scale, axis.units = 0.012, "nm"
    movie.axes_manager.navigation_axes[0].name = "time"
    movie.metadata.General.title = "movie"
    movie.save(tmp_path / "movie.hspy")
    return tmp_path / "movie.hspy"


@pytest.fixture
def interrupt(monkeypatch):
    """Stop a job as it is about to store its nth frame."""

    def after(count):
        write = Checkpoint.write
        written = []
        lock = threading.Lock()

        def stop(self, number, frame):
            if self.folder.name == "replaced":
                # Counts of a frame, not a frame.
                write(self, number, frame)
                return
            with lock:
                if len(written) == count:
                    raise KeyboardInterrupt
                write(self, number, frame)
                written.append(number)

        monkeypatch.setattr(Checkpoint, "write", stop)
        return lambda: monkeypatch.setattr(Checkpoint, "write", write)

    return after


def test_version(run):
    assert __version__ in run("--version")


def test_help_names_all_commands(run):
    listing = run("--help")
    for name in ("models", "card", "segment", "track", "train", "export"):
        assert name in listing
    assert "Usage" in run("segment", "--help")


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from hyperspy_hrtemnn.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "heavy = {'hyperspy', 'tensorflow', 'onnxruntime', 'matplotlib', 'dask'}\n"
        "sys.exit(bool(heavy & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_missing_extra(run, monkeypatch):
    monkeypatch.setattr(error_lines, "_TRAINING_PYTHON", (3, 10))
    monkeypatch.setitem(sys.modules, "hrtemnn_training.cli", None)
    assert 'pip install "hyperspy-hrtemnn[training]"' in run("train", code=1)


def test_unknown_command(run):
    assert "No such command 'sgment'" in run("sgment", code=2)


def test_models_and_card(run, tmp_path, monkeypatch):
    monkeypatch.setattr("hyperspy_hrtemnn.networks._shipped.MODELS", tmp_path)
    assert "no networks" in run("models")
    tiny_networks.convolution(tmp_path / "nano.onnx")
    assert run("models").splitlines() == [
        "nano",
        "    for tests",
        "    segmentation of Au, from single images",
        "    300 keV, pixels of 0.07 to 0.2 Å",
    ]
    tiny_networks.convolution(
        tmp_path / "series.onnx", channels=3, defocus_step=50.0, material="MoS2"
    )
    assert (
        "    segmentation of MoS2, from focal series of 3 images, 5 nm apart"
        in run("models").splitlines()
    )
    (tmp_path / "series.onnx").unlink()
    text = run("card", "nano")
    assert "material: Au" in text
    assert "sampling: 0.07 to 0.2   (pixel size of the images [Å])" in text
    assert "threshold: not measured; by default 0." in text
    assert json.loads(run("card", tmp_path / "nano.onnx", "--json"))["stride"] == 1
    assert "no network 'micro'. Shipped networks: nano" in run("card", "micro", code=1)


def test_scores_of_a_card_have_a_line_for_each_group(run, tmp_path):
    scores = {"images": 7, "camera": {"10-30": {"f1": 0.8, "areas": [1.1, 0.9]}}}
    tiny_networks.convolution(tmp_path / "nano.onnx", scores=scores)
    text = run("card", tmp_path / "nano.onnx")
    assert "  images: 7\n  camera:\n    10-30: f1 0.8, areas 1.1 0.9\n" in text


def test_segment(run, tmp_path, movie_path, network_path):
    out = tmp_path / "deep" / "seg.hspy"
    run("segment", movie_path, "--model", network_path, "--out", out, "--tile", 60)
    segmentation = hs.load(out)
    assert type(segmentation) is Segmentation
    assert segmentation.data.dtype == np.float32
    assert segmentation.metadata.General.title == "movie"
    assert segmentation.metadata.HRTEMNN.Segmentation.tile == 60
    assert segmentation.axes_manager[0].name == "time"
    expected = hs.load(movie_path).segment(network_path, tile=60)
    np.testing.assert_array_equal(segmentation.data, expected.data)
    assert os.listdir(out.parent) == ["seg.hspy"]  # noqa: PTH208


def test_segment_image_and_classes(run, tmp_path, movie_path):
    network = tiny_networks.convolution(tmp_path / "two.onnx", classes=2)
    image = tmp_path / "image.hspy"
    hs.load(movie_path).inav[1].save(image)
    run("segment", image, "--model", network, "--out", tmp_path / "one.hspy")
    run("segment", movie_path, "--model", network, "--out", tmp_path / "all.hspy")
    one, movie = hs.load(tmp_path / "one.hspy"), hs.load(tmp_path / "all.hspy")
    assert one.data.shape == (2, Y, X)
    assert movie.data.shape == (6, 2, Y, X)
    np.testing.assert_array_equal(movie.data[1], one.data)


def test_segment_a_folder_of_an_in_situ_camera(run, tmp_path, movie_path, network_path):
    movie = hs.load(movie_path)
    folder = tmp_path / "movie"
    for frame in range(3):
        movie.inav[frame].save(
            folder / f"movie_Hour_00_Minute_00_Second_00_Frame_{frame:04d}.hspy"
        )
    out = tmp_path / "seg.hspy"
    run("segment", folder, "--model", network_path, "--out", out)
    segmentation = hs.load(out)
    assert segmentation.axes_manager[0].units == "s"
    expected = movie.inav[:3].segment(network_path)
    np.testing.assert_array_equal(segmentation.data, expected.data)


def test_segment_goes_on(run, tmp_path, movie_path, network_path, interrupt):
    out = tmp_path / "seg.hspy"
    command = ("segment", movie_path, "--model", network_path, "--out", out)
    release = interrupt(2)
    assert "same command continues" in run(*command, code=130)
    folder = tmp_path / "seg.hspy.frames"
    done = sorted(folder.glob("*.npy"))
    assert len(done) == 2
    assert not out.exists()
    release()
    before = [path.stat().st_mtime_ns for path in done]
    # Another job may not go on with these frames.
    message = run(*command, "--tile", 64, code=1)
    assert "tile was None, now 64" in message
    assert [path.stat().st_mtime_ns for path in done] == before
    written = []
    write = Checkpoint.write

    def note(self, number, frame):
        if self.folder == folder:
            written.append(number)
        write(self, number, frame)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoint, "write", note)
        run(*command)
    # A thread of the interrupted run may have stored another frame since.
    assert 1 <= len(written) <= 4
    assert not {int(path.stem) for path in done} & set(written)
    expected = hs.load(movie_path).segment(network_path).data
    np.testing.assert_array_equal(hs.load(out).data, expected)
    assert not folder.exists()


def test_a_full_disk_at_the_end_loses_no_frame(
    run, tmp_path, movie_path, network_path, monkeypatch
):
    out = tmp_path / "deep" / "seg.hspy"
    command = ("segment", movie_path, "--model", network_path, "--out", out)

    def full(file, content, **options):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(hspy_file, "file_writer", full)
        told = run(*command, code=1)
    assert f"The disk is full: {out} cannot be written (No space left" in told
    assert "Whatever was finished before is kept" in told
    frames = out.with_name("seg.hspy.frames")
    assert list(out.parent.iterdir()) == [frames]
    assert len(list(frames.glob("*.npy"))) == 6
    # Frames that are there are not computed again.
    monkeypatch.setattr(Checkpoint, "write", None)
    run(*command)
    expected = hs.load(movie_path).segment(network_path)
    np.testing.assert_array_equal(hs.load(out).data, expected.data)
    assert list(out.parent.iterdir()) == [out]


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot ask for a process")
def test_what_is_left_of_a_killed_run_is_not_taken_for_its_result(
    run, tmp_path, movie_path, network_path
):
    out = tmp_path / "deep" / "seg.hspy"
    out.parent.mkdir()
    left = [
        # A process of this number has ended: no system counts as far.
        out.with_name(f".part-{atomic._HOST}-2000000000-0123abcd.hspy"),
        # As earlier versions named it.
        out.with_name(".seg.hspy"),
    ]
    for path in left:
        path.write_bytes(b"half")
    run("segment", movie_path, "--model", network_path, "--out", out)
    expected = hs.load(movie_path).segment(network_path)
    np.testing.assert_array_equal(hs.load(out).data, expected.data)
    assert set(out.parent.iterdir()) == {out, left[1]}


def test_segment_discards_another_job_by_force(
    run, tmp_path, movie_path, network_path, interrupt
):
    out = tmp_path / "seg.hspy"
    command = ("segment", movie_path, "--model", network_path, "--out", out)
    release = interrupt(2)
    run(*command, "--tile", 64, code=130)
    release()
    run(*command, "--force")
    assert hs.load(out).metadata.HRTEMNN.Segmentation.tile is None


def test_interruption_by_the_keyboard(tmp_path, rng, network_path):
    # Slow enough to be caught in the act.
    movie = HRTEM(rng.normal(100, 10, (300, 131, 143)).astype(np.float32))
    movie.save(tmp_path / "long.hspy")
    out = tmp_path / "seg.hspy"
    # What a shell starts in the background has SIGINT ignored, and so its children.
    code = "import signal as s; s.signal(s.SIGINT, s.default_int_handler); "
    code += "from hyperspy_hrtemnn.cli import main; main()"
    arguments = ["segment", tmp_path / "long.hspy", "--model", network_path]
    arguments += ["--out", out, "--sampling", "0.2"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stderr=subprocess.PIPE
    )
    folder = tmp_path / "seg.hspy.frames"
    deadline = time.monotonic() + 60
    while len(list(folder.glob("*.npy"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signals.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert b"Traceback" not in errors
    assert 3 <= len(list(folder.glob("*.npy"))) < 300
    assert not out.exists()


def test_uncalibrated_movie(run, tmp_path, movie_path, network_path):
    bare = hs.load(movie_path)
    calibrated = tmp_path / "calibrated.hspy"
    run("segment", movie_path, "--model", network_path, "--out", calibrated)
    for axis in bare.axes_manager.signal_axes:
        axis.scale, axis.units = 1, "px"
    bare.save(tmp_path / "bare.hspy")
    out = tmp_path / "out.hspy"
    command = ("segment", tmp_path / "bare.hspy", "--model", network_path, "--out", out)
    table = ("--min-separation", "8", "--table", tmp_path / "t.csv")
    track = ("track", tmp_path / "bare.hspy", "--out", tmp_path / "p.hspy")
    told = run(*track, *table, code=1)
    assert "bare.hspy is not calibrated" in told
    assert "--sampling" in told
    assert "bare.hspy is not calibrated: axis x is counted in pixels" in run(
        *command, code=1
    )
    assert "--sampling is -1" in run(*command, "--sampling", -1, code=1)
    run(*command, "--sampling", 0.12)
    np.testing.assert_allclose(hs.load(out).data, hs.load(calibrated).data, atol=1e-6)
    run(*command, "--no-resample", "--force")
    assert hs.load(out).metadata.HRTEMNN.Segmentation.resample is False


def test_gray_png(run, tmp_path, rng, network_path):
    # Saved by a viewer: gray as color, uncalibrated.
    gray = rng.integers(0, 255, (Y, X), dtype=np.uint8)
    Image.fromarray(np.dstack([gray] * 3 + [np.full_like(gray, 255)])).save(
        tmp_path / "image.png"
    )
    out = tmp_path / "out.hspy"
    command = ("segment", tmp_path / "image.png", "--model", network_path, "--out", out)
    run(*command, "--sampling", 0.12)
    assert hs.load(out).data.shape == (Y, X)


def test_warning_is_one_line(run, tmp_path, movie_path, network_path):
    out = tmp_path / "out.hspy"
    output = run(
        "segment", movie_path, "--model", network_path, "--out", out, "--sampling", 0.3
    )
    (line,) = [line for line in output.splitlines() if "Warning" in line]
    assert "0.3 Å/pixel" in line


def test_results_of_commands_are_not_taken_for_images(run, tmp_path, network_path):
    """Nor labels of a single particle, whose values are 0 and 1, for a mask."""
    kinds = ("HRTEM_segmentation", "HRTEM_instances")
    for path, kind in zip(
        (tmp_path / "s.hspy", tmp_path / "p.hspy"), kinds, strict=True
    ):
        signal = hs.signals.Signal2D(np.eye(9, dtype=np.uint8)[np.newaxis])
        for axis in signal.axes_manager.signal_axes:
            axis.scale, axis.units = 0.1, "Å"
        signal.set_signal_type(kind)
        signal.save(path)
    out = ("--out", tmp_path / "o.hspy")
    model = ("--model", network_path)
    told = run("segment", tmp_path / "s.hspy", *model, *out, code=1)
    assert "s.hspy holds probabilities of a network; give the images they" in told
    assert "holds labels of particles" in run("suggest", tmp_path / "p.hspy", code=1)
    track = ("track", tmp_path / "p.hspy", *out, "--min-separation", 1)
    assert "p.hspy holds labels of particles; give the prob" in run(*track, code=1)


def test_bad_files(run, tmp_path, movie_path, network_path):
    out = tmp_path / "out.hspy"

    def fails(movie=movie_path, model=network_path, to=out, code=1):
        return run("segment", movie, "--model", model, "--out", to, code=code)

    assert "does not exist" in fails(movie=tmp_path / "none.dm4", code=2)
    broken = tmp_path / "broken.dm4"
    broken.write_bytes(b"no movie")
    assert "broken.dm4 cannot be read" in fails(movie=broken)
    assert "broken.dm4: it is not an ONNX file" in fails(model=broken)
    assert "must end with .hspy" in fails(to=tmp_path / "out.tif")
    assert "is the input" in fails(to=movie_path)
    hs.signals.Signal1D(np.arange(20.0)).save(tmp_path / "line.hspy")
    assert "holds 0 images" in fails(movie=tmp_path / "line.hspy")
    out.write_bytes(b"kept")
    assert "--force replaces it" in fails()
    assert out.read_bytes() == b"kept"


def test_bad_frame(run, tmp_path, movie_path, network_path):
    movie = hs.load(movie_path)
    movie.data[3] = 7
    movie.save(tmp_path / "bad.hspy")
    out = tmp_path / "out.hspy"
    command = ("segment", tmp_path / "bad.hspy", "--model", network_path, "--out", out)
    message = run(*command, "--on-bad-frame", "raise", code=1)
    assert "Error: Frame 3: The image is constant" in message
    assert not out.exists()
    assert "1 of 6 frames could not be used" in run(*command)
    assert np.isnan(hs.load(out).data[3]).all()


@pytest.fixture
def segmentation_path(tmp_path):
    """Two discs, one of which moves and vanishes for a frame; and two specks."""
    y, x = np.indices((47, 61))
    frames = np.zeros((7, 47, 61), np.float32)
    for number, frame in enumerate(frames):
        frame[(y - 15) ** 2 + (x - 14) ** 2 < 64] = 1
        if number != 3:
            frame[(y - 30) ** 2 + (x - 30 - number) ** 2 < 49] = 0.95
    frames[0, 5:8, 50:55] = frames[5, 40:44, 3:8] = 1
    segmentation = Segmentation(frames)
    for axis in segmentation.axes_manager.signal_axes:
        axis.scale, axis.units = 0.1, "nm"
    segmentation.save(tmp_path / "seg.hspy")
    return tmp_path / "seg.hspy"


TRACKING = ("--min-separation", "1 nm", "--memory", 1, "--min-area", "0.5 nm^2")


def test_track(run, tmp_path, segmentation_path):
    out, table = tmp_path / "labels.hspy", tmp_path / "properties.csv"
    options = (*TRACKING, "--search-range", "0.8 nm", "--no-drift", "--table", table)
    run("track", segmentation_path, "--out", out, *options)
    labels = hs.load(out)
    assert type(labels) is Instances
    expected = hs.load(segmentation_path).track_instances(
        "1 nm", memory=1, min_area="0.5 nm^2", search_range="0.8 nm", drift=False
    )
    np.testing.assert_array_equal(labels.data, expected.data)
    assert labels.data.dtype == expected.data.dtype
    assert set(np.unique(labels.data)) == {0, 1, 2}
    assert (
        labels.metadata.HRTEMNN.Instances.as_dictionary()
        == expected.metadata.HRTEMNN.Instances.as_dictionary()
    )
    header, *rows = table.read_text(encoding="utf-8").splitlines()
    assert "area (nm^2)" in header
    assert len(rows) == 7 + 6


@pytest.mark.parametrize(("made", "expected"), [({"threshold": 0.96}, 1), ({}, 2)])
def test_track_takes_the_threshold_of_the_network(
    run, tmp_path, segmentation_path, made, expected
):
    segmentation = hs.load(segmentation_path)
    segmentation.metadata.set_item("HRTEMNN.Segmentation", {"network": "n", **made})
    segmentation.save(segmentation_path, overwrite=True)
    run("track", segmentation_path, "--out", tmp_path / "l.hspy", *TRACKING)
    labels = hs.load(tmp_path / "l.hspy")
    used = labels.metadata.HRTEMNN.Instances.probability
    assert used == made.get("threshold", 0.9)
    # One disc has 1, the other 0.95.
    assert labels.data.max() == expected


def test_the_help_says_the_default_threshold(run):
    for command in ("track", "follow"):
        text = " ".join(run(command, "--help").split())
        assert "the network's threshold of unbiased area" in text


@pytest.mark.parametrize("count", [0, 1, 4, 6])
def test_track_goes_on(run, tmp_path, segmentation_path, interrupt, count):
    whole, out = tmp_path / "whole.hspy", tmp_path / "labels.hspy"
    told = run("track", segmentation_path, "--out", whole, *TRACKING)
    assert "Warning: 2 regions below 0.5 nm² were dropped" in told
    release = interrupt(count)
    run("track", segmentation_path, "--out", out, *TRACKING, code=130)
    release()
    if count > 1:  # The first write is the number of regions dropped in a frame.
        other = ("track", segmentation_path, "--out", out, "--min-separation", 2)
        assert "min_separation was '1 nm', now 2.0" in run(*other, code=1)
    # Also of frames that were finished before.
    told = run("track", segmentation_path, "--out", out, *TRACKING)
    assert "Warning: 2 regions below 0.5 nm² were dropped" in told
    assert hs.load(out).metadata.HRTEMNN.Instances.dropped_regions == 2
    np.testing.assert_array_equal(hs.load(out).data, hs.load(whole).data)


def test_bad_tracking(run, tmp_path, segmentation_path):
    out = tmp_path / "labels.hspy"
    command = ("track", segmentation_path, "--out", out)
    assert "is not a length" in run(*command, "--min-separation", "two", code=1)
    assert "probability" in run(*command, *TRACKING, "--probability", 2, code=1)
    assert "min_overlap" in run(*command, *TRACKING, "--min-overlap", -1, code=1)
    table = tmp_path / "t.csv"
    table.write_text("kept")
    assert "t.csv exists" in run(*command, *TRACKING, "--table", table, code=1)
    assert not out.exists()


def states_its_default(option):
    if option.is_flag and not option.secondary_opts:
        return True  # nothing happens without it
    text = option.help or ""
    return option.show_default is True or "default" in text or "without it" in text


@pytest.mark.parametrize(
    "name",
    ["models", "suggest", "card", "segment", "track", "follow", "atoms", "detector"],
)
def test_help_states_every_default(name):
    command = cli.main.get_command(click.Context(cli.main), name)
    options = [one for one in command.params if isinstance(one, click.Option)]
    silent = [
        one.name for one in options if not (one.required or states_its_default(one))
    ]
    assert not silent


def test_help_of_events_states_every_default():
    options = [p for p in events_command.events.params if isinstance(p, click.Option)]
    assert len(options) > 20
    assert all(one.required or states_its_default(one) for one in options)


def test_help_states_what_area_is_dropped(run):
    for name in ("track", "follow"):
        text = " ".join(run(name, "--help").split())
        assert "by default a twentieth of the square of" in text


@pytest.mark.parametrize(
    ("missing", "first_python", "said"),
    [
        ("keras", (3, 10), 'pip install "hyperspy-hrtemnn[training]"'),
        ("distributed", (3, 99), 'pip install "hyperspy-hrtemnn[distributed]"'),
        ("zarr", (3, 99), "with Python 3.99 or later"),
    ],
)
def test_a_command_without_its_extra(run, monkeypatch, missing, first_python, said):
    def load():
        raise ModuleNotFoundError(f"No module named {missing!r}", name=missing)

    points = {"waves": SimpleNamespace(load=load)}
    monkeypatch.setattr(cli.LazyGroup, "_entry_points", lambda _: points)
    monkeypatch.setattr(error_lines, "_TRAINING_PYTHON", first_python)
    output = run("waves", code=1)
    assert f"waves needs {missing}, which is not installed" in output
    assert said in output


@pytest.mark.parametrize(
    ("before", "begun", "expected"),
    [
        ([], "seg", {"segment"}),
        ([], "su", {"suggest"}),
        (["follow"], "--min-s", {"--min-separation"}),
        (["track"], "--no-r", {"--no-report"}),
    ],
)
def test_the_tab_key_completes_commands_and_options(before, begun, expected):
    complete = click.shell_completion.BashComplete(
        cli.main, {}, "hrtemnn", "_HRTEMNN_COMPLETE"
    )
    found = {item.value for item in complete.get_completions(before, begun)}
    assert found == expected
