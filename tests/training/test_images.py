# SPDX-License-Identifier: GPL-3.0-or-later
"""Images and labels fit each other, at any sampling, and repeat with their seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from known_specimens import EXTENT, specimen
from scipy import ndimage

from hrtemnn_training.images.augmentation import draw_turn, turn, vary_intensity
from hrtemnn_training.images.conditions import draw_conditions, known_values
from hrtemnn_training.images.exposure import expose
from hrtemnn_training.images.outlines import masks
from hrtemnn_training.parameters import ImageParameters
from hrtemnn_training.store import DataSet
from hrtemnn_training.train.batches import ImageEpoch, cache_path, form_images
from hyperspy_hrtemnn.analysis import Aberration, Detector, Optics, image_intensity

DETECTOR = Detector(0.2, 1e6)


def pair(parameters: ImageParameters, seed: int = 4, *discs, **values):
    return parameters.kind.pair(
        specimen(*(discs or [(25, 18, 7)]), **values),
        sampling=0.4,
        rng=np.random.default_rng(seed),
    )


def test_label_lies_on_the_particle_rows_and_columns_in_place() -> None:
    disc = specimen((33, 15, 7))
    rng = np.random.default_rng(0)
    exposure = expose(disc, (Optics(300),), DETECTOR, (30, 42), rng)
    (counts,) = exposure.counts
    dark = counts < 0.6 * np.median(counts)
    label = masks(disc, (), exposure.grid())[..., 0]
    assert counts.shape == (150, 210)
    np.testing.assert_allclose(
        ndimage.center_of_mass(dark), ndimage.center_of_mass(label), atol=1
    )
    assert np.mean(dark != label) < 0.02


def test_a_field_too_small_for_the_image_is_refused() -> None:
    with pytest.raises(ValueError, match="too small for images of 39 Å"):
        expose(specimen(), (Optics(300),), DETECTOR, (39, 20), np.random.default_rng(0))


def test_training_pair_repeats_with_its_seed() -> None:
    parameters = ImageParameters(image_size=(100, 72), sampling=(0.15, 0.2))
    image, label = pair(parameters)
    assert image.shape == label.shape == (72, 100, 1)
    assert image.dtype == np.float32
    assert label.any()
    assert abs(image.mean()) < 0.3
    np.testing.assert_array_equal(image, pair(parameters)[0])
    assert not np.array_equal(image, pair(parameters, 5)[0])


def test_what_is_off_leaves_images_as_they_were_before_it_existed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The focal spread was an envelope of the wave only.
    optics = "hyperspy_hrtemnn.analysis.microscope.optics"
    monkeypatch.setattr(f"{optics}.focal_factors", lambda *_: [])
    parameters = ImageParameters(
        image_size=(100, 72), sampling=(0.15, 0.2), log_dose=(4, 5)
    )
    image, label = pair(parameters)
    # Of the code that knew defocus, Cs and Mask only.
    before = [
        [0.44584996, 1.04436421, 0.66661638, 0.36102492],
        [0.43321615, -2.44134950, -0.91684276, 0.41432017],
        [0.35602081, 0.52105159, 0.42314541, 0.24809913],
    ]
    # To what rounding the blur of the documents to 0.01 pm changes.
    np.testing.assert_allclose(image[10:70:20, 5:100:30, 0], before, atol=1e-4)
    assert image.mean() == pytest.approx(0.04850174, abs=1e-5)
    assert image.std() == pytest.approx(0.90474606, abs=1e-5)
    assert label.sum() == 955
    assert tuple(np.argwhere(label)[0]) == (11, 42, 0)


def test_a_focal_series_shares_all_but_defocus_and_noise() -> None:
    parameters = ImageParameters(
        multifocus=(4, 50, 2), ctf_c12=(0, 60), ctf_c45=(1, 2), angular_spread=(0.1, 1)
    )
    steps = []
    for seed in range(40):
        series = draw_conditions(parameters, 300, np.random.default_rng(seed)).optics
        assert len(series) == 4
        assert {replace(o, defocus=0) for o in series} == {
            replace(series[0], defocus=0)
        }
        assert abs(series[0].defocus) <= 200
        steps.append([o.defocus - series[0].defocus for o in series[1:]])
    random = np.array(steps) - [50, 100, 150]  # positive: towards underfocus
    assert np.abs(random).max() <= 2
    assert np.std(random, axis=0) == pytest.approx([2 / np.sqrt(3)] * 3, rel=0.2)
    names = [a.name for a in series[0].aberrations]
    assert names == ["C12", "C45"]


def test_angles_of_aberrations_are_from_the_full_circle() -> None:
    parameters = ImageParameters(ctf_c12=(10, 30), ctf_c21=(500, 600))
    drawn = [
        draw_conditions(parameters, 300, np.random.default_rng(seed))
        .optics[0]
        .aberrations
        for seed in range(200)
    ]
    for i, (low, high) in enumerate(((10, 30), (500, 600))):
        magnitudes = [aberrations[i].magnitude for aberrations in drawn]
        assert low <= min(magnitudes) < max(magnitudes) <= high
        angles = np.array([aberrations[i].angle for aberrations in drawn])
        assert np.abs(np.mean(np.exp(1j * angles))) < 0.15
        assert np.ptp(angles) > 6


def test_images_of_a_series_show_the_same_place_with_their_own_noise() -> None:
    disc = specimen((24, 20, 8))
    optics = (Optics(300, 0.0), Optics(300, 0.0), Optics(300, 300.0))
    detector = Detector(0.2, 2000)
    exposure = expose(disc, optics, detector, (30, 42), np.random.default_rng(0))
    mean = exposure.expected_counts()
    np.testing.assert_array_equal(mean[0], mean[1])
    assert not np.array_equal(mean[0], mean[2])
    noise = exposure.counts - mean
    correlation = np.corrcoef(noise.reshape(3, -1))
    np.testing.assert_allclose(correlation, np.eye(3), atol=0.02)


def test_a_clean_image_is_the_input_without_its_noise() -> None:
    parameters = ImageParameters(
        label="Clean image",
        num_classes=2,
        multifocus=(2, 60, 0),
        image_size=(100, 72),
        sampling=(0.15, 0.2),
    )

    def noise(log_dose: float) -> np.ndarray:
        bounds = (log_dose, log_dose)
        image, clean = pair(parameters.model_copy(update={"log_dose": bounds}))
        assert image.shape == clean.shape == (72, 100, 2)
        return image - clean

    low, high = noise(2.5), noise(6)
    assert abs(low.mean()) < 0.02  # the noise alone, no offset
    assert low.std() > 0.3
    assert high.std() < 0.02


def test_values_of_the_sample_and_of_the_conditions_are_labels() -> None:
    parameters = ImageParameters(
        label="Value", value="thickness", image_size=(100, 72), ctf_c12=(5, 9)
    )
    assert pair(parameters, thickness=31.5)[1] == pytest.approx([31.5])
    for name, (low, high) in {"defocus": (-200, 200), "C12": (5, 9)}.items():
        (value,) = pair(parameters.model_copy(update={"value": name}))[1]
        assert low <= value <= high
        assert value != 0


def test_conditions_are_known_by_name() -> None:
    parameters = ImageParameters(ctf_c23=(3, 3))
    drawn = draw_conditions(parameters, 300, np.random.default_rng(0))
    (optics,), detector = drawn.optics, drawn.detector
    values = known_values(optics, detector)
    assert values["defocus"] == optics.defocus
    assert values["dose"] == detector.dose
    assert values["C23"] == 3
    assert all(isinstance(value, float | int) for value in values.values())


def test_conditions_are_within_their_ranges() -> None:
    parameters = ImageParameters()
    rng = np.random.default_rng(0)
    draws = [draw_conditions(parameters, 300, rng) for _ in range(300)]
    doses = np.log10([drawn.detector.dose for drawn in draws])
    assert doses.min() >= 1
    assert doses.max() <= 6
    assert np.mean(doses < 3.5) == pytest.approx(0.5, abs=0.1)  # even in the logarithm
    assert {0.07 <= drawn.detector.sampling <= 0.2 for drawn in draws} == {True}
    assert {abs(drawn.optics[0].defocus) <= 200 for drawn in draws} == {True}


def flip_and_turn(image, label, rng, kind="Mask", **changes):
    turned = draw_turn(image.shape, rng)
    label_kind = ImageParameters(label=kind, **changes).kind
    return turn(image, *turned), label_kind.turned(label, *turned)


def test_flips_and_turns_move_image_and_label_alike() -> None:
    seen = set()
    for seed in range(60):
        image = np.arange(72, dtype=np.float32).reshape(6, 6, 2)
        label = np.stack([image[..., 0] > 10, image[..., 1] > 20, image[..., 0] < 3], 2)
        turned, moved = flip_and_turn(image, label, np.random.default_rng(seed))
        np.testing.assert_array_equal(turned[..., 0] > 10, moved[..., 0])
        np.testing.assert_array_equal(turned[..., 1] > 20, moved[..., 1])
        np.testing.assert_array_equal(turned[..., 0] + 1, turned[..., 1])
        seen.add(turned.tobytes())
    assert len(seen) == 8


def test_images_that_are_not_square_are_not_turned() -> None:
    image = np.zeros((4, 6, 1), np.float32)
    for seed in range(8):
        moved, _ = flip_and_turn(image, image > 0, np.random.default_rng(seed))
        assert moved.shape == (4, 6, 1)


def test_labels_of_the_whole_image_stay_when_it_is_flipped() -> None:
    image, label = np.zeros((4, 4, 1), np.float32), np.array([1.0, 2.0, 3.0])
    for seed in range(8):
        rng = np.random.default_rng(seed)
        moved = flip_and_turn(image, label, rng, "Value", value="defocus")[1]
        np.testing.assert_array_equal(moved, label)


def test_a_flipped_image_is_of_the_flipped_wave() -> None:
    """Aberrations flip with it: their angles are drawn from the full circle."""
    coma = Aberration(2, 1, 2e4, 0.7)
    optics = Optics(300, 80, 5e4, 8, 0.3, (coma,))
    mirrored = replace(optics, aberrations=(replace(coma, angle=-0.7),))
    wave = ndimage.gaussian_filter(specimen((24, 14, 7)).wave, 2, mode="wrap")
    shape = (200, 260)

    def flipped(image: np.ndarray) -> np.ndarray:
        """Return the mirror image about row 0."""
        return np.roll(image[::-1], 1, axis=0)

    image = image_intensity(wave, EXTENT, optics, shape)
    other = image_intensity(flipped(wave), EXTENT, mirrored, shape)
    np.testing.assert_allclose(flipped(image), other, atol=1e-4)
    same = image_intensity(flipped(wave), EXTENT, optics, shape)
    assert np.abs(other - same).max() > 0.01  # it is not idle


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
        return ImageEpoch(data, parameters, sampling=0.4, epoch=number, batch_size=2)

    images, labels = epoch(0)[1]
    assert images.shape == labels.shape == (2, 72, 88, 1)
    assert images.dtype == labels.dtype == np.float32
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
            sampling=0.4,
            epoch=epoch,
            batch_size=6,
            augment=False,
            cache=cache,
        )[0][0]
        return np.sort(made, axis=0)  # the order of an epoch is its own

    formed = images(0)
    np.testing.assert_allclose(images(0, tmp_path), formed, atol=5e-3)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npz")}
    assert len(kept) == 6
    np.testing.assert_array_equal(images(2, tmp_path), images(0, tmp_path))
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.npz")} == kept
    images(0, tmp_path, log_dose=(2.0, 3.0))
    assert len(list(tmp_path.rglob("*.npz"))) == 12
    assert not list(tmp_path.rglob(".*"))


def test_images_are_formed_beforehand_once_for_each_stage_and_image_epoch(
    run_folder, recipe, tmp_path
) -> None:
    (tmp_path / "train.zarr").symlink_to(run_folder / "train.zarr")
    form_images(recipe, tmp_path, progress=False)
    kept = list(cache_path(tmp_path).rglob("*.npz"))
    assert len(kept) == 3 * 6  # epochs of less than image_epochs, structures
    before = {path: path.stat().st_mtime_ns for path in kept}
    form_images(recipe, tmp_path, progress=False)
    assert {path: path.stat().st_mtime_ns for path in kept} == before


@pytest.mark.parametrize("label", ["Exitwave", "Value"])
def test_kept_labels_are_exact(label, run_folder, recipe, tmp_path) -> None:
    wanted = {"label": label, "multifocus": (3, 50, 1)}
    wanted |= {"value": "dose"} if label == "Value" else {"num_classes": 2}
    parameters = ImageParameters.model_validate(recipe.images.model_dump() | wanted)

    def epoch(cache) -> ImageEpoch:
        data = DataSet(run_folder / "train.zarr")
        return ImageEpoch(
            data,
            parameters,
            sampling=0.4,
            epoch=0,
            batch_size=2,
            cache=cache,
        )

    images, labels = epoch(tmp_path)[0]
    assert images.shape == (2, 72, 88, 3)
    assert labels.shape == ((2, 1) if label == "Value" else (2, 72, 88, 2))
    np.testing.assert_array_equal(labels, epoch(None)[0][1])
