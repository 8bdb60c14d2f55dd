# SPDX-License-Identifier: GPL-3.0-or-later
"""The drift of the whole field: found, taken out, reported, and not seen in else."""

from __future__ import annotations

import hyperspy.api as hs
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hyperspy_hrtemnn.analysis import ParticleTracker, correct_drift
from hyperspy_hrtemnn.analysis.particles.drift import Sighting, whole_field_drift
from hyperspy_hrtemnn.analysis.particles.runs import ParticleRuns, row_runs

SHAPE = (80, 131)
# Five particles (y, x, height, width), no two alike and in no order.
FIELD = np.array(
    [(31, 60, 6, 8), (12, 34, 8, 9), (44, 25, 7, 6), (55, 81, 9, 7), (23, 93, 7, 9)]
)


def frame(shift=(0, 0), field=FIELD):
    """Labels of the field, all particles moved by a shift, or each by its own."""
    labels = np.zeros(SHAPE, np.int32)
    corners = field[:, :2] + np.asarray(shift)
    for label, (box, (y, x)) in enumerate(zip(field, corners, strict=True), start=1):
        height, width = box[2:]
        labels[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)] = label
    return labels


def ids(linked, shift=(0, 0)):
    """Ids at the middles of the particles."""
    places = FIELD[:, :2] + np.asarray(shift) + FIELD[:, 2:] // 2
    return linked[tuple(places.T)].tolist()


def drift_of(before, now, area_before, area_now):
    seen = Sighting(before, area_before), Sighting(now, area_now)
    return whole_field_drift(*seen, view=(500, 500))


def field_of(rng, count):
    return rng.uniform(0, 500, (count, 2)), rng.integers(200, 300, count)


@pytest.mark.parametrize("count", [2, 5, 30, 400])
@pytest.mark.parametrize("shift", [(0, 0), (3.5, -1.25), (-120.5, 61.0)])
def test_the_shift_of_all_is_found(count, shift):
    places, area = field_of(np.random.default_rng(count), count)
    order = np.random.default_rng(1).permutation(count)
    found = drift_of(places, (places + shift)[order], area, area[order])
    np.testing.assert_allclose(found, shift, atol=1e-9)


def test_particles_that_come_go_and_move_do_not_bend_it():
    rng = np.random.default_rng(3)
    (places, area), (fresh, new_area) = field_of(rng, 50), field_of(rng, 15)
    now = places + np.array([140, -37])
    now[:8] += rng.uniform(-90, 90, (8, 2))  # by themselves
    now, area_now = np.concatenate([now[:40], fresh]), np.append(area[:40], new_area)
    found = drift_of(places, now, area, area_now)
    np.testing.assert_allclose(found, (140, -37), atol=1e-9)


def test_specks_that_come_and_go_do_not_hide_it():
    rng = np.random.default_rng(11)
    places, area = field_of(rng, 12)
    shift = np.array([90, -70])

    def seen(centers):
        specks = rng.uniform(0, 500, (60, 2))
        areas = np.concatenate([area, rng.integers(4, 14, len(specks))])
        return np.concatenate([centers, specks]), areas

    (before, area_before), (now, area_now) = seen(places), seen(places + shift)
    found = drift_of(before, now, area_before, area_now)
    np.testing.assert_allclose(found, shift, atol=1e-9)


def test_a_jump_that_takes_most_particles_out_of_view_is_found():
    shift = np.array([-230, 160])
    places, area = field_of(np.random.default_rng(8), 140)
    now = places + shift
    stays = ((now >= 0) & (now < 500)).all(axis=1)
    assert 0.25 < stays.mean() < 0.5
    fresh, fresh_area = field_of(np.random.default_rng(9), 140)
    new = ((fresh - shift < 0) | (fresh - shift >= 500)).any(axis=1)
    now = np.concatenate([now[stays], fresh[new]])
    found = drift_of(places, now, area, np.append(area[stays], fresh_area[new]))
    np.testing.assert_allclose(found, shift, atol=1e-9)


