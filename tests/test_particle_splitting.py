# SPDX-License-Identifier: GPL-3.0-or-later
"""Particles are separated where they have a neck, and only there."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from scipy.ndimage import gaussian_filter

from hyperspy_hrtemnn.analysis import split_and_count_particles, split_particles
from hyperspy_hrtemnn.options import SplittingOptions

SHAPE = (70, 110)


def disc(row, column, radius, shape=SHAPE):
    y, x = np.ogrid[: shape[0], : shape[1]]
    return (y - row) ** 2 + (x - column) ** 2 <= radius**2


def test_two_touching_discs_are_two_particles():
    both = disc(30, 35, 16) | disc(34, 64, 14)
    labels = split_particles(both, min_separation=10)
    assert labels.dtype == np.int32
    assert labels.shape == SHAPE
    np.testing.assert_array_equal(labels > 0, both)
    assert np.unique(labels).tolist() == [0, 1, 2]
    assert labels[30, 35] != labels[34, 64]
    # The cut is at the neck: each disc keeps its pixels.
    assert np.mean(labels[disc(30, 35, 16)] == labels[30, 35]) > 0.99


def test_centers_closer_than_the_separation_are_one_particle():
    peanut = disc(30, 40, 10) | disc(30, 56, 10)
    assert split_particles(peanut, min_separation=14).max() == 2
    assert split_particles(peanut, min_separation=17).max() == 1


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
    assert split_particles(shape, min_separation=6, min_area=1).max() == 1


@pytest.mark.parametrize("seed", range(5))
def test_a_rough_edge_does_not_split_a_particle(seed):
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=SHAPE), 2)
    rough = (
        gaussian_filter(disc(34, 50, 27).astype(float), 2) + 0.1 * noise / noise.std()
    )
    assert split_particles(rough, min_separation=6, probability=0.5).max() == 1


def test_a_pinhole_is_neither_a_neck_nor_filled():
    particle = disc(34, 50, 25)
    particle[28, 44] = particle[38:40, 55] = False
    labels = split_particles(particle, min_separation=6)
    np.testing.assert_array_equal(labels, particle.astype(int))


def discs(centers, radius, shape=(150, 170)):
    return np.any([disc(y, x, radius, shape) for y, x in centers], axis=0)


def lattice(angle, distance, count=4):
    """Centers (y, x) of count x count discs, turned so that pixels favor none."""
    turn = np.array([0.2, 0.2 + np.radians(angle)])
    vectors = distance * np.stack([np.sin(turn), np.cos(turn)], axis=1)
    steps = np.mgrid[:count, :count].reshape(2, -1).T - (count - 1) / 2
    return steps @ vectors + (75, 85)


def each_has_its_own(labels, centers):
    """Whether each center, or a neighbor of one that is a pinhole, has its label."""
    around = [labels[round(y) - 1 :, round(x) - 1 :][:3, :3] for y, x in centers]
    numbers = sorted(int(box.max()) for box in around)
    return numbers == list(range(1, len(centers) + 1)) and labels.max() == len(centers)


@pytest.mark.parametrize("min_separation", [8, 14])
@pytest.mark.parametrize(
    ("angle", "distance"),
    [(60, 2.03), (60, 1.97), (60, 1.88), (60, 1.84), (90, 2.0), (90, 1.86), (75, 1.95)],
)
def test_the_gap_between_touching_discs_is_a_gap(angle, distance, min_separation):
    centers = lattice(angle, distance * 15)
    film = discs(centers, 15)
    labels = split_particles(film, min_separation)
    assert each_has_its_own(labels, centers)
    np.testing.assert_array_equal(labels > 0, film)


@pytest.mark.parametrize("share", [0.003, 0.02])
@pytest.mark.parametrize(("angle", "distance"), [(60, 2.03), (60, 1.97), (90, 1.94)])
def test_a_film_with_pinholes_is_cut_at_its_gaps_only(angle, distance, share):
    centers = lattice(angle, distance * 15)
    film = discs(centers, 15)
    film &= np.random.default_rng(4).random(film.shape) >= share
    labels = split_particles(film, 14)
    assert each_has_its_own(labels, centers)
    assert not labels[~film].any()


@pytest.mark.parametrize("count", [3, 4, 6])
def test_a_closed_chain_of_discs_is_cut(count):
    turn = 0.3 + 2 * np.pi * np.arange(count) / count
    around = 1.93 * 14 / (2 * np.sin(np.pi / count))
    centers = around * np.stack([np.sin(turn), np.cos(turn)], axis=1) + (75, 85)
    assert each_has_its_own(split_particles(discs(centers, 14), 18), centers)


def test_discs_of_different_sizes_around_a_gap():
    # Each distance is a little less than the sum of two radii.
    first, second, third = (60, 50), (60, 82), (83.5, 76)
    touching = [
        disc(y, x, r, (150, 170))
        for (y, x), r in zip((first, second, third), (22, 11, 14), strict=True)
    ]
    film = np.any(touching, axis=0)
    assert ndimage.label(~film)[1] > 1  # outside, and the gap
    assert each_has_its_own(split_particles(film, 12), (first, second, third))


@pytest.mark.parametrize("grain", [0.0, 1.0])
@pytest.mark.parametrize("share", [0.01, 0.04, 0.1])
@pytest.mark.parametrize("min_separation", [9, 25])
def test_pinholes_do_not_cut_a_particle(share, grain, min_separation):
    for seed in range(3):
        noise = np.random.default_rng(seed).normal(size=(150, 170))
        noise = gaussian_filter(noise, grain)
        particle = disc(75, 85, 52, noise.shape)
        holes = noise < np.quantile(noise, share)
        parts, _ = ndimage.label(particle & ~holes, np.ones((3, 3)))
        whole = parts == np.bincount(parts[parts > 0]).argmax()
        labels = split_particles(whole, min_separation, min_area=0)
        np.testing.assert_array_equal(labels, whole.astype(int))


def hexagonal_film(distance, radius, angle, shape):
    """Discs all over a frame, and the centers (y, x) that are in it."""
    turn = np.radians([angle, angle + 60])
    vectors = distance * radius * np.stack([np.sin(turn), np.cos(turn)], axis=1)
    steps = np.mgrid[-25:26, -25:26].reshape(2, -1).T
    centers = steps @ vectors + np.array(shape) / 2 + (3.7, 1.2)
    near = ((centers > -radius) & (centers < np.array(shape) + radius)).all(axis=1)
    inside = ((centers >= 0) & (centers <= np.array(shape) - 1)).all(axis=1)
    return discs(centers[near], radius, shape), centers[inside]


def share_with_own_label(labels, centers):
    """Share of the centers that are alone in their particle."""
    rows, columns = np.rint(centers).astype(int).T
    found = labels[rows, columns]
    alone = np.bincount(found[found > 0], minlength=labels.max() + 1)[found] == 1
    return np.mean(alone & (found > 0))


FILMS = [(2.04, 14, 5), (1.97, 17, 16), (1.9, 15, 0), (1.86, 17, 12)]


@pytest.mark.parametrize(("distance", "radius", "angle"), FILMS)
def test_a_border_without_data_cuts_as_the_border_of_the_frame(distance, radius, angle):
    film, centers = hexagonal_film(distance, radius, angle, (170, 210))
    whole = split_particles(film, 1.1 * radius)
    assert share_with_own_label(whole, centers) == 1
    padded = np.pad(film.astype(float), ((12, 0), (7, 23)), constant_values=np.nan)
    labels = split_particles(padded, 1.1 * radius)
    np.testing.assert_array_equal(labels[12:, 7:-23], whole)
    assert (labels[:12] == -1).all()


@pytest.mark.parametrize(
    ("film", "least"), list(zip(FILMS, (1, 0.97, 0.9, 0.7), strict=True))
)
def test_a_film_that_was_cut_loses_only_particles_at_its_edge(film, least):
    distance, radius, angle = film
    mask, centers = hexagonal_film(distance, radius, angle, (170, 210))
    labels = split_particles(np.pad(mask, 15), 1.1 * radius)
    assert share_with_own_label(labels, centers + 15) >= least
    y, x = centers.T
    inner = (np.minimum(y, x) > 3 * radius) & (y < 170 - 3 * radius)
    inner &= x < 210 - 3 * radius
    assert share_with_own_label(labels, centers[inner] + 15) == 1


def test_a_stripe_without_data_is_no_edge_of_what_it_cuts():
    frame = disc(30, 35, 16) | disc(34, 64, 14)
    frame = frame.astype(float)
    frame[:, 46:50] = np.nan
    frame[20:24, 20:40] = np.nan
    labels = split_particles(frame, 10)
    assert labels.max() == 2
    assert labels[30, 35] != labels[34, 64]
    np.testing.assert_array_equal(labels == -1, np.isnan(frame))


def test_a_hollow_particle_is_one():
    hollow = disc(34, 50, 28) & ~disc(35, 52, 15)
    noise = gaussian_filter(np.random.default_rng(2).normal(size=SHAPE), 1.5)
    hollow &= noise > np.quantile(noise, 0.02)
    assert split_particles(hollow, min_separation=30).max() == 1


def test_the_border_of_the_frame_is_no_edge():
    # Only the inner half of each disc is in the frame.
    labels = split_particles(disc(0, 30, 20) | disc(0, 64, 20), min_separation=10)
    assert labels.max() == 2
    assert split_particles(np.ones(SHAPE), min_separation=5).max() == 1


def test_small_particles_are_dropped_and_the_rest_numbered_on():
    frame = disc(10, 10, 2) | disc(12, 80, 9) | disc(50, 30, 8)
    assert split_particles(frame, min_separation=5).max() == 3
    assert split_particles(frame, min_separation=5, min_area=25).max() == 2
    assert split_particles(frame, min_separation=5, min_area=0).max() == 3
    assert split_particles(frame, min_separation=5, min_area=230).max() == 1
    assert split_particles(np.zeros(SHAPE), min_separation=5).max() == 0


def test_what_is_dropped_is_counted():
    frame = disc(10, 10, 2) | disc(12, 80, 9) | disc(50, 30, 8)
    labels, dropped = split_and_count_particles(
        frame, SplittingOptions(5, min_area=230)
    )
    assert (labels.max(), dropped) == (1, 2)
    # A neck cuts a part off that is too small by itself.
    both = disc(30, 40, 16) | disc(30, 62, 7)
    labels, dropped = split_and_count_particles(both, SplittingOptions(6, min_area=200))
    assert (labels.max(), dropped) == (1, 1)
    assert labels[30, 66] == 0


def test_by_default_only_specks_are_dropped():
    # A quarter of the separation is 5 pixels.
    frame = disc(12, 15, 2) | disc(12, 80, 4) | disc(50, 30, 8)
    labels, dropped = split_and_count_particles(frame, SplittingOptions(20))
    assert (labels.max(), dropped) == (2, 1)
    assert labels[12, 15] == 0


def random_film(seed):
    """Overlapping discs of many sizes in a frame that cuts some of them."""
    rng = np.random.default_rng(seed)
    centers = rng.uniform(0, SHAPE, (12, 2))
    radii = rng.uniform(5, 16, 12)
    return np.any(
        [disc(y, x, r) for (y, x), r in zip(centers, radii, strict=True)], axis=0
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_turned_or_mirrored_there_are_as_many(seed):
    film = random_film(seed)
    count = split_particles(film, 9).max()
    for other in (np.rot90(film), film[::-1], film[:, ::-1], film.T):
        assert split_particles(other, 9).max() == count


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_labels_are_connected_parts_of_the_mask(seed):
    film = random_film(seed)
    labels = split_particles(film, 9, min_area=0)
    np.testing.assert_array_equal(labels > 0, film)
    for number in range(1, labels.max() + 1):
        assert ndimage.label(labels == number, np.ones((3, 3)))[1] == 1


@pytest.mark.parametrize("factor", [2, 3])
def test_finer_pixels_find_the_same_particles(factor):
    film = discs(lattice(60, 1.9 * 12), 12)
    fine = np.kron(film, np.ones((factor, factor), bool))
    labels, of_fine = split_particles(film, 10), split_particles(fine, 10 * factor)
    assert of_fine.max() == labels.max()
    small = of_fine[factor // 2 :: factor, factor // 2 :: factor]
    pairs = np.unique(np.stack([labels[film], small[film]]), axis=1, return_counts=True)
    assert np.sort(pairs[1])[-labels.max() :].sum() > 0.97 * film.sum()


def peak_per_pixel(size):
    noise = np.random.default_rng(5).normal(size=(size, size + 30))
    network = gaussian_filter(noise, 2) > 0
    tracemalloc.start()
    try:
        count = split_particles(network, 7).max()
        return tracemalloc.get_traced_memory()[1] / network.size, count
    finally:
        tracemalloc.stop()


def test_memory_grows_with_the_mask_and_not_with_its_particles_too():
    small, few = peak_per_pixel(150)
    large, many = peak_per_pixel(450)
    assert many > 6 * few
    assert large < 1.3 * small


def test_threshold_is_inclusive():
    frame = np.where(disc(30, 40, 9), np.float32(0.75), 0.2)
    assert split_particles(frame, 4, probability=0.75).max() == 1
    assert split_particles(frame, 4, probability=0.76).max() == 0
    assert split_particles(np.where(frame > 0.5, 0.5, 0.2), 4).max() == 1
    assert split_particles(np.where(frame > 0.5, 0.499, 0.2), 4).max() == 0


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
        split_particles(**given_input)


@settings(max_examples=60, deadline=None)
@given(mask=arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 17))))
def test_any_mask_keeps_its_pixels(mask):
    labels = split_particles(mask, min_separation=2.5, min_area=0)
    np.testing.assert_array_equal(labels > 0, mask)
    numbers = np.unique(labels[labels > 0])
    np.testing.assert_array_equal(numbers, np.arange(1, len(numbers) + 1))
