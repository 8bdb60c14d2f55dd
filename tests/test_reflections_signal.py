# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables and pictures of reflections from movies as signals."""

from __future__ import annotations

import tracemalloc
from types import SimpleNamespace

import hyperspy.api as hs
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.backend_bases import CloseEvent, MouseEvent
from own_warnings import of_ours
from patterns import columns_of, picture

from hyperspy_hrtemnn.analysis import brightness_ratio, on_axis_frames
from hyperspy_hrtemnn.options import FollowingOptions
from hyperspy_hrtemnn.plots import plot_reflections
from hyperspy_hrtemnn.plots.palette import id_color
from hyperspy_hrtemnn.signals._fourier.reflections import followed, reflection_table
from hyperspy_hrtemnn.signals._particles import still_figures

FRAMES, HEIGHT, WIDTH = 4, 120, 230
PIXEL = 0.02  # nm
ROTATIONS = (0.0, 4.0, 8.0, 5.0)  # of particle 3
QUIET = {"show_progressbar": False}


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def signal(data, signal_type):
    made = hs.signals.Signal2D(data)
    for name, axis in zip("xy", made.axes_manager.signal_axes, strict=True):
        axis.name, axis.scale, axis.units, axis.offset = name, PIXEL, "nm", 1.0
    for axis in made.axes_manager.navigation_axes:
        axis.name, axis.scale, axis.units = "time", 0.5, "s"
    made.set_signal_type(signal_type)
    return made


@pytest.fixture(scope="module")
def movie():
    """Particle 3 rotates, particle 8 has only (200) from frame 2 on."""
    rng = np.random.default_rng(4)
    images = np.ones((FRAMES, HEIGHT, WIDTH))
    whole = columns_of("[110]", (2.0, 2.0))
    for frame, rotation in enumerate(ROTATIONS):
        turned = columns_of("[110]", (2.0, 2.0), rotation)
        images[frame, :, :115] = picture(turned, (HEIGHT, 115), PIXEL)
        images[frame, :, 115:] = picture(whole, (HEIGHT, 115), PIXEL)
    along = np.arange(115) * PIXEL
    images[2:, :, 115:] = 1 - 0.2 * np.cos(2 * np.pi * along / 0.204)
    return signal(rng.poisson(60 * images).astype(np.float32), "HRTEM")


@pytest.fixture(scope="module")
def particles():
    row, column = np.indices((HEIGHT, WIDTH))
    labels = np.zeros((FRAMES, HEIGHT, WIDTH), np.int32)
    labels[:, np.hypot(row - 60, column - 57) < 50] = 3
    labels[:, np.hypot(row - 60, column - 172) < 50] = 8
    labels[0][labels[0] == 8] = 0
    return signal(labels, "HRTEM_instances")


@pytest.fixture(scope="module")
def spectra(movie, particles):
    return movie.local_fft(particles, apodization="0.1 nm", **QUIET)


@pytest.fixture(scope="module")
def peaks(spectra):
    return spectra.peak_table("Au", **QUIET)


def test_the_table_has_every_reflection_in_every_frame(peaks):
    assert peaks.columns.tolist() == [
        *("frame", "time", "id", "reflection", "spacing", "angle", "intensity"),
        *("amplitude", "noise", "found", "rotation", "family", "lattice", "zone_axis"),
    ]
    assert peaks.attrs["units"]["time"] == "s"
    assert peaks.attrs["units"]["spacing"] == "nm"
    np.testing.assert_allclose(peaks["time"], 0.5 * peaks["frame"])
    assert sorted(peaks["id"].unique()) == [3, 8]
    assert peaks[peaks["id"] == 8]["frame"].unique().tolist() == [1, 2, 3]
    assert set(peaks["zone_axis"]) == {"[110]"}
    assert peaks[["intensity", "amplitude"]].notna().all(axis=None)
    for _, rows in peaks.groupby("id"):
        assert len(set(rows.groupby("reflection")["frame"].nunique())) == 1
        assert {"{111}", "{200}"} <= set(rows["family"])


