# SPDX-License-Identifier: GPL-3.0-or-later
"""Events of a movie in one pass: known ones, as the single methods, resumable."""

from __future__ import annotations

import hyperspy.api as hs
import numpy as np
import pandas as pd
import pytest
import tiny_networks
from click.testing import CliRunner
from pandas.testing import assert_frame_equal

from hyperspy_hrtemnn import events_command
from hyperspy_hrtemnn.analysis import (
    column_coordination,
    column_events,
    event_rates,
    on_axis_columns,
    on_axis_frames,
    place_on_sites,
)
from hyperspy_hrtemnn.analysis.columns.table import with_units_of_headers
from hyperspy_hrtemnn.checkpoint import Checkpoint
from hyperspy_hrtemnn.jobs.counting import count_file
from hyperspy_hrtemnn.jobs.reports import files
from hyperspy_hrtemnn.options import (
    EventOptions,
    PredictionOptions,
    SpectrumOptions,
    TrackingOptions,
)
from hyperspy_hrtemnn.signals import LazyInstances
from hyperspy_hrtemnn.signals._one_pass import frame_analysis

FRAMES, HEIGHT, WIDTH = 26, 110, 150
PIXEL, OFFSET = 0.02, 1.0  # nm
TRACK = {"min_separation": "0.6 nm", "size": "2 nm", "apodization": "0.04 nm"}
QUIET = {"show_progressbar": False}
JUMP, LOST, AWAY = 9, 21, (14, 17)  # frames of what happens


def lattice():
    """Return the sites of the particle (x, y) from its middle [pixels]."""
    p, q = np.mgrid[-9:10, -9:10].reshape(2, -1)
    same = (p - q) % 2 == 0
    places = np.stack([p[same] * 7.2, q[same] * 10.2], axis=1)
    return places[np.hypot(*places.T) < 33]


SITES = lattice()
EDGE = np.argsort(SITES[:, 0])[-3:]  # three in a row at the right


def occupied(frame):
    """Return which sites have a column: one jumps along the edge, another is lost."""
    there = np.ones(len(SITES), bool)
    start, end, lost = EDGE[0], EDGE[1], np.argmin(SITES[:, 0])
    there[end if frame < JUMP else start] = False
    there[lost] = frame < LOST
    return there


def drift(frame):
    return np.array([0.4 * frame, -0.15 * frame])


@pytest.fixture(scope="module")
def movie():
    """A bright particle whose columns are brighter, and vanish when it is tilted."""
    row, column = np.indices((HEIGHT, WIDTH))
    images = np.random.default_rng(5).normal(5, 0.1, (FRAMES, HEIGHT, WIDTH))
    for frame, image in enumerate(images):
        middle = np.array([66, 58]) + drift(frame)
        image[np.hypot(column - middle[0], row - middle[1]) < 36] += 3
        if AWAY[0] <= frame < AWAY[1]:
            continue
        for x, y in SITES[occupied(frame)] + middle:
            images[frame] += 5 * np.exp(-((column - x) ** 2 + (row - y) ** 2) / 8)
    signal = hs.signals.Signal2D(images.astype(np.float32))
    for name, axis in zip("xy", signal.axes_manager.signal_axes, strict=True):
        axis.name, axis.scale, axis.units, axis.offset = name, PIXEL, "nm", OFFSET
    (time,) = signal.axes_manager.navigation_axes
    time.name, time.scale, time.units = "time", 0.5, "s"
    signal.set_signal_type("HRTEM")
    signal.metadata.General.title = "edge"
    return signal


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    return (
        tiny_networks.brightness(
            folder / "bright.onnx", level=0.3, standardization_width=20.0
        ),
        tiny_networks.brightness(
            folder / "columns.onnx",
            level=2.0,
            standardization_width=20.0,
            classes=("Au",),
        ),
        tiny_networks.brightest(folder / "upright.onnx"),
    )


def count(movie, networks, folder, **options):
    particles, columns, upright = networks
    return movie.count_events(
        particles,
        columns,
        folder,
        zone_axis_model=upright,
        **{**TRACK, **QUIET, **options},
    )


@pytest.fixture(scope="module")
def found(movie, networks, tmp_path_factory):
    return count(movie.as_lazy(), networks, tmp_path_factory.mktemp("found"))


def test_what_happens_is_found_and_nothing_else(found):
    events = found.events
    assert events["kind"].tolist() == ["jumps", "jumps", "vanishes"]
    assert events["frame"].tolist() == [JUMP, JUMP, LOST]
    assert events["time"].tolist() == [JUMP / 2, JUMP / 2, LOST / 2]
    assert set(events["id"]) == {1}
    assert events["probability"].min() > 0.95
    assert events["surface"].all()
    ends = events.set_index("after").loc[["none", "Au"], ["x", "y"]].iloc[[0, 2]]
    middle = np.array([66, 58]) + drift(JUMP)
    there = OFFSET + PIXEL * (SITES[EDGE[:2]] + middle)
    np.testing.assert_allclose(ends.to_numpy(), there, atol=0.01)
    assert found.zone_axis is not None
    low = found.zone_axis[found.zone_axis["probability"] < 0.5]
    assert low["frame"].tolist() == list(range(*AWAY))
    assert not set(found.columns["frame"]) & set(range(*AWAY))


