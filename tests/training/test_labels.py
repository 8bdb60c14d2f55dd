# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels are where the atoms are, at any sampling, and say what the thesis says."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from known_specimens import EXTENT, circle, columns, specimen
from scipy import ndimage

from hrtemnn_training.images.grid import Grid
from hrtemnn_training.images.outlines import instances
from hrtemnn_training.images.sample import Sample
from hrtemnn_training.images.site_labels import column_heights, discs, gaussians
from hrtemnn_training.images.wave_label import exit_wave
from hrtemnn_training.parameters import ImageParameters

GRID = Grid(corner=(3.0, 5.0), size=(28.0, 36.0), shape=(140, 240))
"""Pixels of 0.2 Å along y and 0.15 Å along x."""


def position(label: np.ndarray, grid: Grid = GRID) -> np.ndarray:
    """Return the center of mass (x, y) of a label [Å]."""
    return (np.add(ndimage.center_of_mass(label), 0.5) * grid.pixel + grid.corner)[::-1]


def parameters(label: str, num_classes: int = 1, **changes: object) -> ImageParameters:
    return ImageParameters(label=label, num_classes=num_classes, **changes)


def pixel_label(shown, parameters: ImageParameters, grid: Grid) -> np.ndarray:
    return parameters.kind.draw(Sample(shown, None, parameters, 0.2), grid)


def image_label(values, parameters: ImageParameters) -> np.ndarray:
    return parameters.kind.draw(SimpleNamespace(conditions=lambda: values), GRID)


def test_positions_become_pixels_and_back() -> None:
    assert GRID.pixel == pytest.approx([0.2, 0.15])
    middles = np.stack([GRID.centers(1)[[0, 7]], GRID.centers(0)[[0, 3]]], axis=1)
    np.testing.assert_allclose(GRID.indices(middles), [[0, 0], [3, 7]], atol=1e-9)
    assert GRID.centers(0)[0] == pytest.approx(3.1)


@pytest.mark.parametrize("pixel", [0.07, 0.13, 0.2, 0.41])
def test_area_of_a_mask_does_not_depend_on_the_sampling(pixel: float) -> None:
    grid = Grid(GRID.corner, GRID.size, (round(28 / pixel), round(36 / pixel)))
    label = pixel_label(specimen((20, 17, 7)), parameters("Mask"), grid)
    assert label.mean() * 28 * 36 == pytest.approx(np.pi * 7**2, rel=0.02)
    assert position(label[..., 0], grid) == pytest.approx([20, 17], abs=0.1)


def test_masks_are_the_union_or_one_for_each_kind() -> None:
    scene = specimen(
        (12, 12, 5), (32, 22, 5), (24, 12, 4), kinds=("metal", "oxide", "metal")
    )
    union = pixel_label(scene, parameters("Mask"), GRID)
    assert union.shape == (140, 240, 1)
    assert ndimage.label(union[..., 0])[1] == 3
    kinds = ("oxide", "metal")
    by_kind = pixel_label(scene, parameters("Mask", 3, categories=kinds), GRID)
    assert [ndimage.label(by_kind[..., i])[1] for i in range(2)] == [1, 2]
    assert position(by_kind[..., 0]) == pytest.approx([32, 22], abs=0.05)
    np.testing.assert_array_equal(by_kind.sum(axis=-1), 1)
    np.testing.assert_array_equal(by_kind[..., 2], ~union[..., 0])
    assert not pixel_label(specimen(), parameters("Mask"), GRID).any()


def test_instances_number_the_particles_and_the_later_covers_the_earlier() -> None:
    label = instances([circle(16, 15, 6), circle(22, 15, 6)], GRID)
    assert label.shape == (140, 240)
    assert sorted(np.unique(label)) == [0, 1, 2]
    assert np.sum(label == 2) * 0.03 == pytest.approx(np.pi * 36, rel=0.02)
    assert np.sum(label == 1) < np.sum(label == 2)
    assert label[60, 60] == 1  # y = 15.1, x = 14.1
    assert label[60, 120] == 2