def test_a_rotation_is_in_the_angle_of_a_reflection(peaks):
    rows = peaks[(peaks["id"] == 3) & (peaks["family"] == "{200}")]
    np.testing.assert_allclose(rows["rotation"], ROTATIONS, atol=0.5)
    angle = np.unwrap(rows["angle"], period=180)
    np.testing.assert_allclose(angle - angle[0], ROTATIONS, atol=0.6)


def test_the_brightness_ratio_tells_the_frames_with_columns(spectra, peaks):
    ratios = spectra.brightness_ratio("Au", **QUIET)
    taken = on_axis_frames(ratios)
    assert taken[taken["id"] == 3]["frame"].tolist() == [0, 1, 2, 3]
    assert taken[taken["id"] == 8]["frame"].tolist() == [1]
    tilted = peaks[(peaks["id"] == 8) & (peaks["family"] == "{111}")]
    assert tilted["found"].tolist() == [True, True, False, False, False, False]


def test_the_brightness_ratio_of_a_table_and_of_spectra(spectra, peaks):
    expected = brightness_ratio(peaks)
    pd.testing.assert_frame_equal(spectra.brightness_ratio(peaks), expected)
    pd.testing.assert_frame_equal(spectra.brightness_ratio("Au", **QUIET), expected)
    with pytest.raises(TypeError, match=r"not a LocalFFT\. For spectra, call their"):
        brightness_ratio(spectra)
    with pytest.raises(TypeError, match="one without the columns amplitude, found"):
        spectra.brightness_ratio(peaks.drop(columns=["found", "amplitude"]))


def test_lazy_spectra_and_parts_of_them(movie, particles, spectra, peaks):
    lazy = movie.as_lazy().local_fft(particles, apodization="0.1 nm", **QUIET)
    again = lazy.peak_table("Au", **QUIET)
    assert again.equals(peaks)
    one = spectra.inav[1:, 1:3].peak_table("Au", **QUIET)
    assert set(one["id"]) == {8}
    assert one["frame"].unique().tolist() == [0, 1]
    assert one["time"].unique().tolist() == [0.5, 1.0]
    alone = movie.local_fft(particles, 3, apodization="0.1 nm", **QUIET)
    assert set(alone.peak_table(**QUIET)["id"]) == {3}
    image = movie.inav[0].isig[:115, :].local_fft(**QUIET).peak_table("Au", **QUIET)
    assert "time" not in image
    assert image["id"].unique().tolist() == [0]
    assert set(image["zone_axis"]) == {"[110]"}


def test_without_reflections_there_is_an_empty_table(movie, particles):
    flat = movie * 0 + np.random.default_rng(1).normal(size=movie.data.shape)
    flat.set_signal_type("HRTEM")
    table = flat.local_fft(particles, **QUIET).peak_table("Au", **QUIET)
    assert len(table) == 0
    assert table.columns[0] == "frame"


def test_many_spectra_take_little_more_memory_than_their_table():
    rng = np.random.default_rng(2)
    frame, number = np.divmod(np.arange(600), 4)
    shown = pd.DataFrame({"frame": frame, "id": number + 1})
    found = shown.loc[shown.index.repeat(3)].reset_index(drop=True)
    found["spacing"] = np.tile([0.2355, 0.204, 0.1442], len(shown))
    found["angle"] = (np.tile([35.3, 0, 90], len(shown)) + 0.3 * found["frame"]) % 180
    for name in ("intensity", "amplitude", "noise"):
        found[name] = rng.uniform(0.5, 1, len(found))
    time = SimpleNamespace(size=150, units="", name="time")
    tracemalloc.start()
    try:
        rows = followed(found, shown, FollowingOptions(), show_progressbar=False)
        table = reflection_table(rows, [time], indexed=False)
        memory = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(table) == len(found)
    assert table["reflection"].max() == 3
    assert memory < 10 * table.memory_usage().sum()


