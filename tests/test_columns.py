# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns are found once each, where they are, at an absolute threshold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from hyperspy_hrtemnn.analysis import find_columns

SHAPE = (50, 70)


def gaussian(row, column, width=2.0, height=1.0):
    y, x = np.ogrid[: SHAPE[0], : SHAPE[1]]
    return height * np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * width**2))


def disc(row, column, radius=4.0, height=1.0):
    y, x = np.ogrid[: SHAPE[0], : SHAPE[1]]
    return height * ((y - row) ** 2 + (x - column) ** 2 <= radius**2)


def sorted_rows(positions):
    return positions[np.lexsort(positions.T[::-1])]


@pytest.mark.parametrize(
    ("draw", "error"), [(gaussian, 0.05), (disc, 0.2)], ids=["gaussian", "disc"]
)
def test_positions_are_refined_below_the_pixel(draw, error):
    rng = np.random.default_rng(0)
    grid = np.stack(np.mgrid[10:41:10, 12:61:12], axis=-1).reshape(-1, 2)
    truth = sorted_rows(grid + rng.uniform(-0.5, 0.5, grid.shape))
    found = find_columns(np.max([draw(*p) for p in truth], axis=0))
    order = np.argmin(
        np.linalg.norm(found.positions[:, np.newaxis] - truth, axis=-1), axis=0
    )
    assert sorted(order) == list(range(len(truth)))
    off = found.positions[order] - truth
    assert np.abs(off).max() < error
    assert np.abs(off.mean(axis=0)).max() < 0.05


@pytest.mark.parametrize("distance", [7, 8, 9])
def test_discs_that_touch_are_two(distance):
    image = np.maximum(disc(20, 20), disc(20, 20 + distance))
    found = find_columns(image)
    np.testing.assert_allclose(
        sorted_rows(found.positions), [(20, 20), (20, 20 + distance)], atol=0.3
    )
    assert len(find_columns(image, min_separation=distance + 2)) == 1


def test_gaussians_that_touch_are_two():
    image = np.maximum(gaussian(20, 20), gaussian(24, 23))
    assert len(find_columns(image, probability=0.4)) == 2


def test_a_site_is_of_its_strongest_class():
    maps = np.stack(
        [
            gaussian(10, 15, height=0.45) + gaussian(30, 50, height=0.6),
            gaussian(10, 15.4, height=0.4) + gaussian(35, 20, height=0.9),
            gaussian(10, 14, height=0.1),
        ]
    )
    found = find_columns(maps)
    assert len(found) == 3
    np.testing.assert_allclose(
        found.positions, [(35, 20), (30, 50), (10, 15)], atol=0.2
    )
    assert found.classes.tolist() == [1, 0, 0]
    np.testing.assert_allclose(found.confidence, [0.9, 0.6, 0.45], atol=1e-6)


def test_a_column_split_between_classes_is_one():
    image = disc(25, 30)
    left = np.arange(SHAPE[1]) < 29
    assert find_columns(np.stack([image * left, image * ~left])).classes.tolist() == [1]


def test_a_few_certain_pixels_are_no_column():
    y, x = np.mgrid[:60, :70]
    discs = [np.hypot(y - row, x - column) <= 5 for row, column in ((12, 15), (40, 50))]
    image = np.max(discs, axis=0).astype(float)
    image[25:27, 30:32] = 1
    np.testing.assert_allclose(find_columns(image).positions, [[12, 15], [40, 50]])
    # Cut by the edge of the frame it is one.
    image[0:4, 60:66] = np.hypot(y, x - 62)[0:4, 60:66] <= 4
    assert len(find_columns(image)) == 3


def test_the_filling_of_a_column_says_how_much_of_it_is_seen():
    y, x = np.mgrid[:60, :90]
    middles = np.stack(np.mgrid[10:51:20, 10:81:14], axis=-1).reshape(-1, 2)
    discs = [np.hypot(y - row, x - column) <= 5 for row, column in middles]
    image = np.max(discs, axis=0).astype(float)
    ragged = np.random.default_rng(0).random(image.shape) < 0.6
    image[discs[7]] = ragged[discs[7]]
    found = find_columns(image, probability=0.3)
    assert len(found) == len(discs)
    off = np.hypot(*(found.positions - middles[7]).T)
    assert found.filling[off.argmin()] == pytest.approx(0.6, abs=0.12)
    np.testing.assert_allclose(found.filling[off > 5], 1, atol=0.05)
    # It may be as certain, in some pixels.
    assert (found.confidence == 1).all()


def test_the_threshold_is_absolute():
    weak = gaussian(20, 30, height=0.49)
    for nothing in (weak, np.zeros(SHAPE), np.stack([weak, 0 * weak])):
        found = find_columns(nothing)
        assert len(found) == 0
        assert found.positions.shape == (0, 2)
    assert len(find_columns(weak, probability=0.4)) == 1
    # A brighter neighbor does not hide it.
    both = weak + gaussian(40, 60)
    assert len(find_columns(both, probability=0.4)) == 2


def test_the_edge_of_the_frame_is_no_edge_of_a_column():
    found = find_columns(disc(0, 20) + disc(25, 40) + disc(48, 69))
    assert len(found) == 3


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    classes=st.integers(1, 3),
    separation=st.one_of(st.none(), st.floats(0.5, 20)),
    probability=st.floats(0.05, 0.95),
)
def test_columns_of_any_map(seed, classes, separation, probability):
    rng = np.random.default_rng(seed)
    maps = rng.random((classes, 17, 23)) / classes
    found = find_columns(maps, probability=probability, min_separation=separation)
    assert (maps.sum(axis=0).max() >= probability) == (len(found) > 0)
    assert np.all(found.positions > -1e-9)
    assert np.all(found.positions < (16 + 1e-9, 22 + 1e-9))
    assert np.all(np.diff(found.confidence) <= 0)
    if separation and len(found) > 1:
        assert pdist(found.positions).min() > separation


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((5,), {}, r"\(5,\)"),
        ((4, 5), {"probability": 1}, "probability"),
        ((4, 5), {"min_separation": 0}, "min_separation"),
        ((4, 5), {"min_separation": np.inf}, "min_separation"),
    ],
)
def test_wrong_input(shape, options, message):
    with pytest.raises(ValueError, match=message):
        find_columns(np.zeros(shape), **options)