@pytest.mark.parametrize(
    ("diameter", "spread"), [(0.6, 0.15), (1.2, 0.10), (4.0, 0.05)]
)
def test_centers_of_discs_are_their_sites(diameter: float, spread: float) -> None:
    """Without bias; that pixels are wholly in or out moves each by a little."""
    sites = np.random.default_rng(0).uniform([8, 6], [38, 28], size=(400, 2))
    drawn = [discs(columns([site]), diameter, GRID)[..., 0] for site in sites]
    off = ([position(label) for label in drawn] - sites) / GRID.pixel[::-1]
    assert np.abs(off.mean(axis=0)).max() < 0.02
    assert off.std(axis=0).max() < spread
    area = np.mean([label.sum() for label in drawn]) * GRID.pixel.prod()
    assert area == pytest.approx(np.pi * diameter**2 / 4, rel=0.01)


def test_a_disc_has_the_diameter_of_the_spotsize() -> None:
    site = [(GRID.centers(1)[100], GRID.centers(0)[70])]
    label = discs(columns(site), 2.9, GRID)[..., 0]
    rows, columns_ = label.any(axis=1).sum(), label.any(axis=0).sum()
    assert rows == 15  # 2 * floor(1.45 / 0.2) + 1
    assert columns_ == 19


def test_discs_of_each_class_are_in_its_channel() -> None:
    sites = columns(
        [(10, 10), (20.3, 12), (30, 25.1), (11, 20)],
        classes=[0, 2, 1, 2],
        names=("1Mo", "2S", "1S"),
    )
    label = pixel_label(
        specimen(sites=sites), parameters("Disk", 4, spotsize=2.5), GRID
    )
    assert label.shape == (140, 240, 4)
    assert label.dtype == bool
    found = [ndimage.label(label[..., i])[1] for i in range(3)]
    assert found == [1, 1, 2]
    assert position(label[..., 1]) == pytest.approx([30, 25.1], abs=0.03)
    np.testing.assert_array_equal(label.sum(axis=-1), 1)
    without = pixel_label(
        specimen(sites=sites),
        parameters("Disk", 3, spotsize=2.5, null_class=False),
        GRID,
    )
    np.testing.assert_array_equal(without, label[..., :3])


def test_discs_that_meet_are_parted_in_the_middle() -> None:
    sites = columns([(20, 15), (21.5, 15)], classes=[0, 1], names=("a", "b"))
    label = discs(sites, 3.0, GRID)
    assert not np.any(label[..., 0] & label[..., 1])
    x = np.argwhere(label[..., 0])[:, 1]
    assert GRID.centers(1)[x].max() == pytest.approx(20.75, abs=0.15)
    assert label[..., 0].sum() == pytest.approx(label[..., 1].sum(), rel=0.05)


def test_discs_outside_are_cut_at_the_edge() -> None:
    label = discs(columns([(5.0, 3.0), (80, 80), (4.5, 31.5)]), 4.0, GRID)[..., 0]
    assert label[:10, :10].any()
    assert label[-5:, :10].any()
    assert label.sum() * 0.03 < np.pi * 4 / 2
    assert not discs(columns(), 4.0, GRID).any()


def test_gaussians_have_their_height_place_and_width() -> None:
    site, width = (21.33, 14.21), 0.9
    label = gaussians(columns([site]), width, GRID)[..., 0]
    assert position(label) == pytest.approx(site, abs=0.002)
    assert label.max() == pytest.approx(1, abs=0.01)
    assert label.sum() * 0.03 == pytest.approx(2 * np.pi * width**2, rel=2e-3)
    y = np.abs(GRID.centers(0) - site[1])
    row = np.argmin(np.abs(y - width))
    column = np.argmin(np.abs(GRID.centers(1) - site[0]))
    assert label[row, column] == pytest.approx(np.exp(-0.5), abs=0.06)


def test_gaussians_and_their_background_add_up_to_one() -> None:
    sites = columns([(20, 15), (20.6, 15)], classes=[0, 1], names=("a", "b"))
    scene = specimen(sites=sites)
    label = pixel_label(scene, parameters("Blob", 3, spotsize=0.8), GRID)
    np.testing.assert_allclose(label.sum(axis=-1), 1, atol=1e-6)
    assert label.min() >= 0
    assert label[..., 2].max() == 1
    assert label[..., 2].min() < 0.01