def test_a_particle_that_is_nowhere_is_told(movie, particles):
    lazy = movie.as_lazy().local_fft(
        particles.as_lazy(), 99, size="2.2 nm", apodization="0.1 nm", **QUIET
    )
    with pytest.warns(UserWarning, match="empty: id 99 is in none of these frames"):
        assert not len(lazy.peak_table("Au", **QUIET))
    with pytest.warns(UserWarning, match="empty: the images are constant"):
        assert not len((movie * 0).local_fft(**QUIET).peak_table(**QUIET))


def test_a_crystal_that_turned_in_a_pause_is_no_twin(particles):
    """By more than is expected from frame to frame, and back."""
    rng = np.random.default_rng(5)
    turns = (0, 2, 27, -40)
    images = [
        picture(columns_of("[110]", (2.0, 2.0), turn), (HEIGHT, 115), PIXEL)
        for turn in turns
    ]
    movie = signal(rng.poisson(60 * np.stack(images)).astype(np.float32), "HRTEM")
    labels = particles.isig[:115, :]
    spectra = movie.local_fft(labels, apodization="0.1 nm", **QUIET)
    peaks = spectra.peak_table("Au", **QUIET)
    assert set(peaks[peaks["family"] != ""]["lattice"]) == {"1"}
    found = peaks.groupby("frame")["rotation"].first()
    np.testing.assert_allclose(found, turns, atol=0.5)
    ratios = brightness_ratio(peaks)
    assert on_axis_frames(ratios)["frame"].tolist() == [0, 1, 2, 3]


def test_what_is_wrong_is_named(spectra, peaks):
    with pytest.raises(ValueError, match="'5 s', which is not a length"):
        spectra.peak_table(max_spacing="5 s")
    with pytest.raises(ValueError, match="not a known crystal"):
        spectra.peak_table("Ao")
    with pytest.raises(ValueError, match=r"one of \[3, 8\]"):
        spectra.plot_reflections(peaks)
    with pytest.raises(ValueError, match="no particle 4"):
        spectra.plot_reflections(peaks, 4)
    with pytest.raises(IndexError, match="no frame 9; there are 4"):
        spectra.plot_reflections(peaks, 3, 9)
    with pytest.raises(ValueError, match=r"one of \[3, 8\]"):
        plot_reflections(peaks)
    with pytest.raises(ValueError, match="no particle 4"):
        plot_reflections(peaks, 4)
    with pytest.raises(ValueError, match="no reflection 99; there are 1, 2"):
        plot_reflections(peaks, 3, [1, 99])


def test_a_spectrum_with_its_reflections(spectra, peaks):
    ax = spectra.plot_reflections(peaks, 8, 1)
    rows = peaks[(peaks["id"] == 8) & (peaks["frame"] == 1)]
    assert len(ax.lines) == len(rows)
    assert {"{111}", "{200}"} <= {text.get_text() for text in ax.texts}
    x, y = ax.lines[0].get_data()
    assert 1 / np.hypot(x[0], y[0]) == pytest.approx(rows["spacing"].iloc[0])
    assert np.degrees(np.arctan2(y[0], x[0])) % 180 == pytest.approx(
        rows["angle"].iloc[0]
    )


def test_curves_against_time(peaks):
    figure = plot_reflections(peaks, 3, [1, 2])
    above, below = figure.axes
    assert above.lines[0].get_xdata().tolist() == [0, 0.5, 1, 1.5]
    np.testing.assert_allclose(below.lines[0].get_ydata(), ROTATIONS, atol=1)
    assert below.get_xlabel() == "time (s)"