def test_a_field_that_moves_by_less_than_its_period_is_a_short_drift():
    places = 40.0 * np.stack(np.meshgrid(range(9), range(7)), -1).reshape(-1, 2)
    area = np.full(len(places), 250)
    found = drift_of(places, places + np.array([15, -11]), area, area)
    np.testing.assert_allclose(found, (15, -11))
    again = drift_of(places, places + np.array([40, 0]), area, area)
    np.testing.assert_allclose(again, (0, 0))


def test_what_is_no_field_has_no_drift():
    rng = np.random.default_rng(4)
    (places, area), (others, other_area) = field_of(rng, 40), field_of(rng, 40)
    assert drift_of(places, others, area, other_area) is None
    one, none = slice(1), slice(0)
    assert drift_of(places[one], others[one], area[one], area[one]) is None
    assert drift_of(places, others[none], area, area[none]) is None
    # Half of them moves, half stays, and has more votes by the next.
    now = places + np.where(np.arange(40) < 19, 60, 0)[:, np.newaxis]
    np.testing.assert_allclose(drift_of(places, now, area, area), (0, 0))


def test_unlike_particles_are_not_the_same():
    places, _ = field_of(np.random.default_rng(5), 6)
    area = np.array([100, 100, 100, 900, 900, 900])
    assert drift_of(places, places + 70, area, area[::-1]) is None


@pytest.mark.parametrize("shift", [(4, -3), (-11, 22), (20, 30)])
def test_ids_are_kept_through_drift(shift):
    tracker = ParticleTracker()
    tracker.link(frame())
    before = ids(tracker.link(frame()), (0, 0))
    assert ids(tracker.link(frame(shift)), shift) == before
    assert ids(tracker.link(frame()), (0, 0)) == before


def test_without_it_a_drift_larger_than_a_particle_loses_them():
    tracker = ParticleTracker(drift=False)
    tracker.link(frame())
    assert min(ids(tracker.link(frame((-11, 22))), (-11, 22))) > len(FIELD)


def test_what_does_not_drift_with_the_others_keeps_its_id():
    shifts = np.array([(-14, 20), (-14, 20), (0, 0), (-14, 20), (0, 0)])
    tracker = ParticleTracker()
    tracker.link(frame())
    assert ids(tracker.link(frame(shifts)), shifts) == [3, 1, 4, 5, 2]


def test_what_comes_into_view_is_not_what_drifted_out_of_it():
    leaving = np.vstack([FIELD, (50, 115, 8, 9)])
    tracker = ParticleTracker()
    assert tracker.link(frame(field=leaving)).max() == 6
    # Another one where the sixth was, which drifts out of view with the others.
    shifts = np.array([(0, 25)] * 5 + [(0, 0)])
    linked = tracker.link(frame(shifts, field=leaving))
    assert linked[54, 119] == 7


def test_a_jump_within_the_search_range_keeps_the_id():
    shifts = np.zeros((5, 2), int)
    shifts[2] = 9, -8
    for search_range, expected in ((None, 6), (11.0, 6), (13.0, 4)):
        tracker = ParticleTracker(search_range=search_range)
        tracker.link(frame())
        assert ids(tracker.link(frame(shifts)), shifts)[2] == expected


@pytest.mark.parametrize("search_range", [0, -1.0, np.inf])
def test_an_impossible_search_range_is_refused(search_range):
    with pytest.raises(ValueError, match="search_range"):
        ParticleTracker(search_range=search_range)


def test_one_moving_particle_is_no_drift():
    shifts = np.zeros((5, 2), int)
    shifts[2] = 3, 3
    tracker = ParticleTracker(min_overlap=0.1)
    tracker.link(frame())
    assert ids(tracker.link(frame(shifts)), shifts) == [3, 1, 4, 5, 2]


def test_a_missing_particle_is_looked_for_where_the_drift_took_it():
    tracker = ParticleTracker(memory=3)
    tracker.link(frame())
    for shift in ((0, 7), (0, 14), (0, 21)):
        tracker.link(np.where(frame(shift) == 4, 0, frame(shift)))
    assert ids(tracker.link(frame((0, 28))), (0, 28)) == [3, 1, 4, 5, 2]


