# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns are matched one-to-one, as many as possible."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from hrtemnn_training.metrics.columns import (
    atomic_f1,
    atomic_metrics,
    confusion,
    match,
    reach_of,
)


def classes(*numbers):
    return np.array(numbers, int)


def test_a_true_column_counts_once():
    truth = np.array([(0.0, 0.0), (5.0, 0.0)])
    found = np.array([(0.2, 0.0), (-0.1, 0.0), (0.0, 0.3)])
    rows, columns = match(found, truth, 1.0)
    assert (rows.tolist(), columns.tolist()) == ([1], [0])
    matrix = confusion((rows, columns), classes(0, 0, 0), classes(0, 0), 1)
    # One right, one missed, two that are not there: F1 = 1 / (1 + (1 + 2) / 2).
    assert matrix.tolist() == [[1, 1], [2, 0]]
    assert atomic_f1(matrix) == pytest.approx(0.4)
    scores = atomic_metrics(matrix, ["C"])
    assert scores["precision"] == pytest.approx(1 / 3)
    assert scores["recall"] == pytest.approx(1 / 2)


def test_as_many_pairs_as_possible():
    truth = np.array([(0.0, 0.0), (0.9, 0.0)])
    found = np.array([(0.05, 0.0), (-0.8, 0.0)])
    # The nearest first would leave the second pair out of reach of each other.
    found_nearest_to_both = np.array([(0.4, 0.0), (-0.5, 0.0)])
    assert len(match(found, truth, 1.0)[0]) == 2
    rows, columns = match(found_nearest_to_both, truth, 1.0)
    assert dict(zip(rows.tolist(), columns.tolist(), strict=True)) == {0: 1, 1: 0}


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    found=st.integers(0, 14),
    true=st.integers(0, 11),
    reach=st.floats(0.05, 3),
)
def test_pairs_are_those_of_a_dense_assignment(seed, found, true, reach):
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(0, 4, (found, 2)), rng.uniform(0, 4, (true, 2))
    rows, columns = match(a, b, reach)
    distance = cdist(a, b)
    cost = np.where(distance <= reach, distance - 1000, 0)
    expected = linear_sum_assignment(cost)
    near = distance[expected] <= reach
    assert len(rows) == near.sum()
    assert len(set(rows.tolist())) == len(set(columns.tolist())) == len(rows)
    assert np.all(distance[rows, columns] <= reach)
    total = distance[expected][near].sum()
    assert distance[rows, columns].sum() == pytest.approx(total)


def test_the_same_class_comes_before_the_nearer():
    truth, found = (
        np.array([(0.0, 0.0), (1.0, 0.0)]),
        np.array([(0.1, 0.0), (0.9, 0.0)]),
    )
    rows, columns = match(found, truth, 1.5, classes(1, 0), classes(0, 1))
    assert dict(zip(rows.tolist(), columns.tolist(), strict=True)) == {0: 1, 1: 0}


def test_confusion_of_classes():
    truth = np.array([(0.0, 0.0), (3.0, 0.0), (6.0, 0.0), (9.0, 0.0)])
    found = np.array([(0.1, 0.0), (3.1, 0.0), (6.1, 0.0), (20.0, 0.0)])
    true_classes, found_classes = classes(0, 1, 1, 2), classes(0, 1, 0, 2)
    pairs = match(found, truth, 1.0, found_classes, true_classes)
    matrix = confusion(pairs, found_classes, true_classes, 3)
    assert matrix.tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]
    scores = atomic_metrics(matrix, ["1Mo", "2S", "1S"])
    assert scores["atomic_f1"] == pytest.approx(2 * 2 / (4 + 4))
    assert scores["precision 1Mo"] == pytest.approx(1 / 2)
    assert scores["recall 2S"] == pytest.approx(1 / 2)
    assert scores["precision 1S"] == scores["recall 1S"] == 0
    assert scores["precision"] == scores["recall"] == pytest.approx(1 / 2)


def test_what_does_not_count_is_no_mistake():
    truth = np.array([(0.0, 0.0), (3.0, 0.0), (6.0, 0.0)])
    found = np.array([(0.1, 0.0), (3.1, 0.0), (9.0, 0.0)])
    none = classes(0, 0, 0)
    matrix = confusion(
        match(found, truth, 1.0),
        none,
        none,
        1,
        found_counts=np.array([True, False, False]),
        truth_counts=np.array([False, True, False]),
    )
    # The second pair counts, the first is of a column that does not.
    assert matrix.tolist() == [[1, 0], [0, 0]]


def test_nothing_found_and_nothing_there():
    nothing = np.zeros((0, 2))
    some = np.array([(1.0, 2.0)])
    for found, truth, score in ((nothing, some, 0), (some, nothing, 0)):
        pairs = match(found, truth, 1.0)
        zeros = np.zeros(len(found), int), np.zeros(len(truth), int)
        assert atomic_f1(confusion(pairs, *zeros, 1)) == score
    empty = confusion(match(nothing, nothing, 1.0), classes(), classes(), 1)
    assert np.isnan(atomic_f1(empty))


def test_the_reach_is_at_most_half_the_distance_of_neighbors():
    graphene = np.array([(0, 0), (1.42, 0), (2.84, 0)])
    assert reach_of(graphene) == pytest.approx(0.71)
    assert reach_of(3 * graphene) == 1
    assert reach_of(graphene[:1]) == 1