def test_another_table_than_that_of_reflections_is_refused(
    movie, particles, spectra, peaks
):
    properties = particles.properties(**QUIET)
    for call in (
        lambda table: plot_reflections(table, 3),
        lambda table: spectra.plot_reflections(table, 3),
        lambda table: particles.explore_reflections(movie, spectra, table),
    ):
        with pytest.raises(ValueError, match="'reflection'; it has to be that of Loc"):
            call(properties)
        with pytest.raises(ValueError, match=r"'spacing \(nm\)': .* table\.rename"):
            call(peaks.rename(columns={"spacing": "spacing (nm)"}))


def test_a_table_from_a_file_is_drawn_as_the_table_itself(spectra, peaks, tmp_path):
    peaks.to_csv(tmp_path / "reflections.csv", index=False)
    read = pd.read_csv(tmp_path / "reflections.csv")

    def drawn(table):
        above, _ = plot_reflections(table, 3).axes
        ax = spectra.plot_reflections(table, 3)
        names = [text.get_text() for text in (*above.get_legend().texts, *ax.texts)]
        colors = [line.get_color() for line in (*above.lines, *ax.lines)]
        return names, colors

    assert drawn(read) == drawn(peaks)


def test_no_curve_crosses_frames_without_the_particle(peaks):
    rows = peaks[peaks["id"] == 3]
    frame = sorted(rows["frame"].unique())[1]
    missing = peaks[(peaks["id"] != 3) | (peaks["frame"] != frame)]
    for panel in plot_reflections(missing, 3, [1]).axes:
        assert np.isnan(panel.lines[0].get_ydata()).sum() == 1
    for panel in plot_reflections(peaks, 3, [1]).axes:
        assert not np.isnan(panel.lines[0].get_ydata()).any()


def test_no_curve_crosses_a_pause(peaks):
    paused = peaks.assign(time=peaks["time"] + 9 * (peaks["frame"] > 1))
    for panel in plot_reflections(paused, 3, [1]).axes:
        (band,) = panel.patches
        ends = band.get_extents().transformed(panel.transData.inverted())
        assert ends.intervalx == pytest.approx([0.5, 10])
        gaps = np.isnan(panel.lines[0].get_ydata())
        np.testing.assert_array_equal(gaps, [0, 0, 1, 0, 0])


def test_a_map_of_the_ratio(movie, particles, spectra):
    ratios = spectra.brightness_ratio("Au", **QUIET)
    ax = particles.plot_brightness_ratio(movie, ratios, 2)
    filled = ax.images[-1].get_array()
    of_three = ratios[(ratios["id"] == 3) & (ratios["frame"] == 2)]
    assert filled[60, 57] == pytest.approx(of_three["brightness_ratio"].item())
    assert filled.mask[0, 0]
    assert filled[60, 172] > 2 * filled[60, 57]


def widths(ax):
    """Return the width of the outline of each color."""
    return {line.get_color(): line.get_linewidth() for line in ax.lines}


def click_on(figure, ax, pixel):
    """Click on a pixel (x, y) of an image."""
    place = ax.transData.transform([1.0 + PIXEL * n for n in pixel])
    event = MouseEvent("button_press_event", figure.canvas, *place, button=1)
    figure.canvas.callbacks.process("button_press_event", event)


def test_a_click_shows_a_particle(movie, particles, spectra, peaks):
    figure = particles.explore_reflections(movie, spectra, peaks, 2)
    figure.canvas.draw()
    (image,) = (ax for ax in figure.axes if ax.images)
    others = [ax for ax in figure.axes if ax is not image]
    assert not any(ax.lines for ax in others)
    click_on(figure, image, (2, 2))  # background
    assert not any(ax.lines for ax in others)
    click_on(figure, image, (172, 60))
    titles = {ax.get_title() for ax in others}
    assert "particle 8" in titles
    assert all(ax.lines for ax in others)
    assert image.get_title() == "frame 2, 1.0 s\nparticle 8 is selected"
    assert widths(image) == {id_color(3): 1.5, id_color(8): 3.5}
    click_on(figure, image, (57, 60))
    assert "particle 3" in {ax.get_title() for ax in others}
    assert widths(image) == {id_color(3): 3.5, id_color(8): 1.5}