def test_columns_have_their_height() -> None:
    sites = columns([(10, 10), (20, 12), (30, 25)], heights=[1, 7, 23])
    label = column_heights(sites, 2.0, GRID)
    assert label.shape == (140, 240, 1)
    assert sorted(np.unique(label)) == [0, 1, 7, 23]
    assert position(label[..., 0] == 7) == pytest.approx([20, 12], abs=0.03)


@pytest.mark.parametrize("shape", [(57, 91), (140, 240), (301, 401)])
def test_an_exit_wave_is_exact_between_its_pixels(shape: tuple[int, int]) -> None:
    """Waves of a few known frequencies, at places no pixel of theirs is at."""
    ky, kx = 5 / EXTENT[0], -9 / EXTENT[1]
    y, x = (np.arange(n) * e / n for n, e in zip((100, 120), EXTENT, strict=True))

    def known(y: np.ndarray, x: np.ndarray, damping: float) -> np.ndarray:
        plane = np.exp(2j * np.pi * (ky * y[:, np.newaxis] + kx * x))
        return 1 + (0.2 - 0.1j) * damping * plane

    grid = Grid(GRID.corner, GRID.size, shape)
    label = exit_wave(known(y, x, 1.0).astype(np.complex64), EXTENT, grid)
    assert label.shape == (*shape, 2)
    assert label.dtype == np.float32
    damping = np.exp(-2 * np.pi**2 * 0.15**2 * (kx**2 + ky**2))
    expected = known(grid.centers(0), grid.centers(1), damping)
    np.testing.assert_allclose(label[..., 0] + 1j * label[..., 1], expected, atol=2e-5)


def test_an_exit_wave_is_smoothed_by_15_picometers() -> None:
    """A point becomes a Gaussian of that standard deviation, at its place."""
    wave = np.ones((800, 1040), np.complex64)
    wave[300, 440] = 1 + 40j  # y = 15 Å, x = 22 Å
    grid = Grid((14.0, 20.5), (2.0, 3.0), (100, 150))
    point = exit_wave(wave, EXTENT, grid)[..., 1]
    assert position(point, grid) == pytest.approx([22, 15], abs=0.002)
    y = grid.centers(0) - 15
    spread = np.sqrt(np.sum(point.sum(axis=1) * y**2) / point.sum())
    assert spread == pytest.approx(0.15, rel=0.02)


def test_an_exit_wave_on_coarse_pixels_has_nothing_folded_into_it() -> None:
    x = np.arange(520) * EXTENT[1] / 520
    fine = np.exp(0.2j * np.cos(2 * np.pi * 2.0 * x))  # 2 per Å, above 1 / (2 * 0.4)
    wave = np.broadcast_to(fine, (400, 520)).astype(np.complex64)
    label = exit_wave(wave, EXTENT, Grid((3.0, 5.0), (28.0, 36.0), (70, 90)))
    assert np.ptp(label) < 1
    assert np.ptp(label[..., 0]) < 1e-4
    assert np.ptp(label[..., 1]) < 1e-4


def test_classes_of_the_image_are_one_hot() -> None:
    kinds = parameters("Class", 3, value="phase", categories=("fcc", "hcp", "none"))
    np.testing.assert_array_equal(image_label({"phase": "hcp"}, kinds), [0, 1, 0])
    with pytest.raises(ValueError, match=r"categories: 'bcc' of phase"):
        image_label({"phase": "bcc"}, kinds)


def test_a_value_that_is_not_there_or_not_a_number_is_named() -> None:
    wanted = parameters("Value", value="layers")
    with pytest.raises(ValueError, match=r"'layers' is not known; there is height"):
        image_label({"height": 3}, wanted)
    with pytest.raises(ValueError, match="layers is a text"):
        image_label({"layers": "many"}, wanted)


@pytest.mark.parametrize(("label", "classes"), [("Disk", 3), ("Gaussian", 5)])
def test_classes_that_are_not_those_of_the_sites_are_refused(label, classes) -> None:
    scene = specimen(sites=columns([(20, 15)], names=("1Mo", "2S", "1S")))
    with pytest.raises(ValueError, match=rf"num_classes: .*1Mo.*be 4, not {classes}"):
        pixel_label(scene, parameters(label, classes), GRID)
