# SPDX-License-Identifier: GPL-3.0-or-later
"""Ids follow the particles: one to one, new for the new, never used twice."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hyperspy_hrtemnn.analysis import ParticleTracker

SHAPE = (40, 61)


def frame(*boxes):
    """Labels from boxes (label, first row, first column, height, width)."""
    labels = np.zeros(SHAPE, np.int32)
    for label, row, column, height, width in boxes:
        labels[row : row + height, column : column + width] = label
    return labels


def id_at(linked, row, column):
    return int(linked[row, column])


def test_drift_keeps_the_id_whatever_the_label():
    tracker = ParticleTracker()
    for step in range(8):
        linked = tracker.link(frame((7 + step, 5, 4 + 4 * step, 9, 10)))
        assert linked.dtype == np.int32
        assert np.unique(linked).tolist() == [0, 1]
    assert tracker.next_id == 2


def test_too_large_a_step_is_a_new_particle():
    tracker = ParticleTracker(min_overlap=0.5)
    tracker.link(frame((1, 5, 4, 10, 10)))
    assert id_at(tracker.link(frame((1, 5, 9, 10, 10))), 6, 12) == 1
    assert id_at(tracker.link(frame((1, 5, 15, 10, 10))), 6, 20) == 2


@pytest.mark.parametrize("sizes", [(20, 13, 8, 5, 2), (2, 5, 8, 13, 20)])
def test_shrinking_and_growing_keep_the_id(sizes):
    tracker = ParticleTracker(min_overlap=1.0)
    for size in sizes:
        assert id_at(tracker.link(frame((3, 6, 9, size, size))), 6, 9) == 1


@pytest.mark.parametrize(
    ("gap", "memory", "returns"), [(1, 0, 2), (2, 2, 1), (3, 2, 2)]
)
def test_a_vanished_particle_returns_within_memory(gap, memory, returns):
    tracker = ParticleTracker(memory=memory)
    still = (9, 25, 40, 6, 7)
    tracker.link(frame((1, 5, 4, 10, 10)))
    for _ in range(gap):
        tracker.link(frame())
    assert id_at(tracker.link(frame((4, 6, 6, 10, 10))), 8, 8) == returns
    tracker.link(frame(still))


UNKNOWN = np.full(SHAPE, -1, np.int32)


@pytest.mark.parametrize("gap", [1, 7])
def test_frames_that_nobody_could_look_at_do_not_count_as_missed(gap):
    tracker = ParticleTracker(memory=1)
    tracker.link(frame((1, 5, 4, 10, 10), (2, 25, 40, 6, 7)))
    for _ in range(gap):
        np.testing.assert_array_equal(tracker.link(UNKNOWN), UNKNOWN)
    linked = tracker.link(frame((1, 25, 40, 6, 7)))  # the first is missed, once
    assert id_at(linked, 26, 42) == 2
    tracker.link(UNKNOWN)
    assert id_at(tracker.link(frame((4, 5, 4, 10, 10))), 6, 6) == 1
    for _ in range(2):
        tracker.link(frame((1, 25, 40, 6, 7)))
    assert id_at(tracker.link(frame((4, 5, 4, 10, 10))), 6, 6) == 3


def test_what_is_not_known_is_no_particle_and_stays():
    tracker = ParticleTracker()
    known = frame((1, 5, 4, 10, 10))
    known[:, 50:] = -1
    for _ in range(2):
        linked = tracker.link(known)
        np.testing.assert_array_equal(linked, known)
    assert tracker.next_id == 2


@pytest.mark.parametrize("drift", [True, "given"])
def test_drift_over_frames_that_nobody_could_look_at(drift):
    places = np.array([[0, 0], [0, 3], [0, 11], [0, 20]])
    boxes = [(1, 5, 4, 5, 5), (2, 15, 20, 6, 5), (3, 30, 9, 4, 5)]
    moved = [
        frame(*((n, y, x + shift, h, w) for n, y, x, h, w in boxes))
        for _, shift in places
    ]
    tracker = ParticleTracker(drift=True if drift is True else places)
    first = tracker.link(moved[0])
    tracker.link(UNKNOWN)
    tracker.link(UNKNOWN)
    last = tracker.link(moved[3])
    for _, y, x, _, _ in boxes:
        assert id_at(last, y, x + 20) == id_at(first, y, x)


def test_resume_passes_over_unknown_frames():
    movie = [frame((1, 5, 4 + n, 9, 9), (2, 25, 30, 6, 6)) for n in range(6)]
    movie[2] = movie[3] = UNKNOWN
    movie[4] = frame((9, 5, 8, 9, 9))
    whole = ParticleTracker(memory=1)
    linked = [whole.link(labels) for labels in movie]
    resumed = ParticleTracker.resume(linked[1:5], 3, memory=1)
    np.testing.assert_array_equal(resumed.link(movie[5]), linked[5])
    assert np.unique(linked[5]).tolist() == [0, 1, 2]


def test_of_a_split_the_largest_part_keeps_the_id():
    tracker = ParticleTracker()
    tracker.link(frame((1, 5, 5, 10, 30)))
    linked = tracker.link(frame((1, 5, 5, 10, 9), (2, 5, 16, 10, 19)))
    assert (id_at(linked, 6, 30), id_at(linked, 6, 6)) == (1, 2)


def test_of_a_merger_the_largest_keeps_the_id_and_no_id_comes_twice():
    tracker = ParticleTracker()
    tracker.link(frame((1, 5, 5, 10, 9), (2, 5, 16, 10, 19)))
    linked = tracker.link(frame((1, 5, 5, 10, 30)))
    assert np.unique(linked).tolist() == [0, 2]
    # Without memory the other part is new when they part again.
    linked = tracker.link(frame((1, 5, 5, 10, 9), (2, 5, 16, 10, 19)))
    assert (id_at(linked, 6, 30), id_at(linked, 6, 6)) == (2, 3)


def test_touching_particles_get_their_own_ids_back_from_memory():
    tracker = ParticleTracker(memory=3)
    tracker.link(frame((1, 5, 5, 10, 14), (2, 5, 20, 10, 15)))
    for _ in range(3):
        tracker.link(frame((1, 5, 5, 10, 30)))
    # The one that had lost its id is now the larger of the two.
    linked = tracker.link(frame((1, 5, 5, 10, 15), (2, 5, 21, 10, 14)))
    assert (id_at(linked, 6, 6), id_at(linked, 6, 30)) == (1, 2)


def test_a_particle_in_sight_keeps_its_id_over_the_place_of_a_missing_one():
    tracker = ParticleTracker(memory=5)
    tracker.link(frame((1, 5, 5, 10, 10), (2, 5, 20, 10, 10)))
    for column in (9, 13, 17, 20, 22):
        assert np.unique(tracker.link(frame((2, 5, column, 10, 10)))).tolist() == [0, 1]


def test_assignment_maximizes_the_whole_overlap():
    # The left new one overlaps both old ones; the right one only the old left one.
    tracker = ParticleTracker(min_overlap=0.1)
    tracker.link(frame((1, 5, 10, 10, 20), (2, 15, 10, 5, 9)))
    linked = tracker.link(frame((1, 8, 10, 12, 9), (2, 5, 20, 10, 10)))
    assert id_at(linked, 16, 12) == 2
    assert id_at(linked, 6, 25) == 1


def test_crossing_by_without_touching():
    tracker = ParticleTracker()
    ids = set()
    for step in range(7):
        linked = tracker.link(
            frame((1, 4, 3 + 5 * step, 10, 11), (2, 16, 45 - 5 * step, 10, 11))
        )
        ids.add((id_at(linked, 5, 5 + 5 * step), id_at(linked, 17, 47 - 5 * step)))
    assert ids == {(1, 2)}


def test_ids_are_never_used_again():
    tracker = ParticleTracker()
    seen = []
    for step in range(6):
        linked = tracker.link(frame((1, 5, 10 * (step % 2), 5, 5)))
        seen.append(int(linked.max()))
    assert seen == [1, 2, 3, 4, 5, 6]


def test_huge_labels_cost_no_memory():
    linked = ParticleTracker().link(np.array([[0, 2**40, 2**40, 7]]))
    assert linked.tolist() == [[0, 1, 1, 2]]


@pytest.mark.parametrize("memory", [0, 2])
def test_resume_continues_as_if_never_interrupted(memory):
    rng = np.random.default_rng(5)
    movie = [frame(*_random_boxes(rng)) for _ in range(14)]
    whole = ParticleTracker(0.3, memory)
    linked = [whole.link(labels) for labels in movie]
    assert whole.next_id > 6
    for stop in (1, 6, 9):
        first = ParticleTracker(0.3, memory)
        for labels in movie[:stop]:
            first.link(labels)
        recent = linked[max(stop - memory - 1, 0) : stop]
        second = ParticleTracker.resume(recent, first.next_id, 0.3, memory)
        for labels, expected in zip(movie[stop:], linked[stop:], strict=True):
            np.testing.assert_array_equal(second.link(labels), expected)


def _random_boxes(rng):
    present = rng.random(6) < 0.7
    return [
        (1 + k, 2 + 12 * (k // 3) + rng.integers(3), 3 + 20 * (k % 3), 8, 11)
        for k in np.flatnonzero(present)
    ]


def test_a_copy_is_independent():
    tracker = ParticleTracker()
    tracker.link(frame((1, 5, 5, 5, 5)))
    other = copy.copy(tracker)
    other.link(frame((1, 25, 25, 5, 5)))
    assert tracker.link(frame((1, 5, 5, 5, 5))).max() == 1


def test_state_does_not_grow():
    tracker = ParticleTracker(memory=3)
    rng = np.random.default_rng(1)
    sizes = []
    for _ in range(60):
        row, column = rng.integers(0, 30, 2)
        tracker.link(frame((1, row, column, 6, 6)))
        sizes.append(int(tracker._known.runs.area.sum()))
    assert max(sizes) <= 4 * 36


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_overlap": 0}, "min_overlap"),
        ({"min_overlap": 50}, "min_overlap"),
        ({"memory": -1}, "memory"),
        ({"memory": 0.5}, "memory"),
    ],
)
def test_invalid_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ParticleTracker(**options)


def test_invalid_frames_are_refused():
    tracker = ParticleTracker()
    with pytest.raises(ValueError, match="float64"):
        tracker.link(np.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"\(2, 3, 4\)"):
        tracker.link(np.zeros((2, 3, 4), int))
    tracker.link(np.zeros((3, 4), int))
    with pytest.raises(ValueError, match=r"\(4, 3\) follows frames of \(3, 4\)"):
        tracker.link(np.zeros((4, 3), int))
    with pytest.raises(ValueError, match="next_id is 3, but there is a particle 3"):
        ParticleTracker.resume([np.array([[0, 3]])], next_id=3)


movies = arrays(np.int32, (4, 6, 7), elements=st.integers(0, 5))


@settings(max_examples=60, deadline=None)
@given(movie=movies, memory=st.integers(0, 2), overlap=st.floats(0.05, 1.0))
def test_linking_renames_and_nothing_else(movie, memory, overlap):
    tracker = ParticleTracker(overlap, memory)
    last_seen = {}
    for number, labels in enumerate(movie):
        linked = tracker.link(labels)
        np.testing.assert_array_equal(linked > 0, labels > 0)
        pairs = {
            (int(a), int(b)) for a, b in zip(labels.flat, linked.flat, strict=True)
        }
        assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
        for name in {b for _, b in pairs} - {0}:
            assert number - last_seen.get(name, number) <= memory + 1
            last_seen[name] = number
    assert set(last_seen) == set(range(1, tracker.next_id))


@settings(max_examples=40, deadline=None)
@given(movie=movies, names=st.permutations(range(1, 6)))
def test_the_values_of_the_labels_do_not_matter(movie, names):
    renamed = np.array([0, *names], np.int32)[movie]
    one, other = ParticleTracker(0.2, 1), ParticleTracker(0.2, 1)
    for labels, others in zip(movie, renamed, strict=True):
        np.testing.assert_array_equal(one.link(labels), other.link(others))