@pytest.mark.parametrize("widgets", [True, False])
def test_a_notebook_with_still_figures_says_how_to_get_others(
    movie, particles, spectra, peaks, monkeypatch, widgets
):
    monkeypatch.setattr(mpl, "get_backend", lambda: "inline")
    monkeypatch.setattr(still_figures, "find_spec", lambda _: widgets or None)
    with pytest.warns(UserWarning, match="do not react to clicks") as told:
        figure = particles.explore_reflections(movie, spectra, peaks, 2)
    (text,) = (str(one.message) for one in of_ours(told))
    assert "'%matplotlib widget' in a cell" in text
    assert ("pip install ipympl" in text) == (not widgets)
    assert "%matplotlib widget" in figure.axes[0].get_title()


def test_a_click_on_a_particle_without_spectra_says_so(
    movie, particles, spectra, peaks
):
    one = spectra.inav[0, :]  # of particle 3
    figure = particles.explore_reflections(movie, one, peaks, 2)
    figure.canvas.draw()
    (image,) = (ax for ax in figure.axes if ax.images)
    click_on(figure, image, (172, 60))
    assert image.get_title() == ("frame 2, 1.0 s\nthere are no spectra of particle 8")
    click_on(figure, image, (57, 60))
    assert image.get_title().endswith("\nparticle 3 is selected")
    click_on(figure, image, (172, 60))
    assert image.get_title().endswith("of particle 8; particle 3 is selected")
    # Spectra in which nothing was found.
    figure = particles.explore_reflections(movie, spectra, peaks.query("id == 3"), 2)
    figure.canvas.draw()
    image = next(ax for ax in figure.axes if ax.images)
    click_on(figure, image, (172, 60))
    assert "particle 8" in {ax.get_title() for ax in figure.axes}


def test_a_figure_to_click_on_follows_the_movie(movie, particles, spectra, peaks):
    movie = movie.deepcopy()
    table = particles.properties(**QUIET)
    figure = particles.explore_reflections(movie, spectra, peaks, 2, properties=table)
    figure.canvas.draw()
    (image,) = (ax for ax in figure.axes if ax.images)
    click_on(figure, image, (57, 60))
    (spectrum,) = (ax for ax in figure.axes if ax.images and ax is not image)
    curves = [ax for ax in figure.axes if ax not in (image, spectrum)]
    area = next(ax for ax in curves if ax.get_ylabel() == "area (nm²)")
    np.testing.assert_allclose(
        area.lines[0].get_ydata(), table.query("id == 3")["area"]
    )

    def times():
        return [ax.lines[-1].get_xdata()[0] for ax in curves]

    assert times() == [1.0] * 3
    for frame in (3, 0, 3):
        movie.axes_manager.indices = (frame,)
        assert times() == [0.5 * frame] * 3
        shown = image.images[0].get_array()
        np.testing.assert_array_equal(shown, movie.data[frame])
        ids = ["3"] if frame == 0 else ["3", "8"]
        assert [text.get_text() for text in image.texts] == ids
        direct = spectra.plot_reflections(peaks, 3, frame).images[0].get_array()
        np.testing.assert_array_equal(spectrum.images[0].get_array(), direct)
    click_on(figure, image, (172, 60))
    assert spectrum.get_title() == "particle 8"
    assert times() == [1.5] * 3
    movie.axes_manager.indices = (0,)
    assert spectrum.get_title() == "particle 8 is not here"
    CloseEvent("close_event", figure.canvas)._process()
    assert not movie.axes_manager.events.indices_changed.connected
    movie.axes_manager.indices = (1,)
    assert times() == [0.0] * 3
