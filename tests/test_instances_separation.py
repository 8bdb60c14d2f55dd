# SPDX-License-Identifier: GPL-3.0-or-later
"""Particles are separated where they have a neck, and only there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import gaussian_filter

from hyperspy_hrtemnn.analysis import separate

SHAPE = (70, 110)


def disc(row, column, radius, shape=SHAPE):
    y, x = np.ogrid[: shape[0], : shape[1]]
    return (y - row) ** 2 + (x - column) ** 2 <= radius**2


def test_two_touching_discs_are_two_particles():
    both = disc(30, 35, 16) | disc(34, 64, 14)
    labels = separate(both, min_separation=10)
    assert labels.dtype == np.int32
    assert labels.shape == SHAPE
    np.testing.assert_array_equal(labels > 0, both)
    assert np.unique(labels).tolist() == [0, 1, 2]
    assert labels[30, 35] != labels[34, 64]
    # The cut is at the neck: each disc keeps its pixels.
    assert np.mean(labels[disc(30, 35, 16)] == labels[30, 35]) > 0.99


def test_centers_closer_than_the_separation_are_one_particle():
    peanut = disc(30, 40, 10) | disc(30, 56, 10)
    assert separate(peanut, min_separation=14).max() == 2
    assert separate(peanut, min_separation=17).max() == 1


@pytest.mark.parametrize(
    "shape",
    [
        np.pad(np.ones((13, 90), bool), 10),
        np.pad(np.tri(60, 60, dtype=bool), 5),
        disc(34, 50, 30) & ~disc(34, 50, 17),
        np.pad(np.ones((60, 80), bool), 4)
        & ~np.pad(np.ones((46, 66), bool), (0, 22))[:68, :88],
    ],
    ids=["rod", "triangle", "ring", "angle"],
)
def test_a_particle_without_neck_is_one(shape):
    assert separate(shape, min_separation=6, min_area=1).max() == 1


@pytest.mark.parametrize("seed", range(5))
def test_a_rough_edge_does_not_split_a_particle(seed):
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=SHAPE), 2)
    rough = (
        gaussian_filter(disc(34, 50, 27).astype(float), 2) + 0.1 * noise / noise.std()
    )
    assert separate(rough, min_separation=6, probability=0.5).max() == 1


def test_a_pinhole_is_neither_a_neck_nor_filled():
    particle = disc(34, 50, 25)
    particle[28, 44] = particle[38:40, 55] = False
    labels = separate(particle, min_separation=6)
    np.testing.assert_array_equal(labels, particle.astype(int))


def test_the_border_of_the_frame_is_no_edge():
    # Only the inner half of each disc is in the frame.
    labels = separate(disc(0, 30, 20) | disc(0, 64, 20), min_separation=10)
    assert labels.max() == 2
    assert separate(np.ones(SHAPE), min_separation=5).max() == 1


def test_small_particles_are_dropped_and_the_rest_numbered_on():
    frame = disc(10, 10, 2) | disc(12, 80, 9) | disc(50, 30, 8)
    assert separate(frame, min_separation=5).max() == 2
    assert separate(frame, min_separation=5, min_area=0).max() == 3
    assert separate(frame, min_separation=5, min_area=230).max() == 1
    assert separate(np.zeros(SHAPE), min_separation=5).max() == 0


def test_threshold_is_inclusive():
    frame = np.where(disc(30, 40, 9), np.float32(0.75), 0.2)
    assert separate(frame, 4, probability=0.75).max() == 1
    assert separate(frame, 4, probability=0.76).max() == 0
    assert separate(np.where(frame > 0.5, 0.5, 0.2), 4).max() == 1
    assert separate(np.where(frame > 0.5, 0.499, 0.2), 4).max() == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"probabilities": np.zeros((2, 3, 4))}, r"\(2, 3, 4\)"),
        ({"min_separation": 0}, "min_separation"),
        ({"min_separation": np.nan}, "min_separation"),
        ({"probability": 0.0}, "probability"),
        ({"probability": 90}, "probability"),
        ({"min_area": -1}, "min_area"),
    ],
)
def test_invalid_input_is_refused(change, message):
    given_input = {"probabilities": np.zeros((4, 5)), "min_separation": 2.0, **change}
    with pytest.raises(ValueError, match=message):
        separate(**given_input)


@settings(max_examples=60, deadline=None)
@given(mask=arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 17))))
def test_any_mask_keeps_its_pixels(mask):
    labels = separate(mask, min_separation=2.5, min_area=0)
    np.testing.assert_array_equal(labels > 0, mask)
    numbers = np.unique(labels[labels > 0])
    np.testing.assert_array_equal(numbers, np.arange(1, len(numbers) + 1))
