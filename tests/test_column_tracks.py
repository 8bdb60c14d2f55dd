# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns keep their track through drift, noise and gaps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from crystals import Movie, mos2, walk
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_hrtemnn.analysis import link_columns
from hyperspy_hrtemnn.analysis.columns.drift import expected_drift

PLACES, CLASSES = mos2(6, 9)


def same_partition(track, site):
    """Whether each track is of one site, and each site has one track."""
    pairs = pd.DataFrame({"track": track, "site": site}).drop_duplicates()
    return len(pairs) == pairs["track"].nunique() == pairs["site"].nunique()


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    step=st.floats(0, 0.04),
    noise=st.floats(0, 0.012),
    missed=st.floats(0, 0.05),
)
def test_tracks_are_sites(seed, step, noise, missed) -> None:
    states = np.tile(CLASSES, (20, 1))
    drift = walk(20, step, seed)
    movie = Movie(PLACES, states, drift=drift, noise=noise, missed=missed, seed=seed)
    linked = link_columns(movie.table, memory=9)
    assert same_partition(linked["track"], movie.site)
    found = linked[["x", "y"]].to_numpy() - linked[["x_corrected", "y_corrected"]]
    error = found.to_numpy() - movie.drift[linked["frame"]]
    assert np.abs(error).max() < noise + 1e-9


def test_the_table_stays_as_it_is() -> None:
    movie = Movie(PLACES, np.tile(CLASSES, (3, 1)), drift=walk(3, 0.03))
    shuffled = movie.table.sample(frac=1, random_state=3)
    linked = link_columns(shuffled)
    assert linked.attrs == shuffled.attrs
    pd.testing.assert_frame_equal(linked[shuffled.columns], shuffled)
    # Whatever the order of the rows.
    site = movie.site[shuffled.index]
    assert same_partition(linked["track"], site)


def test_a_class_may_change_and_is_no_part_of_the_track() -> None:
    states = np.tile(CLASSES, (8, 1))
    states[4:, 70] = "1S"
    movie = Movie(PLACES, states, noise=0.005)
    assert same_partition(link_columns(movie.table)["track"], movie.site)


def test_edges_and_defects_tell_of_a_drift_of_a_lattice_constant() -> None:
    states = np.tile(CLASSES, (5, 1))
    states[:, [60, 77, 81, 100]] = "1S"
    drift = np.outer(np.arange(5), [0.3, 0.1])
    movie = Movie(PLACES, states, drift=drift, noise=0.005)
    near = link_columns(movie.table)
    assert not same_partition(near["track"], movie.site)
    far = link_columns(movie.table, max_drift=0.5)
    assert same_partition(far["track"], movie.site)


def test_columns_that_move_do_not_bend_the_drift() -> None:
    """A third of the columns shift together, the rest drift."""
    states = np.tile(CLASSES, (2, 1))
    drift = np.array([(0, 0), (0.05, -0.03)])
    movie = Movie(PLACES, states, drift=drift)
    moving = (movie.table["frame"] == 1) & (movie.site % 3 == 0)
    movie.table.loc[moving, "x"] += 0.06
    linked = link_columns(movie.table)
    assert same_partition(linked["track"], movie.site)
    still = (linked["frame"] == 1) & ~moving
    shift = linked.loc[still, "x"] - linked.loc[still, "x_corrected"]
    np.testing.assert_allclose(shift, 0.05, atol=1e-6)


@pytest.mark.parametrize(("memory", "tracks"), [(0, 2), (2, 2), (3, 1)])
def test_a_column_that_is_missed_returns(memory, tracks) -> None:
    states = np.tile(CLASSES, (9, 1))
    states[3:6, 30] = "none"
    movie = Movie(PLACES, states)
    linked = link_columns(movie.table, memory=memory)
    assert linked.loc[movie.site == 30, "track"].nunique() == tracks
    assert same_partition(
        linked["track"][movie.site != 30], movie.site[movie.site != 30]
    )


def test_frames_that_were_left_out_do_not_count_as_missed() -> None:
    movie = Movie(PLACES, np.tile(CLASSES, (9, 1)))
    movie.table.loc[(movie.site == 30) & (movie.table["frame"] == 5), "x"] = np.nan
    kept = movie.table["x"].notna() & ~movie.table["frame"].isin([2, 3, 4, 6])
    table, site = movie.table[kept], movie.site[kept]
    # One column is missing in frame 5, the only one between those left out.
    assert same_partition(link_columns(table, memory=1)["track"], site)
    assert link_columns(table, memory=0)["track"].max() == len(PLACES) + 1


@pytest.mark.parametrize("speed", [0.011, 0.0])
def test_a_steady_drift_goes_on_over_a_gap(speed) -> None:
    """A gap of 26 frames, over which the lattice moves by 0.9 of its constant."""
    drift = np.outer(np.arange(60), [speed, 0.2 * speed])
    movie = Movie(PLACES, np.tile(CLASSES, (60, 1)), drift=drift, noise=0.005)
    # What enters the field and leaves it hides by how many periods it moved.
    kept = movie.table["x"].between(0.8, 3.0) & ~movie.table["frame"].between(20, 45)
    table, site = movie.table[kept], movie.site[kept]
    linked = link_columns(table)
    moved = linked[["x", "y"]] - linked[["x_corrected", "y_corrected"]].to_numpy()
    found = moved.groupby(linked["frame"]).median()
    np.testing.assert_allclose(found, drift[found.index], atol=0.02)
    tracks = pd.Series(np.asarray(site)).groupby(linked["track"].to_numpy()).nunique()
    assert tracks.max() == 1


def test_a_random_walk_is_not_expected_to_go_on() -> None:
    frames = np.append(np.arange(12), 30)
    for seed in range(20):
        drifts = np.random.default_rng(seed).normal(0, 0.02, (12, 2)).cumsum(axis=0)
        assert np.hypot(*(expected_drift(frames, drifts) - drifts[-1])) < 0.6
    steady = np.outer(frames[:-1], [0.02, -0.01])
    np.testing.assert_allclose(expected_drift(frames, steady), [0.6, -0.3])
    np.testing.assert_allclose(expected_drift(frames[:-1], steady[:-1]), steady[-2])


def test_each_column_is_in_one_pair() -> None:
    """Of two columns in the search range of one, the nearer continues its track."""
    table = pd.DataFrame(
        {"frame": [0, 1, 1], "x": [0.0, 0.4, -0.1], "y": [0.0, 0.0, 0.0]}
    )
    assert link_columns(table, 1.0, max_drift=0.01)["track"].tolist() == [1, 2, 1]


def test_an_empty_table() -> None:
    empty = Movie(PLACES, np.tile(CLASSES, (1, 1))).table.iloc[:0]
    linked = link_columns(empty)
    assert len(linked) == 0
    assert {"track", "x_corrected", "y_corrected"} <= set(linked)


def test_wrong_input() -> None:
    table = Movie(PLACES, np.tile(CLASSES, (2, 1))).table
    with pytest.raises(ValueError, match=r"no column y; it has frame, class, x"):
        link_columns(table.drop(columns="y"))
    with pytest.raises(ValueError, match="x holds values that are not finite"):
        link_columns(table.assign(x=np.nan))
    with pytest.raises(ValueError, match="memory is a number of frames, not -1"):
        link_columns(table, memory=-1)
    for name in ("search_range", "max_drift"):
        with pytest.raises(ValueError, match=f"{name} has to be positive, not 0"):
            link_columns(table, **{name: 0})
    with pytest.raises(ValueError, match="search_range has to be given"):
        link_columns(table.groupby("frame").head(1))
