# SPDX-License-Identifier: GPL-3.0-or-later
"""Known events of a movie of MoS2 are found, and no others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from crystals import VECTORS, A, Movie, mos2, walk
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_hrtemnn.analysis import (
    column_events,
    count_columns,
    diffusion_events,
    find_vacancies,
    link_columns,
    steady_states,
)

PLACES, CLASSES = mos2(8, 11)
SULFUR = len(PLACES) // 2  # the first one of 88
FRAMES = 40


def site_at(row, column, *, sulfur=True):
    return column * 8 + row + SULFUR * sulfur


def vacancy_movie(**noise):
    """A vacancy is made, another one moves and is filled, columns are lost and come."""
    states = np.tile(CLASSES, (FRAMES, 1))
    made, start, end, lost = (site_at(3, c) for c in (2, 5, 6, 8))
    mo = site_at(5, 5, sulfur=False)
    states[7:, made] = "1S"
    states[:12, start] = "1S"
    states[12:25, end] = "1S"
    states[9:, lost] = "1S"
    states[20:, lost] = "none"
    states[:30, mo] = "none"
    expected = [
        (7, made, "2S", "1S"),
        (9, lost, "2S", "1S"),
        (12, start, "1S", "2S"),
        (12, end, "2S", "1S"),
        (20, lost, "1S", "none"),
        (25, end, "1S", "2S"),
        (30, mo, "none", "1Mo"),
    ]
    return Movie(PLACES, states, **noise), sorted(expected)


def found_events(movie, **options):
    linked = link_columns(movie.table, memory=9)
    events = column_events(linked, **options)
    site = pd.Series(movie.site).groupby(linked["track"]).first()
    rows = zip(
        events["frame"],
        site[events["track"]],
        events["before"],
        events["after"],
        strict=True,
    )
    return sorted((int(f), int(s), b, a) for f, s, b, a in rows), events


def test_events_of_a_clean_movie() -> None:
    movie, expected = vacancy_movie()
    found, events = found_events(movie)
    assert found == expected
    assert events["frame"].is_monotonic_increasing
    by_place = events.sort_values(["frame", "x"])[["x", "y"]].to_numpy()
    places = sorted((frame, *PLACES[site]) for frame, site, _, _ in expected)
    np.testing.assert_allclose(by_place, np.array(places)[:, 1:], atol=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_events_behind_noise_drift_and_errors(seed) -> None:
    """Positions are off, columns missed, one S in fifty misclassified."""
    movie, expected = vacancy_movie(
        drift=walk(FRAMES, 0.03, seed), noise=0.01, missed=0.02, wrong=0.02, seed=seed
    )
    found, _ = found_events(movie, min_frames=5)
    assert sorted(e[1:] for e in found) == sorted(e[1:] for e in expected)
    by_event = {event[1:]: event[0] for event in found}
    late = [by_event[event[1:]] - event[0] for event in expected]
    # An error in the very frame of a change cannot be told from a later change.
    assert max(map(abs, late)) <= 2
    assert np.count_nonzero(late) <= 2


@pytest.mark.parametrize(("min_frames", "count"), [(1, 2), (3, 2), (4, 0)])
def test_a_state_has_to_last(min_frames, count) -> None:
    states = np.tile(CLASSES, (12, 1))
    states[5:8, 100] = "1S"
    found, _ = found_events(Movie(PLACES, states), min_frames=min_frames)
    assert len(found) == count


def test_what_drifts_out_of_view_is_not_lost() -> None:
    states = np.tile(CLASSES, (30, 1))
    states[15:, site_at(4, 5)] = "1S"
    drift = np.outer(np.arange(30), [0.03, 0.01])
    movie = Movie(PLACES, states, drift=drift)
    edges = {"x": (0.3, 3.2), "y": (0.3, 2.0)}
    seen = movie.table["x"].between(*edges["x"]) & movie.table["y"].between(*edges["y"])
    site = movie.site[seen]
    movie.table = movie.table[seen].reset_index(drop=True)
    movie.site = site
    without, _ = found_events(movie)
    assert len(without) > 20
    movie.table.attrs["field"] = edges
    assert found_events(movie)[0] == [(15, site_at(4, 5), "2S", "1S")]


def test_what_drifts_out_of_view_and_back_is_the_same_site() -> None:
    states = np.tile(CLASSES, (40, 1))
    states[30:, site_at(4, 5)] = "1S"
    away = 0.5 * np.sin(np.arange(40) / 40 * 2 * np.pi)
    movie = Movie(
        PLACES, states, drift=np.stack([away, 0.3 * away], axis=1), noise=0.004
    )
    edges = {"x": (0.4, 3.4), "y": (0.3, 2.0)}
    seen = movie.table["x"].between(*edges["x"]) & movie.table["y"].between(*edges["y"])
    table, site = movie.table[seen], movie.site[seen]
    table.attrs["field"] = edges
    linked = link_columns(table)
    assert linked["track"].nunique() > len(set(site)) + 10
    events = column_events(linked)
    assert events[["frame", "before", "after"]].to_numpy().tolist() == [
        [30, "2S", "1S"]
    ]


@pytest.mark.parametrize("memory", [0, 5])
def test_a_short_gap_is_no_event_whatever_the_memory(memory) -> None:
    states = np.tile(CLASSES, (12, 1))
    states[4:6, 100] = "none"
    linked = link_columns(Movie(PLACES, states).table, memory=memory)
    assert len(column_events(linked, min_frames=3)) == 0
    assert len(column_events(linked, min_frames=2)) == 2


def test_frames_at_the_end_without_columns_are_unknown() -> None:
    movie = Movie(PLACES, np.tile(CLASSES, (6, 1)))
    movie.table["time"] = 0.5 * movie.table["frame"]
    movie.table.attrs["frames"] = 10
    found, events = found_events(movie)
    assert found == []
    assert list(events.columns[:3]) == ["frame", "time", "track"]
    assert events.attrs["unknown_frames"] == [6, 7, 8, 9]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("drifting", [0.0, 0.01])
def test_a_static_lattice_has_no_events_whatever_frames_are_left_out(
    seed, drifting
) -> None:
    rng = np.random.default_rng(seed)
    drift = np.outer(np.arange(70), [drifting, -drifting])
    movie = Movie(PLACES, np.tile(CLASSES, (70, 1)), drift=drift, noise=0.012)
    for kept in (rng.random(70) < 0.35, ~np.isin(np.arange(70), np.arange(22, 37))):
        table = movie.table[kept[movie.table["frame"]]].reset_index(drop=True)
        assert len(column_events(link_columns(table))) == 0


@pytest.mark.parametrize("seed", range(4))
def test_events_are_found_once_with_most_frames_left_out(seed) -> None:
    """With the frames between which they were, and the diffusion among them."""
    states = np.tile(CLASSES, (120, 1))
    made, start, end, lost, mo = (
        *(site_at(3, c) for c in (2, 5, 6, 8)),
        site_at(5, 5, sulfur=False),
    )
    states[31:, made] = "1S"
    states[:52, start], states[52:, end] = "1S", "1S"
    states[83:, lost] = "none"
    states[:44, mo] = "none"
    expected = {
        (made, "2S", "1S"): 31,
        (start, "1S", "2S"): 52,
        (end, "2S", "1S"): 52,
        (lost, "2S", "none"): 83,
        (mo, "none", "1Mo"): 44,
    }
    movie = Movie(PLACES, states, drift=walk(120, 0.01, seed), noise=0.008, seed=seed)
    known = np.random.default_rng(seed).random(120) < 0.4
    kept = known[movie.table["frame"]]
    movie.table = movie.table[kept].reset_index(drop=True)
    movie.site = movie.site[kept]
    found, events = found_events(movie)
    assert sorted(event[1:] for event in found) == sorted(expected)
    numbers = np.flatnonzero(known)
    for (frame, *event), before in zip(found, events["frame_before"], strict=True):
        change = expected[tuple(event)]
        assert frame == numbers[numbers >= change][0]
        assert before == numbers[numbers < change][-1]
    assert events.attrs["unknown_frames"] == np.flatnonzero(~known).tolist()
    (hop,) = diffusion_events(events, 1.1 * A).to_dict("records")
    assert hop["frame_before"] < 52 <= hop["frame"]


def test_an_event_nobody_saw_may_have_been_in_any_frame_between() -> None:
    rows = [(4, 1, "1S", "2S", 0.0), (9, 2, "2S", "1S", 0.3)]
    table = events_table(*rows)
    assert len(diffusion_events(table, 0.4)) == 0
    seen = table.assign(frame_before=[3, 8])
    assert len(diffusion_events(seen, 0.4)) == 0
    (hop,) = diffusion_events(table.assign(frame_before=[3, 4]), 0.4).to_dict("records")
    assert (hop["frame_before"], hop["frame"]) == (3, 9)


def test_frames_that_nobody_could_look_at_are_unknown_whatever_is_in_them() -> None:
    states = np.tile(CLASSES, (15, 1))
    movie = Movie(PLACES, states)
    noise = movie.table["frame"].isin([6, 7, 8]) & (movie.site % 7 > 0)
    movie.table = movie.table[~noise].reset_index(drop=True)
    movie.site = movie.site[~noise]
    assert len(found_events(movie)[0]) > 20
    movie.table.attrs["unknown_frames"] = [6, 7, 8]
    assert found_events(movie)[0] == []
    counts = count_columns(movie.table, find_vacancies(movie.table))
    assert counts.index[counts.isna().all(axis=1)].tolist() == [6, 7, 8]
    assert counts.attrs["unknown_frames"] == [6, 7, 8]
    assert counts["2S"].mean() == np.count_nonzero(CLASSES == "2S")


def test_a_vacancy_moves() -> None:
    movie, _ = vacancy_movie(drift=walk(FRAMES, 0.02, 5))
    movie.table["time"] = 10 + 0.5 * movie.table["frame"]
    linked = link_columns(movie.table, memory=9)
    events = column_events(linked)
    hops = diffusion_events(events, 1.1 * A)
    assert len(hops) == 1
    (hop,) = hops.to_dict("records")
    site = pd.Series(movie.site).groupby(linked["track"]).first()
    # The vacancy goes to the next column, so the atom comes from there.
    assert (site[hop["track_from"]], site[hop["track_to"]]) == (
        site_at(3, 6),
        site_at(3, 5),
    )
    assert (hop["frame"], hop["time"], hop["atoms"]) == (12, 16, "1S")
    assert hop["distance"] == pytest.approx(A, rel=1e-3)
    there = PLACES[[site_at(3, 6), site_at(3, 5)]] + movie.drift[12]
    ends = [(hop["x_from"], hop["y_from"]), (hop["x_to"], hop["y_to"])]
    np.testing.assert_allclose(ends, there, atol=1e-3)
    assert len(diffusion_events(events, 0.9 * A)) == 0


def events_table(*rows):
    names = ["frame", "track", "before", "after", "x_corrected"]
    table = pd.DataFrame(rows, columns=names).assign(y_corrected=0.0, y=0.0)
    return table.assign(x=table["x_corrected"])


DIFFUSION = [
    # Out of a column with two vacancies.
    ([(4, 1, "none", "1S", 0.0), (5, 2, "2S", "1S", 0.3)], [("1S", 2, 1, 5)]),
    ([(4, 1, "none", "1Au", 0.0), (4, 2, "1Au", "none", 0.3)], [("1Au", 2, 1, 4)]),
    # Other elements, other numbers, too late, too far.
    ([(4, 1, "none", "1Mo", 0.0), (4, 2, "2S", "1S", 0.3)], []),
    ([(4, 1, "none", "2S", 0.0), (4, 2, "2S", "1S", 0.3)], []),
    ([(4, 1, "1S", "2S", 0.0), (6, 2, "2S", "1S", 0.3)], []),
    ([(4, 1, "1S", "2S", 0.0), (4, 2, "2S", "1S", 0.6)], []),
    ([(4, 1, "1Mo", "2S", 0.0), (4, 2, "2S", "1Mo", 0.3)], []),
    # Both vacant sites are within reach of the atom: the nearer one gets it.
    (
        [
            (4, 1, "1S", "2S", 0.0),
            (4, 2, "2S", "1S", 0.3),
            (4, 3, "1S", "2S", 0.5),
        ],
        [("1S", 2, 3, 4)],
    ),
]


@pytest.mark.parametrize(("rows", "expected"), DIFFUSION)
def test_which_events_are_diffusion(rows, expected) -> None:
    hops = diffusion_events(events_table(*rows), 0.4)
    columns = hops[["atoms", "track_from", "track_to", "frame"]]
    assert list(columns.itertuples(index=False, name=None)) == expected


def test_no_events_no_diffusion() -> None:
    _, events = found_events(Movie(PLACES, np.tile(CLASSES, (5, 1))))
    assert len(events) == 0
    assert len(diffusion_events(events, 1.0)) == 0


def brute_force(observed, states, least):
    """Return the least cost of all sequences of states that last long enough."""
    change = (least - 0.5) / 2

    def search(start, before):
        if start == len(observed):
            return 0.0
        best = np.inf
        for state in range(states):
            if state == before:
                continue
            for end in range(start + least, len(observed) + 1):
                wrong = sum(o not in (state, -1) for o in observed[start:end])
                cost = wrong + search(end, state) + change * (before is not None)
                best = min(best, cost)
        return best

    return search(0, None)


@settings(max_examples=60, deadline=None)
@given(
    observed=st.lists(st.integers(-1, 2), min_size=1, max_size=9),
    min_frames=st.integers(1, 4),
)
def test_steady_states_are_the_best_of_all(observed, min_frames) -> None:
    (states,) = steady_states([observed], 3, min_frames)
    least = min(min_frames, len(observed))
    changes = np.flatnonzero(np.diff(states)) + 1
    lengths = np.diff(np.concatenate([[0], changes, [len(states)]]))
    assert lengths.min() >= least
    wrong = sum(o not in (s, -1) for o, s in zip(observed, states, strict=True))
    cost = wrong + (least - 0.5) / 2 * len(changes)
    assert cost == pytest.approx(brute_force(observed, 3, least))


def test_many_sequences_are_as_one() -> None:
    rng = np.random.default_rng(1)
    observed = rng.integers(-1, 3, (40, 25))
    together = steady_states(observed, 3, 3)
    apart = np.concatenate([steady_states(row[np.newaxis], 3, 3) for row in observed])
    np.testing.assert_array_equal(together, apart)


def test_a_change_that_nobody_saw_is_when_the_new_state_is_seen() -> None:
    states = steady_states([[0, 0, 0, -1, -1, -1, 1, 1, 1]], 2, 2)
    assert states.tolist() == [[0] * 6 + [1] * 3]


def test_vacancies_of_each_frame() -> None:
    movie, _ = vacancy_movie(drift=walk(FRAMES, 0.03), noise=0.004)
    vacancies = find_vacancies(movie.table)
    lost, mo = site_at(3, 8), site_at(5, 5, sulfur=False)
    expected = [(f, "1Mo", mo) for f in range(30)]
    expected += [(f, "2S", lost) for f in range(20, FRAMES)]
    rows = sorted(expected)
    found = vacancies.sort_values(["frame", "class"])
    assert list(zip(found["frame"], found["class"], strict=True)) == [
        row[:2] for row in rows
    ]
    there = np.array([PLACES[site] + movie.drift[frame] for frame, _, site in rows])
    np.testing.assert_allclose(found[["x", "y"]], there, atol=0.02)
    counts = count_columns(movie.table, vacancies)
    assert counts.index.tolist() == list(range(FRAMES))
    first = {"1Mo": 87, "2S": 87, "1S": 1, "missing 1Mo": 1, "missing 2S": 0}
    assert counts.loc[0].to_dict() == first
    assert counts.loc[FRAMES - 1].to_dict() == {
        "1Mo": 88,
        "2S": 86,
        "1S": 1,
        "missing 1Mo": 0,
        "missing 2S": 1,
    }


def test_frames_without_a_lattice_have_no_vacancies() -> None:
    movie, _ = vacancy_movie()
    table = movie.table[(movie.table["frame"] != 3) | (movie.site < 2)]
    assert 3 not in set(find_vacancies(table, VECTORS)["frame"])
    assert count_columns(table).loc[3].sum() == 2
    counts = count_columns(table, find_vacancies(table, VECTORS))
    assert np.flatnonzero(counts["missing 2S"].isna()).tolist() == [3]
    assert counts["2S"].notna().all()
    nothing = find_vacancies(table.iloc[:0])
    assert list(nothing.columns) == ["frame", "class", "x", "y"]
    assert len(count_columns(table.iloc[:0])) == FRAMES


def test_wrong_input() -> None:
    linked = link_columns(vacancy_movie()[0].table)
    with pytest.raises(ValueError, match="no column track"):
        column_events(linked.drop(columns="track"))
    with pytest.raises(ValueError, match="no column class"):
        column_events(linked.drop(columns="class"))
    with pytest.raises(ValueError, match="min_frames is a number of frames, not 0"):
        column_events(linked, min_frames=0)
    events = column_events(linked)
    with pytest.raises(ValueError, match="distance has to be positive, not 0"):
        diffusion_events(events, 0)
    with pytest.raises(ValueError, match="max_frames is a number of frames, not -1"):
        diffusion_events(events, 1, max_frames=-1)
    with pytest.raises(ValueError, match="no column class"):
        count_columns(linked.drop(columns="class"))


def gold_movie(frames=40):
    """Columns of a square crystal: one is lost, one comes, one jumps at its edge."""
    places = np.stack(np.mgrid[:7, :6], axis=-1).reshape(-1, 2) * 0.3
    states = np.full((frames, len(places)), "Au", object)
    lost, comes, start, end = 0, 5, 38, 39
    states[12:, lost] = "none"
    states[:18, comes] = "none"
    states[25:, start], states[:25, end] = "none", "none"
    return Movie(places, states, noise=0.005), (lost, comes, start, end)


def test_events_say_what_they_are() -> None:
    movie, (lost, comes, start, end) = gold_movie()
    found, events = found_events(movie)
    assert [row[:2] for row in found] == [
        (12, lost),
        (18, comes),
        (25, start),
        (25, end),
    ]
    assert events["kind"].tolist() == ["vanishes", "appears", "jumps", "jumps"]
    assert events["jump"].tolist() == [0, 0, 1, 1]
    assert events["probability"].min() > 0.99
    assert events["surface"].all()
    assert events["coordination"].between(1.5, 3.5).all()
    apart = column_events(link_columns(movie.table), max_jump=0.1)
    assert set(apart["kind"]) == {"vanishes", "appears"}
    changes, _ = vacancy_movie()
    kinds = column_events(link_columns(changes.table))["kind"]
    assert kinds.tolist().count("jumps") == 2
    assert set(kinds) == {"changes", "vanishes", "appears", "jumps"}


def test_events_of_doubtful_columns_are_less_probable() -> None:
    """A column that goes over some frames in which the network is unsure."""
    movie, (lost, *_) = gold_movie()
    table = movie.table.assign(confidence=0.995)
    rng = np.random.default_rng(0)
    # Elsewhere columns are doubtful, too, now and then.
    unsure = rng.random(len(table)) < 0.08
    table.loc[unsure, "confidence"] = rng.uniform(0.32, 0.48, unsure.sum())
    doubtful = (movie.site == lost) & table["frame"].between(7, 11)
    table.loc[doubtful, "confidence"] = 0.4
    events = column_events(link_columns(table), min_probability=0.0)
    surely = column_events(link_columns(table[~doubtful]), min_probability=0.0)
    certain = {row["kind"]: row["probability"] for row in events.to_dict("records")}
    assert certain["jumps"] > 0.95
    first = events[events["kind"] == "vanishes"].iloc[0]
    assert first["frame"] in range(7, 13)
    assert surely[surely["kind"] == "vanishes"].iloc[0]["frame"] == 7


def test_doubtful_columns_count_as_doubtful_and_not_as_columns() -> None:
    """Of sites that are empty, false columns of low confidence are found."""
    rng = np.random.default_rng(4)
    states = np.full((60, 42), "Au", object)
    states[20:, 3] = "none"
    places = np.stack(np.mgrid[:7, :6], axis=-1).reshape(-1, 2) * 0.3
    full = Movie(places, np.full((60, 42), "Au", object), noise=0.005)
    there = states[full.table["frame"], full.site] == "Au"
    low = rng.uniform(0.15, 0.7, len(full.table))
    table = full.table.assign(confidence=np.where(there, 0.97, low))
    seen = there | (rng.random(len(table)) < 0.5)
    events = column_events(link_columns(table[seen]))
    assert events[["frame", "kind"]].to_numpy().tolist() == [[20, "vanishes"]]
    plain = link_columns(table[seen & (table["confidence"] >= 0.5)])
    assert column_events(plain)["kind"].tolist() == ["vanishes"]


def test_events_below_a_probability_are_left_out() -> None:
    movie, _ = gold_movie()
    linked = link_columns(movie.table)
    assert len(column_events(linked, min_probability=1)) < 4
    with pytest.raises(ValueError, match="min_probability is 2; it has to be 0 to 1"):
        column_events(linked, min_probability=2)
    with pytest.raises(ValueError, match="max_jump has to be positive, not 0"):
        column_events(linked, max_jump=0)