def test_drift_behind_a_spoiled_frame_is_found():
    tracker = ParticleTracker(memory=2)
    tracker.link(frame())
    spoiled = np.zeros(SHAPE, np.int32)
    spoiled[70:76, 4:9] = 1
    tracker.link(spoiled)
    tracker.link(np.zeros(SHAPE, np.int32))
    assert ids(tracker.link(frame((-12, 19))), (-12, 19)) == [3, 1, 4, 5, 2]


def test_particles_that_left_the_view_come_back_with_their_ids():
    tracker = ParticleTracker(memory=2)
    tracker.link(frame())
    linked = tracker.link(frame((0, -40)))
    assert len(np.unique(linked)) == 5  # with the background
    assert ids(tracker.link(frame()), (0, 0)) == [3, 1, 4, 5, 2]


def test_drift_by_hand():
    one = FIELD[:1]
    tracker = ParticleTracker(drift=[(5, 5), (5, 5), (-15, 35)])
    linked = [tracker.link(frame(shift, field=one)) for shift in ((0, 0), (1, 0))]
    linked.append(tracker.link(frame((-20, 30), field=one)))
    assert [int(one.max()) for one in linked] == [1, 1, 1]
    with pytest.raises(ValueError, match="drift has 3 rows"):
        tracker.link(frame())


@pytest.mark.parametrize("drift", [3.0, [1, 2], [(1, 2, 3)], [(0, np.nan)]])
def test_a_drift_that_is_none_is_refused(drift):
    with pytest.raises(ValueError, match="drift has to be"):
        ParticleTracker(drift=drift)


@pytest.mark.parametrize("memory", [0, 2, 3])
@pytest.mark.parametrize("by_hand", [False, True])
def test_resume_continues_through_drift_and_spoiled_frames(memory, by_hand):
    rng = np.random.default_rng(memory)
    places = np.cumsum(rng.integers(-9, 10, (16, 2)), axis=0)
    movie = [frame(place) for place in places]
    for labels in movie:
        labels[np.isin(labels, rng.integers(1, 6, rng.integers(0, 6)))] = 0
    drift = places if by_hand else True
    whole = ParticleTracker(0.3, memory, drift=drift)
    linked = [whole.link(labels) for labels in movie]
    for stop in range(1, 15):
        first = ParticleTracker(0.3, memory, drift=drift)
        for labels in movie[:stop]:
            first.link(labels)
        start = max(stop - memory - 1, 0)
        given = drift[start:] if by_hand else True
        second = ParticleTracker.resume(
            linked[start:stop], first.next_id, 0.3, memory, drift=given
        )
        for labels, expected in zip(movie[stop:], linked[stop:], strict=True):
            np.testing.assert_array_equal(second.link(labels), expected)


labels = arrays(np.int32, (5, 7), elements=st.integers(0, 3))
steps = st.integers(-6, 6)


@settings(max_examples=80, deadline=None)
@given(before=labels, now=labels, dy=steps, dx=steps)
def test_shared_areas_are_those_of_moved_pixels(before, now, dy, dx):
    one, other = (ParticleRuns.of(*row_runs(a), a.shape) for a in (before, now))
    moved = np.zeros_like(before)
    for y, x in np.argwhere(before):
        if 0 <= y + dy < 5 and 0 <= x + dx < 7:
            moved[y + dy, x + dx] = before[y, x]
    expected = {}
    for pair in zip(moved.flat, now.flat, strict=True):
        if min(pair) > 0:
            expected[pair] = expected.get(pair, 0) + 1
    shift = np.tile((dy, dx), (len(one.area), 1))
    rows, columns, shared = one.shared_areas(other, shift, 7)
    names = [list(dict.fromkeys(a[a > 0].tolist())) for a in (before, now)]
    found = {
        (names[0][i], names[1][j]): n
        for i, j, n in zip(rows, columns, shared.tolist(), strict=True)
    }
    assert found == expected


@given(frame=labels)
def test_centroids_and_areas_of_runs(frame):
    runs = ParticleRuns.of(*row_runs(frame), frame.shape)
    for label, center, area in zip(
        dict.fromkeys(frame[frame > 0].tolist()), runs.centers(), runs.area, strict=True
    ):
        where = np.argwhere(frame == label)
        np.testing.assert_allclose(center, where.mean(axis=0))
        assert area == len(where)


