# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures show what the tables say, where it is."""

from __future__ import annotations

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import EllipseCollection
from matplotlib.colors import to_hex

from hyperspy_hrtemnn import plots
from hyperspy_hrtemnn.analysis import strain_map

COLUMNS = pd.DataFrame(
    {
        "frame": [0, 0, 2, 2, 2],
        "class": ["1Mo", "2S", "1Mo", "1S", "2S"],
        "x": [1.0, 1.2, 1.1, 1.3, 1.5],
        "y": [2.0, 2.1, 2.0, 2.1, 2.0],
    }
)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def images(shape):
    made = hs.signals.Signal2D(np.random.default_rng(0).normal(size=shape))
    made.set_signal_type("HRTEM")
    for name, offset, axis in zip(
        "xy", (0.5, 1.5), made.axes_manager.signal_axes, strict=True
    ):
        axis.name, axis.scale, axis.units, axis.offset = name, 0.05, "nm", offset
    return made


def circles(ax):
    """Return (line style, color, centers) of what is drawn around columns."""
    return [
        (
            c.get_linestyle()[0][1] is not None,
            to_hex(c.get_edgecolor()[0]),
            c.get_offsets(),
        )
        for c in ax.collections
        if isinstance(c, EllipseCollection)
    ]


def test_columns_on_their_frame() -> None:
    movie = images((3, 20, 30))
    ax = movie.plot_columns(COLUMNS, 2)
    np.testing.assert_array_equal(ax.images[0].get_array(), movie.data[2])
    drawn = circles(ax)
    expected = COLUMNS[COLUMNS["frame"] == 2]
    assert len({color for _, color, _ in drawn}) == 3
    places = np.concatenate([offsets for _, _, offsets in drawn])
    np.testing.assert_allclose(places, expected[["x", "y"]])
    labels = ax.get_legend_handles_labels()[1]
    assert labels == ["1Mo", "1S", "2S"]
    assert ax.get_xlim() == pytest.approx((0.475, 1.975))
    assert ax.get_ylim() == pytest.approx((2.475, 1.475))
    assert ax.get_title() == "frame 2"
    assert ax.artists[0].txt_label.get_text() == "0.5 nm"
    # A class has its color in every frame, though 1S is not in this one.
    first = dict(
        zip(
            ["1Mo", "2S"],
            [c for _, c, _ in circles(movie.plot_columns(COLUMNS, 0))],
            strict=True,
        )
    )
    later = dict(zip(labels, [c for _, c, _ in drawn], strict=True))
    assert first == {name: later[name] for name in first}


def test_vacancies_events_and_diffusion() -> None:
    vacancies = pd.DataFrame(
        {"frame": [1, 2], "class": ["2S", "1Mo"], "x": [0.9, 0.8], "y": [1.9, 2.2]}
    )
    events = pd.DataFrame(
        {"frame": [1, 2], "x": [0, 1.3], "y": [0, 2.1], "before": "2S", "after": "1S"}
    )
    diffusion = pd.DataFrame(
        {"frame": [2], "x_from": 1.3, "y_from": 2.1, "x_to": 1.5, "y_to": 2.0}
    )
    ax = images((3, 20, 30)).plot_columns(
        COLUMNS, 2, vacancies=vacancies, events=events, diffusion=diffusion
    )
    dashed = [c for c in circles(ax) if c[0]]
    assert [offsets.tolist() for _, _, offsets in dashed] == [[[0.8, 2.2]]]
    solid = {
        offsets[0, 0]: color
        for is_dashed, color, offsets in circles(ax)
        if not is_dashed
    }
    assert dashed[0][1] == solid[1.1]
    assert "missing 1Mo" in ax.get_legend_handles_labels()[1]
    texts = [text for text in ax.texts if text.get_text()]
    assert [text.get_text() for text in texts] == ["2S → 1S"]
    assert texts[0].xy == (1.3, 2.1)
    (arrow,) = [text for text in ax.texts if text.arrow_patch is not None]
    assert arrow.xy == (1.5, 2.0)
    ax.figure.canvas.draw()


def test_the_images_of_a_series_have_the_same_columns() -> None:
    series = images((3, 4, 20, 30))
    defocus, time = series.axes_manager.navigation_axes
    defocus.name, time.name = "defocus", "time"
    ax = series.plot_columns(COLUMNS, (3, 2))
    np.testing.assert_array_equal(ax.images[0].get_array(), series.data[2, 3])
    assert len(circles(ax)) == 3
    assert len(circles(series.plot_columns(COLUMNS, (3, 1)))) == 0
    with pytest.raises(IndexError, match="no frame 4"):
        series.plot_columns(COLUMNS, (4, 2))
    single = images((20, 30)).plot_columns(COLUMNS.iloc[:1])
    assert len(circles(single)) == 1


def test_counts_against_time() -> None:
    counts = pd.DataFrame(
        {"1S": [1, 2, 0], "2S": [5, 4, 4], "missing 2S": [0, 0, 2]}
    ).rename_axis("frame")
    ax = plots.plot_counts(counts)
    assert ax.get_xlabel() == "frame"
    values = {line.get_label(): line.get_ydata().tolist() for line in ax.lines}
    assert values == {name: counts[name].tolist() for name in counts}
    _, sulfur, missing = ax.lines
    assert sulfur.get_color() == missing.get_color()
    assert missing.get_linestyle() == "--"
    some = plots.plot_counts(counts, ["1S"], frame_time=0.5)
    assert some.get_xlabel() == "time (s)"
    (line,) = some.lines
    assert line.get_xdata().tolist() == [0, 0.5, 1]
    with pytest.raises(ValueError, match="no class 3S; there are 1S, 2S, missing 2S"):
        plots.plot_counts(counts, ["3S"])


def test_a_strain_map() -> None:
    i, j = np.mgrid[:6, :9].reshape(2, -1)
    places = 0.4 * np.stack([1.03 * i, j], axis=1)
    table = strain_map(places, [(0.4, 0), (0, 0.4)])
    figure = plots.plot_strain(table, unit="Å")
    maps = figure.axes[:4]
    discs = [ax.collections[0] for ax in maps]
    np.testing.assert_allclose(discs[0].get_array().compressed(), 3)
    np.testing.assert_allclose(discs[1].get_array().compressed(), 0, atol=1e-9)
    assert discs[0].get_clim() == discs[1].get_clim() == pytest.approx((-3, 3))
    np.testing.assert_allclose(discs[3].get_offsets(), places)
    assert maps[2].get_xlabel() == "x (Å)"
    low, high = maps[0].get_ylim()
    assert low > high  # as the image
    fixed = plots.plot_strain(table, limit=0.05).axes[0].collections[0]
    assert fixed.get_clim() == pytest.approx((-5, 5))
    with pytest.raises(ValueError, match="limit has to be positive, not 0"):
        plots.plot_strain(table, limit=0)
