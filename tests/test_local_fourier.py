# SPDX-License-Identifier: GPL-3.0-or-later
"""Reflections of known lattices are where they belong and as high as they should."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.fft

from hyperspy_hrtemnn.analysis import (
    crop_size,
    crop_sizes,
    local_spectrum,
    smallest_crop_size,
)

SHAPE = (150, 210)
ROW, COLUMN = np.mgrid[: SHAPE[0], : SHAPE[1]]


def fringes(spacing, degrees, amplitude=1.0):
    angle = np.radians(degrees)
    phase = (COLUMN * np.cos(angle) + ROW * np.sin(angle)) / spacing
    return 10 + amplitude * np.cos(2 * np.pi * phase)


def disc(row, column, radius):
    return (ROW - row) ** 2 + (COLUMN - column) ** 2 <= radius**2


def strongest(spectrum):
    """Return (ky, kx) of the strongest reflection in cycles per pixel, kx >= 0."""
    ny, nx = spectrum.shape
    row, column = np.unravel_index(spectrum[:, nx // 2 :].argmax(), (ny, nx - nx // 2))
    return (row - ny // 2) / ny, column / nx


@pytest.mark.parametrize("size", [(96, 96), (128, 96), (75, 101)])
def test_a_lattice_on_the_grid_is_in_one_pixel(size):
    ny, nx = size
    gy, gx = 7 / ny, 12 / nx
    image = 3 + np.cos(2 * np.pi * (gy * ROW + gx * COLUMN))
    spectrum = local_spectrum(image, disc(70, 100, 30), size=size, apodization=4)
    assert spectrum.shape == size
    assert spectrum.dtype == np.float32
    assert strongest(spectrum) == (gy, gx)
    assert spectrum[ny // 2 + 7, nx // 2 + 12] == pytest.approx(0.5, rel=0.01)
    assert spectrum[ny // 2, nx // 2] < 1e-5


@pytest.mark.parametrize("degrees", [-50, 0, 20, 80])
def test_spacing_and_angle(degrees):
    spectrum = local_spectrum(
        fringes(6.3, degrees), disc(70, 100, 40), size=(512, 768), apodization=3
    )
    ky, kx = strongest(spectrum)
    assert np.hypot(ky, kx) == pytest.approx(1 / 6.3, abs=1 / 1024)
    assert np.degrees(np.arctan2(ky, kx)) == pytest.approx(degrees, abs=0.5)


def test_height_depends_on_neither_crop_nor_particle():
    image = fringes(8, 0, amplitude=0.6)
    heights = [
        local_spectrum(image, disc(70, 100, radius), size=size, apodization=3).max()
        for radius, size in ((20, (64, 80)), (20, (256, 128)), (35, (128, 160)))
    ]
    np.testing.assert_allclose(heights, 0.3, rtol=0.02)


def test_the_definition_in_the_open():
    rng = np.random.default_rng(3)
    image, mask = rng.random(SHAPE), disc(60, 90, 15)
    window = scipy.ndimage.gaussian_filter(mask.astype(float), 3, truncate=6)
    centered = window * (image - (window * image).sum() / window.sum()) / window.sum()
    crop = centered[60 - 40 : 60 + 40, 90 - 50 : 90 + 50]
    expected = np.abs(scipy.fft.fftshift(scipy.fft.fft2(crop)))
    spectrum = local_spectrum(image, mask, size=(80, 100), apodization=3)
    np.testing.assert_allclose(spectrum, expected, atol=2e-6)


def test_only_the_particle_counts():
    inside, outside = fringes(7, 0), fringes(5, 90)
    mask = disc(70, 100, 35)
    image = np.where(mask, inside, outside)
    spectrum = local_spectrum(image, mask, size=(140, 140), apodization=2)
    assert strongest(spectrum) == (0, 20 / 140)
    assert spectrum[70 + 28, 70] < 0.05 * spectrum.max()


@pytest.mark.parametrize("mask", [disc(3, 100, 40), disc(70, 205, 40), None])
def test_a_cut_particle_draws_no_streaks(mask):
    options = {"size": (160, 240)}
    soft = local_spectrum(fringes(8, 30), mask, apodization=4, **options)
    hard = local_spectrum(fringes(8, 30), mask, apodization=0, **options)
    ky, kx = strongest(soft)
    assert np.hypot(ky, kx) == pytest.approx(1 / 8, abs=0.006)
    far = np.s_[:30]  # all kx, ky beyond 0.31
    assert soft[far].max() < 0.1 * hard[far].max()


def test_moving_particle_and_image_together_changes_nothing():
    image, mask = fringes(8, 30), disc(60, 80, 20)
    moved_image, moved_mask = (np.roll(a, (13, 29), (0, 1)) for a in (image, mask))
    options = {"size": (96, 96), "apodization": 3.0}
    np.testing.assert_allclose(
        local_spectrum(image, mask, **options),
        local_spectrum(moved_image, moved_mask, **options),
        atol=1e-6,
    )


def test_nothing_gives_zeros():
    options = {"size": (24, 30), "apodization": 5.0}
    for mask in (np.zeros(SHAPE, bool), disc(1, 1, 2)):
        assert not local_spectrum(fringes(8, 0), mask, **options).any()
    assert not local_spectrum(np.full(SHAPE, 7.0), disc(60, 80, 20), **options).any()


@pytest.mark.parametrize("apodization", [0.4, 3.0, 4.3])
def test_the_least_crop_shows_something_and_a_smaller_one_is_refused(apodization):
    least = smallest_crop_size(apodization)
    assert 4 * apodization < least < 4 * apodization + 4
    image, mask = fringes(8, 0), disc(70, 100, 40)
    smallest = local_spectrum(image, mask, size=(least, 40), apodization=apodization)
    assert smallest.any()
    with pytest.raises(ValueError, match=f"size has to be at least {least}"):
        local_spectrum(image, mask, size=(least - 1, 40), apodization=apodization)


def test_hard_edge():
    spectrum = local_spectrum(
        fringes(8, 0), disc(70, 100, 20), size=(64, 64), apodization=0
    )
    assert strongest(spectrum) == (0, 1 / 8)


def test_crop_size_holds_the_particle_and_its_edge():
    frames = np.zeros((2, *SHAPE), int)
    frames[0][disc(50, 60, 10)] = 3
    frames[1][40:48, 30:70] = 3
    frames[1][100:140, 10:200] = 4
    assert crop_size(frames, [3], 0) == 40
    assert crop_size(frames, [3], 2.2) == 50
    assert crop_size(frames, [3, 4], 0) == 190
    assert crop_size(frames, [], 0) == 2
    assert crop_sizes(frames, [3, 4], 2.2) == {3: 50, 4: 200}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": np.zeros((2, 3, 4))}, r"\(2, 3, 4\)"),
        ({"mask": np.ones((4, 3))}, r"\(4, 3\).*\(3, 4\)"),
        ({"size": (0, 3)}, "size"),
        ({"apodization": -1}, "apodization"),
    ],
)
def test_invalid_input_is_refused(change, message):
    given_input = {"image": np.zeros((3, 4)), "size": (3, 3), "apodization": 1.0}
    with pytest.raises(ValueError, match=message):
        local_spectrum(**(given_input | change))


@pytest.mark.parametrize("shape", [(8, 11), (11, 8), (9, 13), (10, 12)])
def test_a_whole_image_has_the_transform_of_numpy(shape, rng) -> None:
    image = rng.normal(5, 1, shape)
    whole = np.abs(np.fft.fftshift(np.fft.fft2(image - image.mean()))) / image.size
    ours = local_spectrum(image, size=shape, apodization=0)
    np.testing.assert_allclose(ours, whole, atol=1e-6)
