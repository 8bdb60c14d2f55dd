# SPDX-License-Identifier: GPL-3.0-or-later
"""From an image to probabilities: place, orientation, independence, bad input."""

from __future__ import annotations

import numpy as np
import pytest
import tiny_networks
from scipy import ndimage

from hyperspy_hrtemnn.networks import Limits, load, out_of_range, predict

SHAPE = (83, 121)


@pytest.fixture(scope="module")
def network(network_path):
    return load(network_path)


@pytest.fixture
def image(rng):
    return rng.normal(100, 10, SHAPE)


def test_shape_and_range(network, image):
    result = predict(network, image, 0.13)
    assert result.shape == (1, *SHAPE)
    assert result.dtype == np.float32
    assert result.min() >= 0
    assert result.max() <= 1


@pytest.mark.parametrize("dtype", ["int16", "uint8", ">u2", "<i4", ">f8", "float16"])
def test_dtypes(network, image, dtype):
    converted = image.round().astype(dtype)
    np.testing.assert_allclose(
        predict(network, converted, 0.1),
        predict(network, image.round(), 0.1),
        atol=1e-5,
    )


def test_gray_in_colors(network, image):
    colors = np.zeros(SHAPE, [("R", "u1"), ("G", "u1"), ("B", "u1"), ("A", "u1")])
    for name in "RGB":
        colors[name] = image
    expected = predict(network, image.astype(np.uint8), 0.1)
    np.testing.assert_array_equal(predict(network, colors, 0.1), expected)
    colors["G"][3, 4] += 1
    with pytest.raises(ValueError, match="colored"):
        predict(network, colors, 0.1)


def test_gain_changes_nothing(network, image):
    np.testing.assert_allclose(
        predict(network, 37 * image, 0.1), predict(network, image, 0.1), atol=1e-4
    )


def test_tiles_change_nothing(network, image):
    whole = predict(network, image, 0.13)
    for tile, overlap in [(50, None), (57, 11), (80, 60)]:
        tiled = predict(network, image, 0.13, tile=tile, overlap=overlap)
        np.testing.assert_allclose(tiled, whole, atol=1e-4)


@pytest.mark.parametrize("name", ["convolution", "pooling"])
def test_crop_is_like_the_whole(tmp_path, rng, name):
    network = load(getattr(tiny_networks, name)(tmp_path / "tiny.onnx"))
    image = rng.normal(100, 10, (230, 270))
    rows, columns = slice(20, 210), slice(16, 232)
    whole = predict(network, image, resample=False)[0, rows, columns]
    crop = predict(network, image[rows, columns], resample=False)[0]
    card = network.card
    sigma = card.standardization_width / card.sampling
    border = card.receptive_field // 2 + round(6 * sigma)
    inside = (slice(border, -border), slice(border, -border))
    assert crop[inside].size > 1000
    np.testing.assert_allclose(crop[inside], whole[inside], atol=1e-4)


@pytest.mark.parametrize("sampling", [0.07, 0.1, 0.163, 0.2])
def test_resampling_keeps_place_and_orientation(tmp_path, sampling):
    network = load(
        tiny_networks.brightness(tmp_path / "bright.onnx", standardization_width=2.5)
    )
    y, x = np.indices((140, 180))
    # A blob longer along x than along y, in the upper right: no symmetry is left.
    place = (43.3, 121.8)
    blob = np.exp(-(((y - place[0]) / 4) ** 2) - ((x - place[1]) / 9) ** 2)
    result = predict(network, 10 + blob, sampling)[0]
    # Without the sigmoid's tail over the whole image, which has its own center.
    found = ndimage.center_of_mass(np.where(result > 0.1, result, 0))
    np.testing.assert_allclose(found, place, atol=0.1)
    rows, columns = np.nonzero(result > 0.5)
    assert np.ptp(columns) > 1.5 * np.ptp(rows)


def test_no_resampling_takes_pixels_as_they_are(network, image):
    expected = predict(network, image, network.card.sampling)
    np.testing.assert_array_equal(predict(network, image, resample=False), expected)
    np.testing.assert_array_equal(
        predict(network, image, 0.3, resample=False), expected
    )


def test_focal_series_and_classes(tmp_path, rng):
    network = load(
        tiny_networks.convolution(
            tmp_path / "s.onnx", channels=3, classes=2, defocus_step=50
        )
    )
    series = rng.normal(100, 10, (3, *SHAPE))
    result = predict(network, series, 0.12)
    assert result.shape == (2, *SHAPE)
    swapped = predict(network, series[::-1], 0.12)
    assert np.abs(result - swapped).max() > 0.01
    with pytest.raises(
        ValueError, match=r"takes 3 images, 5 nm of defocus apart.*not 2"
    ):
        predict(network, series[:2], 0.12)
    with pytest.raises(ValueError, match=r"takes 3 images.*not 1"):
        predict(network, series[0], 0.12)


