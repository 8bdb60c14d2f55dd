# SPDX-License-Identifier: GPL-3.0-or-later
"""Images without their noise: in their own pixels and counts, the dose kept."""

from __future__ import annotations

import numpy as np
import pytest
import tiny_networks

from hyperspy_hrtemnn.networks import denoise, load
from hyperspy_hrtemnn.options import PredictionOptions

AS_IS = PredictionOptions(resample=False)
OF_COUNTS = {"task": "denoising", "classes": ("noiseless image",)}


def lattice(shape, period, *, contrast=0.3):
    """Return fringes along both axes; the period is in pixels."""
    y, x = (np.arange(n) for n in shape)
    waves = np.sin(2 * np.pi * y / period)[:, None] + np.cos(2 * np.pi * x / period)
    return 1 + contrast / 2 * waves


@pytest.fixture
def unchanged(tmp_path):
    """Return a network that answers with its image."""
    changes = {**OF_COUNTS, "standardization_width": 2.0}
    return load(tiny_networks.linear(tmp_path / "linear.onnx", **changes))


@pytest.fixture
def smooth(tmp_path):
    """Return a network that is a Gaussian filter."""
    changes = {"standardization_width": 2.0}
    return load(tiny_networks.smoothing(tmp_path / "smooth.onnx", **changes))


def test_a_network_that_changes_nothing_gives_the_image(unchanged):
    image = np.random.default_rng(1).poisson(30, (61, 74)).astype(np.float32)
    result = denoise(unchanged, image, options=AS_IS)
    assert result.shape == (1, 61, 74)
    np.testing.assert_allclose(result[0], image, atol=2e-3)


@pytest.mark.parametrize("sampling", [0.06, 0.23])
def test_resampling_does_not_weaken_fringes(unchanged, sampling):
    """Resampling there and back weakens 1.2 Å fringes by 6 %, which is corrected."""
    image = 100 * lattice((190, 163), 1.2 / sampling)
    (result,) = denoise(unchanged, image, sampling)
    inside = (slice(20, -20), slice(20, -20))
    assert result.shape == image.shape
    kept = np.std(result[inside]) / np.std(image[inside])
    assert kept == pytest.approx(1, abs=0.01)


def test_the_sum_of_the_counts_is_kept(smooth):
    rng = np.random.default_rng(2)
    image = rng.poisson(5 * lattice((130, 117), 11)).astype(np.float32)
    image[40, 50] = 4000  # a cosmic ray is not dose
    (result,) = denoise(smooth, image, 0.17)
    image[40, 50] = 5
    assert result.sum() == pytest.approx(image.sum(), rel=1e-3)
    assert result[40, 50] < 20


def test_gain_and_offset_go_through(smooth):
    image = np.random.default_rng(3).poisson(20 * lattice((80, 93), 9))
    (result,) = denoise(smooth, image, options=AS_IS)
    (other,) = denoise(smooth, 37.0 * image - 250, options=AS_IS)
    np.testing.assert_allclose(other, 37 * result - 250, rtol=1e-4, atol=0.05)


def test_noise_becomes_less(smooth):
    clean = 20 * lattice((90, 101), 20)
    image = np.random.default_rng(4).poisson(clean)
    (result,) = denoise(smooth, image, options=AS_IS)
    inside = (slice(10, -10), slice(10, -10))
    error = np.std((result - clean)[inside])
    assert error < 0.5 * np.std((image - clean)[inside])


def test_the_error_is_the_spread_times_the_factor_of_the_card(tmp_path):
    paths = [tmp_path / name for name in ("one.onnx", "three.onnx")]
    for path, factor in zip(paths, (None, 3.0), strict=True):
        tiny_networks.convolution(
            path, field=5, error_of_spread=factor, task="denoising", seed=1
        )
    image = np.random.default_rng(5).poisson(50, (40, 53))
    one, three = (
        denoise(load(path).averaged(spread=True), image, options=AS_IS)
        for path in paths
    )
    assert one.shape == (2, 40, 53)
    assert one[1].mean() > 0.1
    np.testing.assert_allclose(three[0], one[0])
    np.testing.assert_allclose(three[1], 3 * one[1], rtol=1e-6)


def test_what_is_no_data_stays_so(smooth):
    image = np.random.default_rng(6).poisson(20 * lattice((80, 93), 9)).astype(float)
    image[:, :17] = np.nan
    (result,) = denoise(smooth, image, options=AS_IS)
    assert np.isnan(result[:, :17]).all()
    assert np.isfinite(result[:, 17:]).all()
    assert np.nansum(result) == pytest.approx(np.nansum(image), rel=1e-4)


def test_tiles_leave_no_seams(smooth):
    image = np.random.default_rng(7).poisson(20, (150, 171))
    whole, tiled = (
        denoise(smooth, image, options=PredictionOptions(resample=False, tile=tile))
        for tile in (None, 64)
    )
    np.testing.assert_allclose(tiled, whole, atol=1e-3)


def test_without_aberrations_there_are_no_counts(tmp_path):
    changes = {"task": "aberration removal", "classes": ("image",)}
    network = load(tiny_networks.linear(tmp_path / "a.onnx", **changes))
    image = 500 + np.random.default_rng(8).normal(size=(70, 81))
    (result,) = denoise(network, image, options=AS_IS)
    assert abs(result.mean()) < 0.05
    assert result.std() == pytest.approx(1, abs=0.1)


def test_other_networks_are_refused(tmp_path):
    network = load(tiny_networks.convolution(tmp_path / "mask.onnx"))
    with pytest.raises(ValueError, match="'tiny' is for segmentation of single images"):
        denoise(network, np.ones((50, 60)), 0.1)
