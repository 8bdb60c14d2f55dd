# SPDX-License-Identifier: GPL-3.0-or-later
"""Particles cut into parts, and labels with other ids."""

from __future__ import annotations

import numpy as np
import pytest

from hyperspy_hrtemnn.analysis.particles.cutting import cut_into_parts
from hyperspy_hrtemnn.analysis.particles.editing import (
    cut_particle,
    relative_places,
    replace_ids,
)

Y, X = 60, 97


def disc(y, x, radius):
    rows, columns = np.mgrid[:Y, :X]
    return np.hypot(rows - y, columns - x) < radius


def test_a_small_disc_at_a_large_one_is_cut_off_at_the_neck():
    large, small = disc(30, 25, 18), disc(30, 52, 10)
    parts = cut_into_parts(large | small, 2)
    np.testing.assert_array_equal(parts == 1, large)
    np.testing.assert_array_equal(parts == 2, small)


def test_three_parts_are_cut_at_two_necks_the_largest_first():
    discs = disc(30, 14, 12), disc(30, 40, 15), disc(30, 66, 12.5)
    parts = cut_into_parts(np.any(discs, axis=0), 3)
    for number, expected in zip((3, 1, 2), discs, strict=True):
        overlap = (parts == number) & expected
        assert np.count_nonzero(overlap) > 0.97 * np.count_nonzero(expected)


def test_without_a_neck_it_is_cut_across_its_long_axis_into_the_same_areas():
    rows, columns = np.mgrid[:Y, :X]
    ellipse = np.hypot((rows - 30) * 2, columns - 48) < 36
    parts = cut_into_parts(ellipse, 2)
    areas = np.bincount(parts.ravel())[1:]
    assert abs(areas[0] - areas[1]) <= 1
    middles = [np.argwhere(parts == number).mean(axis=0) for number in (1, 2)]
    assert abs(middles[0][1] - middles[1][1]) > 28  # along x
    assert abs(middles[0][0] - middles[1][0]) < 1


def test_pieces_are_parts_and_too_many_go_to_the_nearest():
    far, near, speck = disc(12, 12, 9), disc(40, 70, 8), disc(40, 83, 3)
    parts = cut_into_parts(far | near | speck, 2)
    np.testing.assert_array_equal(parts == 1, far)
    np.testing.assert_array_equal(parts == 2, near | speck)


def test_a_frame_full_of_one_particle_is_cut():
    parts = cut_into_parts(np.ones((6, 11), bool), 2)
    assert sorted(np.bincount(parts.ravel())[1:]) == [33, 33]


def test_a_particle_at_the_border_is_cut_as_inside():
    whole = disc(30, 25, 18) | disc(30, 52, 10)
    labels = np.where(whole, 4, 0)[30:]  # the border goes through both
    cut, _ = cut_particle(labels, [4, 9])
    np.testing.assert_array_equal(cut == 9, disc(30, 52, 10)[30:])


def test_the_rest_of_the_frame_stays():
    labels = np.where(disc(30, 25, 18) | disc(30, 52, 10), 4, 0)
    labels[2:8, 70:90] = 7
    labels[50:, 80:] = -1
    before = labels.copy()
    cut, _ = cut_particle(labels, [4, 9])
    np.testing.assert_array_equal(labels, before)
    np.testing.assert_array_equal(np.where(cut == 9, 4, cut), before)
    same, places = cut_particle(labels, [5, 6])
    assert same is labels
    assert places is None


def test_parts_keep_their_ids_by_direction_whatever_their_sizes_and_the_drift():
    # The part on the left grows beyond the other one, and the field drifts.
    places = None
    for frame, radius in enumerate((9, 10, 12, 14)):
        left, right = disc(20 + 4 * frame, 20, radius), disc(20 + 4 * frame, 41, 11)
        cut, places = cut_particle(np.where(left | right, 3, 0), [3, 8], places)
        assert cut[20 + 4 * frame, 20] == 8
        assert cut[20 + 4 * frame, 41] == 3


def test_places_of_a_frame_where_they_are_apart_tell_the_parts():
    apart = np.where(disc(20, 20, 8), 8, 0) + np.where(disc(20, 60, 12), 3, 0)
    places = relative_places(apart, [3, 8])
    np.testing.assert_allclose(places, [[0, 20], [0, -20]])
    together = np.where(disc(30, 20, 14) | disc(30, 43, 10), 3, 0)
    cut, _ = cut_particle(together, [3, 8], places)
    assert (cut[30, 20], cut[30, 43]) == (8, 3)
    assert relative_places(together, [3, 8]) is None


def test_what_cannot_be_split_is_named():
    labels = np.zeros((5, 8), int)
    labels[2, 3] = 4
    with pytest.raises(ValueError, match=r"Particle 4 .*1 pixels, too few for 2"):
        cut_particle(labels, [4, 5])
    labels[3, 3:5] = 9
    with pytest.raises(ValueError, match="already a particle 9"):
        cut_particle(labels, [4, 9])


def test_ids_are_replaced_at_the_same_time():
    labels = np.array([[0, 3, 7], [5, 5, -1]])
    swapped = replace_ids(labels, {3: 7, 7: 3, 5: 0})
    assert swapped.tolist() == [[0, 7, 3], [0, 0, -1]]
    assert labels.tolist() == [[0, 3, 7], [5, 5, -1]]


def test_two_particles_become_one_only_if_they_are_to():
    labels = np.array([[0, 3, 7, 5]])
    assert replace_ids(labels, {3: 7}, join=True).tolist() == [[0, 7, 7, 5]]
    with pytest.raises(ValueError, match=r"already a particle 7.*merge"):
        replace_ids(labels, {3: 7})
    with pytest.raises(ValueError, match="already a particle 9"):
        replace_ids(labels, {3: 9, 5: 9})
    assert replace_ids(labels[:, :2], {3: 7, 5: 7}).tolist() == [[0, 7]]
