# SPDX-License-Identifier: GPL-3.0-or-later
"""Images and labels fit each other, at any sampling, and repeat with their seed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from hrtemnn_training.augmentation import flip_and_turn, vary_intensity
from hrtemnn_training.batches import ImageEpoch
from hrtemnn_training.images import Exposure, expose, mask_label, training_pair
from hrtemnn_training.microscope import Camera, Optics
from hrtemnn_training.parameters import ImageParameters, draw_conditions
from hrtemnn_training.store import DataSet, Sample
from hrtemnn_training.structures import find_sites

OPTICS, CAMERA = Optics(300, 60, 5e4, 8, 0.3), Camera(0.2, 1e6)


def disc_sample(x: float, y: float, radius: float = 7.0) -> Sample:
    """A dark disc as an exit wave, with its outline."""
    extent = (40.0, 52.0)
    yy, xx = np.mgrid[:160, :208] * 0.25
    inside = np.hypot(yy - y, xx - x) < radius
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    outline = np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=1)
    wave = np.where(inside, 0.5, 1.0).astype(np.complex64)
    none = np.zeros((0, 3), np.float32)
    sites = find_sites(none, none[:, 0].astype(np.uint8), none[:, 0].astype(np.uint8))
    return Sample(
        wave, extent, (outline.astype(np.float32),), ("nanoparticle",), sites, {}
    )


def test_label_lies_on_the_particle_rows_and_columns_in_place() -> None:
    sample = disc_sample(x=33, y=15)
    exposure = expose(sample, Optics(300), CAMERA, (30, 42), np.random.default_rng(0))
    dark = exposure.image < 0.6 * np.median(exposure.image)
    label = mask_label(sample.outlines, exposure, exposure.image.shape)
    assert exposure.image.shape == (150, 210)
    np.testing.assert_allclose(
        ndimage.center_of_mass(dark), ndimage.center_of_mass(label), atol=1
    )
    assert np.mean(dark != label) < 0.02


@pytest.mark.parametrize("sampling", [0.07, 0.13, 0.2, 0.41])
def test_area_of_a_label_does_not_depend_on_the_sampling(sampling: float) -> None:
    exposure = Exposure(np.zeros((2, 2)), (3.0, 5.0), (28.0, 35.0), OPTICS, CAMERA)
    shape = (round(28 / sampling), round(35 / sampling))
    label = mask_label(disc_sample(20, 17).outlines, exposure, shape)
    assert label.mean() * 28 * 35 == pytest.approx(np.pi * 7**2, rel=0.02)


def test_labels_of_several_particles_are_their_union() -> None:
    exposure = Exposure(np.zeros((2, 2)), (0.0, 0.0), (40.0, 52.0), OPTICS, CAMERA)
    first, second = disc_sample(12, 12, 5).outlines, disc_sample(40, 30, 5).outlines
    both = mask_label([*first, *second], exposure, (200, 260))
    assert ndimage.label(both)[1] == 2
    assert not mask_label([], exposure, (20, 30)).any()


def test_a_field_too_small_for_the_image_is_refused() -> None:
    with pytest.raises(ValueError, match="too small for images of 39 Å"):
        expose(disc_sample(20, 20), OPTICS, CAMERA, (39, 20), np.random.default_rng(0))


def test_training_pair_repeats_with_its_seed() -> None:
    parameters = ImageParameters(image_size=(100, 72), sampling=(0.15, 0.2))

    def pair(seed: int) -> tuple[np.ndarray, np.ndarray]:
        return training_pair(
            disc_sample(25, 18),
            parameters,
            energy=300,
            sampling=0.4,
            rng=np.random.default_rng(seed),
        )

    image, label = pair(4)
    assert image.shape == label.shape == (72, 100)
    assert image.dtype == np.float32
    assert label.any()
    assert abs(image.mean()) < 0.3
    np.testing.assert_array_equal(image, pair(4)[0])
    assert not np.array_equal(image, pair(5)[0])


def test_conditions_are_within_their_ranges() -> None:
    parameters = ImageParameters()
    rng = np.random.default_rng(0)
    draws = [draw_conditions(parameters, 300, rng) for _ in range(300)]
    doses = np.log10([camera.dose for _, camera in draws])
    assert doses.min() >= 1
    assert doses.max() <= 6
    assert np.mean(doses < 3.5) == pytest.approx(0.5, abs=0.1)  # even in the logarithm
    assert {0.07 <= camera.sampling <= 0.2 for _, camera in draws} == {True}
    assert {abs(optics.defocus) <= 200 for optics, _ in draws} == {True}


def test_flips_and_turns_move_image_and_label_alike() -> None:
    seen = set()
    for seed in range(60):
        image = np.arange(36, dtype=np.float32).reshape(6, 6)
        turned, label = flip_and_turn(image, image > 10, np.random.default_rng(seed))
        np.testing.assert_array_equal(turned > 10, label)
        seen.add(turned.tobytes())
    assert len(seen) == 8


def test_images_that_are_not_square_are_not_turned() -> None:
    image = np.zeros((4, 6), np.float32)
    for seed in range(8):
        assert flip_and_turn(image, image > 0, np.random.default_rng(seed))[
            0
        ].shape == (4, 6)


def test_intensity_varies_linearly_and_within_bounds() -> None:
    image = np.random.default_rng(0).normal(size=(30, 40)).astype(np.float32)
    slopes, means = [], []
    for seed in range(50):
        varied = vary_intensity(image, np.random.default_rng(seed), 0.2)
        slope, _ = np.polyfit(image.ravel(), varied.ravel(), 1)
        slopes.append(slope)
        means.append(varied.min() - image.min())
        np.testing.assert_allclose(np.corrcoef(image.ravel(), varied.ravel())[0, 1], 1)
    assert min(slopes) > 0.8**2 - 1e-3
    assert max(slopes) < 1.2**2 + 1e-3
    assert np.std(slopes) > 0.05


def test_epochs_show_every_structure_once_and_differ(run_folder, recipe) -> None:
    data = DataSet(run_folder / "train.zarr")

    def epoch(number: int, parameters: ImageParameters = recipe.images) -> ImageEpoch:
        return ImageEpoch(
            data, parameters, energy=300, sampling=0.4, epoch=number, batch_size=2
        )

    images, labels = epoch(0)[1]
    assert images.shape == labels.shape == (2, 72, 88, 1)
    assert set(np.unique(labels)) <= {0, 1}
    assert len(epoch(0)) == 3
    np.testing.assert_array_equal(images, epoch(0)[1][0])
    assert not np.array_equal(images, epoch(1)[1][0])


def test_kept_images_return_and_stages_do_not_share_them(
    run_folder, recipe, tmp_path
) -> None:
    data = DataSet(run_folder / "train.zarr")

    def images(epoch: int, cache=None, **changes: object) -> np.ndarray:
        parameters = recipe.images.model_copy(update={"image_epochs": 2, **changes})
        made = ImageEpoch(
            data,
            parameters,
            energy=300,
            sampling=0.4,
            epoch=epoch,
            batch_size=6,
            augment=False,
            cache=cache,
        )[0][0]
        return np.sort(made, axis=0)  # the order of an epoch is its own

    formed = images(0)
    np.testing.assert_allclose(images(0, tmp_path), formed, atol=5e-3)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npy")}
    assert len(kept) == 6
    np.testing.assert_array_equal(images(2, tmp_path), images(0, tmp_path))
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.npy")} == kept
    images(0, tmp_path, log_dose=(2.0, 3.0))
    assert len(list(tmp_path.rglob("*.npy"))) == 12
    assert not list(tmp_path.rglob(".*"))