def table_of(places):
    """Rows of frame, id, x and y from places (frame, id, 2) that are not nan."""
    frames, particles = np.nonzero(np.isfinite(places[..., 0]))
    x, y = places[frames, particles].T
    columns = {"frame": frames, "id": particles * 2**40, "x": x, "y": y, "area": 314.0}
    return pd.DataFrame(columns)


def test_corrected_places_are_those_of_the_first_frame():
    rng = np.random.default_rng(6)
    start = rng.uniform(0, 200, (7, 2))
    drift = np.cumsum(rng.uniform(-30, 30, (6, 2)), axis=0)
    drift -= drift[0]
    places = start + drift[:, np.newaxis]
    places[2:4, 1] = np.nan  # missing, and drifts on
    places[3, :6] = np.nan  # nearly nothing in view
    places[:3, 6] = np.nan  # new in it
    places[4:, 0] += 25  # moves by itself
    corrected = correct_drift(table_of(places))
    error = corrected[["x_corrected", "y_corrected"]].to_numpy()
    expected = table_of(places - drift[:, np.newaxis])[["x", "y"]].to_numpy()
    # Nobody tells where the particle that came meanwhile was in the first frame.
    known = (corrected["id"] != 6 * 2**40).to_numpy()
    np.testing.assert_allclose(error[known], expected[known], atol=1e-9)


def test_one_particle_has_no_drift():
    places = np.array([[(0.0, 0.0)], [(5.0, 3.0)]])
    table = correct_drift(table_of(places))
    assert table["x_corrected"].tolist() == [0, 5]
    empty = correct_drift(table.iloc[:0])
    assert len(empty) == 0


def signal_of(movie):
    signal = hs.signals.Signal2D(movie)
    for axis, name in zip(signal.axes_manager.signal_axes, "xy", strict=True):
        axis.name, axis.scale, axis.units = name, 0.5, "nm"
    signal.set_signal_type("HRTEM_segmentation")
    return signal


def test_a_drifting_movie_from_segmentation_to_table():
    drift = np.array([(0, 0), (-11, 22), (9, -18), (9, -18)])
    movie = np.array([frame(shift) > 0 for shift in drift], np.float32)
    quiet = {"show_progressbar": False}
    found = signal_of(movie).track_instances(2.0, **quiet)
    assert found.metadata.HRTEMNN.Instances.drift is True
    for labels, shift in zip(found.data, drift, strict=True):
        assert ids(labels, shift) == [3, 1, 4, 5, 2]

    table = found.properties(**quiet)
    for name, shift in (("x", drift[:, 1]), ("y", drift[:, 0])):
        moved = table[name] - table[f"{name}_corrected"]
        np.testing.assert_allclose(moved, 0.5 * np.repeat(shift, 5))
        assert table.attrs["units"][f"{name}_corrected"] == "nm"
    assert "x_corrected" not in found.inav[1].properties(**quiet)

    lazy = signal_of(movie).as_lazy().track_instances(2.0)
    np.testing.assert_array_equal(lazy.data.compute(), found.data)
    lost = signal_of(movie).track_instances(2.0, drift=False, **quiet)
    assert lost.data.max() == 15


def test_a_movie_whose_drift_is_given():
    drift = np.array([(0, 0), (-11, 22), (9, -18)])
    movie = np.array([frame(shift, field=FIELD[:1]) > 0 for shift in drift], np.float32)
    signal = signal_of(movie)
    quiet = {"show_progressbar": False}
    assert signal.track_instances(2.0, **quiet).data.max() == 3
    shifts = signal.estimate_shift2D(hanning=False, medfilter=False, **quiet)
    found = signal.track_instances(2.0, drift=shifts, **quiet)
    assert found.data.max() == 1
    np.testing.assert_array_equal(found.metadata.HRTEMNN.Instances.drift, drift)
    with pytest.raises(ValueError, match="drift has 2 rows, and there are 3 frames"):
        signal.track_instances(2.0, drift=drift[:2], **quiet)
