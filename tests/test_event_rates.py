# SPDX-License-Identifier: GPL-3.0-or-later
"""Rates of events: counted once, over the time that was observed, with true bands."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from hyperspy_hrtemnn.analysis import (
    column_events,
    count_once,
    event_rates,
    rates_in_time,
)
from hyperspy_hrtemnn.plots import plot_events

STEP = 0.25  # s
NAMES = ("frame", "track", "kind", "jump", "before", "after", "probability")
EVENTS = (
    (4, 1, "appears", 0, "none", "Au", 0.9),
    (7, 2, "jumps", 1, "Au", "none", 0.8),
    (8, 3, "jumps", 1, "none", "Au", 0.6),
    (20, 5, "vanishes", 0, "Au", "none", 0.99),
    (25, 5, "appears", 0, "none", "Au", 0.99),
)


def events_of(number=1, rows=EVENTS):
    table = pd.DataFrame(rows, columns=NAMES).assign(id=number)
    table["frame_before"] = table["frame"] - 1
    table["x_corrected"] = table["track"] * 0.25
    table["y_corrected"] = 0.5
    return table


def columns_of(frames, number=1, count=6):
    table = pd.DataFrame({"frame": np.repeat(frames, count), "id": number})
    table["track"] = np.tile(np.arange(1, count + 1), len(frames))
    table["time"] = 3 + STEP * table["frame"]
    table["x_corrected"] = 0.25 * table["track"]
    table["y_corrected"] = 0.5
    table.attrs["units"] = {"time": "s", "x": "nm", "y": "nm"}
    return table


def test_a_jump_counts_once_and_is_as_probable_as_either_end():
    once = count_once(events_of())
    assert once["track"].tolist() == [1, 3, 5, 5]
    np.testing.assert_allclose(once["probability"], [0.9, 1 - 0.2 * 0.4, 0.99, 0.99])


def test_a_jump_that_is_first_seen_at_its_end_counts_where_it_ends():
    rows = [
        (7, 3, "jumps", 1, "none", "Au", 0.8),
        (8, 2, "jumps", 1, "Au", "none", 0.6),
    ]
    assert count_once(events_of(rows=rows))["track"].tolist() == [3]


def test_rates_are_over_observed_steps():
    # Of 30 frames 24 to 26 are missing, so that 25 steps are left, and the event at 25
    # is not among them.
    frames = np.setdiff1d(np.arange(30), [24, 25, 26])
    events = events_of()
    events.loc[events["frame"] == 25, ["frame", "frame_before"]] = 27, 23
    (row,) = event_rates(events, columns_of(frames)).to_dict("records")
    assert row["observed"] == 25 * STEP
    assert (row["events"], row["columns"]) == (3, 6)
    assert (row["appears"], row["jumps"], row["vanishes"], row["changes"]) == (
        1,
        1,
        1,
        0,
    )
    assert row["rate"] == pytest.approx(3 / (25 * STEP))
    # The band of 95 % of 3 events is 0.619 to 8.767.
    assert row["rate_low"] == pytest.approx(0.6187 / (25 * STEP), rel=1e-3)
    assert row["rate_high"] == pytest.approx(8.7673 / (25 * STEP), rel=1e-3)
    assert row["rate_per_column"] == pytest.approx(row["rate"] / 6)


def test_expected_false_events_are_subtracted():
    table = event_rates(events_of(), columns_of(np.arange(33)), false_rate=0.02)
    (row,) = table.to_dict("records")
    assert row["false_events"] == pytest.approx(0.02 * 6 * 32 * STEP)
    assert row["rate"] == pytest.approx((4 - 0.96) / (32 * STEP))
    many = event_rates(events_of(), columns_of(np.arange(33)), false_rate=1.0)
    assert many["rate"].tolist() == [0]
    assert table.attrs["units"]["rate_per_column_low"] == "1/s"


def test_each_particle_has_its_own_rate():
    events = pd.concat([events_of(2), events_of(5, EVENTS[:1])], ignore_index=True)
    columns = pd.concat(
        [columns_of(np.arange(30), 2), columns_of(np.arange(9), 5, 4)],
        ignore_index=True,
    )
    rates = event_rates(events, columns)
    assert rates["id"].tolist() == [2, 5]
    assert rates["events"].tolist() == [4, 1]
    assert rates["observed"].tolist() == [29 * STEP, 8 * STEP]
    assert rates["columns"].tolist() == [6, 4]


def test_without_particles_and_times_rates_are_per_frame():
    columns = columns_of(np.arange(21)).drop(columns=["id", "time"])
    table = event_rates(events_of().drop(columns="id"), columns)
    assert "id" not in table
    assert table["observed"].tolist() == [20]
    assert table.attrs["units"]["rate"] == "1/frame"


def test_the_band_holds_the_rate_of_a_known_process():
    """In 95 % of many movies, as it says; with few events in a little more."""
    rng = np.random.default_rng(1)
    rate, frames, held = 0.6, np.arange(81), []
    columns = columns_of(frames, count=1)
    for _ in range(150):
        frame = np.flatnonzero(rng.random(81) < rate * STEP)
        rows = [(f, 1, "appears", 0, "none", "Au", 1.0) for f in frame if f]
        (row,) = event_rates(events_of(rows=rows), columns).to_dict("records")
        held.append(row["rate_low"] <= rate <= row["rate_high"])
    assert 0.93 <= np.mean(held) <= 1


def test_rates_in_time():
    frames = np.setdiff1d(np.arange(41), np.arange(21, 31))
    parts = rates_in_time(events_of(), columns_of(frames), parts=4)
    assert [part.start for part in parts] == [3, 5.5, 8, 10.5]
    assert [round(part.rate, 6) for part in parts[:2]] == [0.8, 0.4]
    assert np.isnan(parts[2].rate)
    assert parts[3].rate == 0 < parts[3].high
    assert all(part.low <= part.rate <= part.high for part in parts if part.rate >= 0)


def test_nothing_was_observed():
    table = event_rates(events_of(rows=[]), columns_of([3]))
    assert table["events"].tolist() == [0]
    assert table["rate"].isna().all()
    assert rates_in_time(events_of(rows=[]), columns_of([3])) == []


def test_the_plot_shows_numbers_rates_and_places():
    frames = np.setdiff1d(np.arange(30), [13, 14])
    columns = pd.concat([columns_of(frames, 1), columns_of(frames[:12], 2)])
    columns.attrs["units"] = {"time": "s", "x": "nm", "y": "nm"}
    events = pd.concat([events_of(1), events_of(2, EVENTS[:1])], ignore_index=True)
    axes = Figure().subplots(3, 1)
    plot_events(events, columns, axes)
    number, rate, where = axes
    first = next(line for line in number.lines if line.get_linestyle() == ":")
    assert first.get_ydata()[[0, -1]].tolist() == [0, 4]
    assert first.get_xdata()[-1] == 3 + 29 * STEP
    labels = [text.get_text() for text in number.get_legend().get_texts()]
    assert labels == ["particle 1", "particle 2"]
    assert number.get_xlabel() == "time (s)"
    assert rate.get_ylabel() == "events of a particle (1/s)"
    (arrow,) = [text for text in where.texts if hasattr(text, "arrow_patch")]
    assert arrow.xy == pytest.approx((0.75, 0.5))
    assert arrow.xyann == pytest.approx((0.5, 0.5))
    assert where.yaxis_inverted()


def test_the_plot_of_a_movie_without_particles():
    columns = columns_of(np.arange(30)).drop(columns=["id", "time"])
    figure = plot_events(events_of().drop(columns="id"), columns)
    assert figure.axes[0].get_xlabel() == "frame"
    assert figure.axes[0].get_legend() is None


def test_wrong_tables_and_numbers():
    events, columns = events_of(), columns_of(np.arange(9))
    with pytest.raises(ValueError, match="no column jump"):
        event_rates(events.drop(columns="jump"), columns)
    with pytest.raises(ValueError, match="no column frame"):
        event_rates(events, columns.drop(columns="frame"))
    with pytest.raises(ValueError, match="false_rate is -1"):
        event_rates(events, columns, false_rate=-1)
    with pytest.raises(ValueError, match="confidence is 95"):
        event_rates(events, columns, confidence=95)
    with pytest.raises(ValueError, match="parts is a number, 1 or more, not 0"):
        rates_in_time(events, columns, parts=0)


def test_events_of_the_analysis_have_what_rates_need():
    columns = columns_of(np.arange(20)).assign(x=0.0, y=0.0)
    columns["class"] = "Au"
    late = (columns["track"] == 3) & (columns["frame"] >= 11)
    events = column_events(columns[~late])
    (row,) = event_rates(events, columns[~late]).to_dict("records")
    assert (row["events"], row["vanishes"]) == (1, 1)