def test_rates_are_over_the_time_that_was_observed(found):
    (row,) = found.rates.to_dict("records")
    assert (row["id"], row["events"], row["jumps"], row["vanishes"]) == (1, 2, 1, 1)
    # Steps of half a second, without those from, between and to frames off the axis.
    assert row["observed"] == 0.5 * (FRAMES - 1 - (AWAY[1] - AWAY[0]) - 1)
    assert row["rate"] == row["events"] / row["observed"]
    assert row["rate_low"] < row["rate"] < row["rate_high"]
    assert found.rates.attrs["units"]["rate"] == "1/s"


def test_the_same_as_the_single_methods(movie, networks, found):
    mask, columns, upright = networks
    particles = movie.segment(mask, **QUIET).track_instances("0.6 nm", **QUIET)
    assert type(found.particles) is LazyInstances
    np.testing.assert_array_equal(found.particles.data.compute(), particles.data)
    assert_frame_equal(
        found.properties, particles.properties(movie, **QUIET), check_exact=True
    )
    spectra = movie.local_fft(
        particles, id=[1], size="2 nm", apodization="0.04 nm", **QUIET
    )
    axis = spectra.zone_axis_probability(upright, **QUIET)
    assert_frame_equal(found.zone_axis, axis, check_dtype=False, rtol=1e-4)
    table = movie.segment(columns, **QUIET).find_columns(
        probability=0.1, instances=particles, **QUIET
    )
    table = on_axis_columns(table[table["id"] > 0], on_axis_frames(axis))
    placed = column_coordination(place_on_sites(table))
    keys = ["frame", "track"]
    assert_frame_equal(
        found.columns.sort_values(keys, ignore_index=True),
        placed.sort_values(keys, ignore_index=True),
        rtol=1e-4,
    )
    assert found.columns.attrs["units"]["y_corrected"] == "nm"
    assert_frame_equal(found.events, column_events(placed), rtol=1e-3)
    assert_frame_equal(found.rates, event_rates(found.events, placed))


def test_tables_join(found):
    joined = found.columns.merge(found.properties, on=["frame", "id"], how="left")
    assert joined["area"].notna().all()
    assert found.events.merge(found.properties, on=["frame", "id"])["area"].gt(1).all()


def test_a_stopped_run_goes_on_and_other_events_need_no_network(
    movie, networks, found, tmp_path, monkeypatch
):
    write, left = Checkpoint.write_record, iter(range(7))

    def stop(*arguments):
        if next(left, None) is None:
            raise KeyboardInterrupt
        write(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "write_record", stop)
        with pytest.raises(KeyboardInterrupt):
            count(movie, networks, tmp_path)
    counted = []
    predict = frame_analysis.predict

    def counting(*arguments, **options):
        counted.append(1)
        return predict(*arguments, **options)

    monkeypatch.setattr(frame_analysis, "predict", counting)
    result = count(movie, networks, tmp_path)
    assert len(counted) == FRAMES - 7
    assert_frame_equal(result.events, found.events)
    counted.clear()
    strict = count(movie, networks, tmp_path, min_frames=8, false_rate=0.01)
    assert not counted
    assert len(strict.events) < len(found.events)
    assert strict.rates["false_events"].gt(0).all()
    with pytest.raises(ValueError, match="probability of columns"):
        count(movie, networks, tmp_path, column_probability=0.3)


def test_without_a_network_for_zone_axes_all_frames_count(movie, networks, tmp_path):
    result = count(movie, (*networks[:2], None), tmp_path)
    assert result.zone_axis is None
    assert set(result.columns["frame"]) >= set(range(AWAY[0]))


def test_a_blank_frame_is_unknown(movie, networks, tmp_path):
    blank = movie.deepcopy()
    blank.data[12] = 3
    with pytest.warns(UserWarning, match="12"):
        result = count(blank, networks, tmp_path)
    assert 12 in result.columns.attrs["unknown_frames"]
    assert result.events["kind"].tolist() == ["jumps", "jumps", "vanishes"]


def test_nonsense_is_refused_before_the_work(movie, networks, tmp_path):
    mask, columns, upright = networks
    with pytest.raises(ValueError, match="in a movie, with one navigation axis"):
        count(movie.inav[0], networks, tmp_path)
    with pytest.raises(ValueError, match="is for zone axis, not for segmentation"):
        count(movie, (mask, upright, upright), tmp_path)
    with pytest.raises(ValueError, match="is for segmentation, not for zone axis"):
        count(movie, (mask, columns, columns), tmp_path)
    with pytest.raises(ValueError, match="all soft edge"):
        count(movie, networks, tmp_path, size="0.1 nm")
    for name, value, text in (
        ("min_on_axis", 1.5, "min_on_axis has to be between 0 and 1, not 1.5"),
        ("column_probability", 0, "probability has to be between 0 and 1, not 0"),
        ("min_frames", 0, "min_frames is a number of frames, 1 or more, not 0"),
        ("false_rate", -1, "false_rate has to be 0 or more, not -1"),
    ):
        with pytest.raises(ValueError, match=text):
            count(movie, networks, tmp_path, **{name: value})
    assert not any(tmp_path.iterdir())