def test_exit_wave_is_not_clipped(tmp_path, rng):
    path = tiny_networks.linear(tmp_path / "wave.onnx", task="exit wave")
    result = predict(load(path), rng.normal(100, 10, SHAPE), 0.1)
    assert result.min() < -0.5


def _all_but_a_row(value):
    def change(image):
        image[:-1] = value
        return image

    return change


def _nearly(value):
    def change(image):
        image[:] = value
        image[7, 9] = 3
        return image

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda image: np.full_like(image, np.nan), r"100\.00% .* no data"),
        (_all_but_a_row(np.inf), r"98\.\d+% .* no data"),
        (lambda image: np.full_like(image, 7), "constant: every pixel is 7"),
        (np.zeros_like, "constant: every pixel is 0"),
        (_nearly(65535), "highest value, 65535"),
        (_nearly(0), "lowest value, 0"),
        (lambda image: (1e6 + image * 1e-5).astype("f4"), "every pixel is 1e"),
        (lambda image: image + 1j, "complex"),
        (lambda image: image.astype(str), "data type"),
        (lambda image: image[:5, :9], r"too small: 0\.5 x 0\.9 Å"),
        (lambda image: image[:, :5], r"too small: 8\.3 x 0\.5 Å"),
        (lambda image: image[0], "1 dimensions"),
        (lambda image: np.stack([image] * 3), "takes one image at a time, not 3"),
        (lambda image: image[:0], "no pixels"),
    ],
)
def test_bad_images(network, image, change, message):
    with pytest.raises(ValueError, match=message):
        predict(network, change(image), 0.1)


@pytest.mark.parametrize(
    ("sampling", "message"),
    [
        (None, "not known"),
        (0, "positive"),
        (-0.1, "positive"),
        (np.nan, "positive"),
        (np.inf, "positive"),
        (2.0, "Check the unit"),
        (0.001, "too small"),
    ],
)
def test_bad_sampling(network, image, sampling, message):
    with pytest.raises(ValueError, match=message):
        predict(network, image, sampling)


def test_bad_options(network, image):
    with pytest.raises(ValueError, match="tile of 10"):
        predict(network, image, 0.1, tile=10)
    with pytest.raises(ValueError, match="not a window"):
        predict(network, image, 0.1, window="saddle")


def test_input_is_not_changed(network, image):
    image = image.astype(np.float32)
    before = image.copy()
    predict(network, image, 0.1)
    np.testing.assert_array_equal(image, before)


def test_out_of_range():
    card = tiny_networks.card()
    assert out_of_range(card) == []
    assert out_of_range(card, sampling=0.2, energy=299.9, defocus=-100) == []
    sampling, energy, defocus = out_of_range(
        card, sampling=0.25, energy=80, defocus=500
    )
    assert "0.25 Å/pixel" in sampling
    assert "0.07 to 0.2" in sampling
    assert "80 keV" in energy
    assert "300" in energy
    assert "500 Å" in defocus
    assert "-100 to 100" in defocus


def test_where_the_score_holds_is_no_fault():
    limits = Limits(swept=(0.02, 0.5), less_by_5=(0.05, 0.3), less_by_20=(None, 0.4))
    card = tiny_networks.card(limits={"sampling": limits})
    read = type(card).model_validate_json(card.model_dump_json())
    assert read.limits == {"sampling": limits}
    for sampling in (0.05, 0.15, 0.3):
        assert out_of_range(read, sampling=sampling) == []
    trained = "trained was 0.07 to 0.2 Å/pixel"
    for sampling, loss in (
        (0.03, "its scores are 5 to 20 % lower there"),
        (0.35, "its scores are 5 to 20 % lower there"),
        (0.45, "its scores are more than 20 % lower there"),
        (0.6, "it was tried from 0.02 to 0.5 only"),
    ):
        (fault,) = out_of_range(read, sampling=sampling)
        assert fault == f"the sampling is {sampling} Å/pixel, {trained}, and {loss}"


def test_a_limit_inside_the_training_is_no_fault():
    limits = Limits(swept=(-400, 400), less_by_5=(-50, 50), less_by_20=(-90, 90))
    card = tiny_networks.card(limits={"defocus": limits})
    assert out_of_range(card, defocus=80) == []


def test_energies_in_a_trained_range_are_no_fault():
    ranges = tiny_networks.RANGES.model_copy(update={"energy": (80.0, 200.0)})
    card = tiny_networks.card(ranges=ranges)
    read = type(card).model_validate_json(card.model_dump_json())
    assert read.ranges.energy == (80, 200)
    for energy in (79.5, 120, 200):
        assert out_of_range(read, energy=energy) == []
    for energy in (60, 300):
        assert out_of_range(read, energy=energy) == [
            f"the beam energy is {energy} keV, trained was 80 to 200 keV"
        ]