@pytest.fixture
def run(movie, networks, tmp_path, monkeypatch):
    """Run the command on the movie in a file; pictures have few pixels."""
    monkeypatch.setattr(files, "_DOTS_PER_INCH", 25)
    movie.save(tmp_path / "edge.hspy")
    particles, columns, upright = networks

    def call(*arguments):
        given = [
            tmp_path / "edge.hspy",
            *("--model", particles, "--columns", columns, "--zone-axis", upright),
            *("--out", tmp_path / "out", "--min-separation", "0.6 nm"),
            *("--size", "2 nm", "--apodization", "0.04 nm", *arguments),
        ]
        result = CliRunner().invoke(
            events_command.events, [str(each) for each in given]
        )
        assert result.exit_code == 0, result.output
        return tmp_path / "out"

    return call


def test_the_command_leaves_tables_pictures_and_a_page(run, found, tmp_path):
    out = run()
    events = with_units_of_headers(pd.read_csv(out / "events.csv"))
    columns = with_units_of_headers(pd.read_csv(out / "columns.csv"))
    assert_frame_equal(events, found.events, rtol=1e-6)
    assert len(columns) == len(found.columns)
    assert columns.attrs["units"]["outside"] == "nm"
    rates = (out / "rates.csv").read_text(encoding="utf-8").splitlines()
    assert "rate (1/s)" in rates[0]
    frames = pd.read_csv(out / "frames.csv")
    assert frames["valid"].all()
    assert len(frames) == FRAMES
    labels = hs.load(out / "particles.hspy")
    np.testing.assert_array_equal(labels.data, found.particles.data.compute())
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 3
    assert "Frame 9: 1 event (jumps)." in page
    assert "Frame 21: 1 event (vanishes)." in page
    assert "hrtemnn events" in page
    for what in ("particles", "columns", "zone axes"):
        assert f"network of {what}" in page
    names = {path.name for path in (out / "pictures").iterdir()}
    assert names == {"curve_events.png", "frame_000009.png", "frame_000021.png"}


def test_the_command_goes_on_and_removes_what_is_no_longer_true(run, monkeypatch):
    out = run()
    monkeypatch.setattr(frame_analysis, "predict", None)  # no network runs again
    run("--min-frames", "8", "--false-rate", "0.01")
    assert len(pd.read_csv(out / "events.csv")) == 2
    names = {path.name for path in (out / "pictures").iterdir()}
    assert names == {"curve_events.png", "frame_000009.png"}
    run("--no-report")
    assert not (out / "report.html").exists()
    assert not any((out / "pictures").iterdir())


def test_the_command_takes_all_frames_if_asked(run):
    out = run("--zone-axis", "none", "--no-report")
    assert not (out / "zone_axis.csv").exists()
    assert set(range(AWAY[0])) <= set(pd.read_csv(out / "columns.csv")["frame"])


def counted(movie, networks, folder, **options):
    return count_file(
        movie,
        str(networks[0]),
        folder,
        columns=str(networks[1]),
        zone_axis=str(networks[2]),
        sampling=None,
        running=PredictionOptions(),
        tracking=TrackingOptions("0.6 nm", min_area="0.5 nm^2"),
        crop=SpectrumOptions("2 nm", "0.04 nm"),
        counting=EventOptions(),
        on_bad_frame=None,
        overwrite=True,
        **options,
    )


def test_the_command_never_replaces_what_it_did_not_write(movie, networks, tmp_path):
    movie.save(tmp_path / "edge.hspy")
    (tmp_path / "out").mkdir()
    for name in ("rates.csv", "report.html"):
        mine = tmp_path / "out" / name
        mine.write_text("mine", encoding="utf-8")
        with pytest.raises(ValueError, match=name):
            counted(tmp_path / "edge.hspy", networks, tmp_path / "out", report=True)
        assert mine.read_text(encoding="utf-8") == "mine"
        mine.unlink()
    with pytest.raises(ValueError, match="is the input"):
        counted(tmp_path / "edge.hspy", networks, tmp_path / "edge.hspy")


def test_a_movie_without_particles_has_a_page_without_events(
    movie, networks, tmp_path, monkeypatch
):
    monkeypatch.setattr(files, "_DOTS_PER_INCH", 25)
    empty = movie.inav[:4].deepcopy()
    empty.data[:] = np.random.default_rng(0).normal(5, 0.1, empty.data.shape)
    empty.save(tmp_path / "empty.hspy")
    found = counted(tmp_path / "empty.hspy", networks, tmp_path / "out", report=True)
    assert len(found.events) == len(found.columns) == len(found.rates) == 0
    assert (tmp_path / "out" / "report.html").exists()
