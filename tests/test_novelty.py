# SPDX-License-Identifier: GPL-3.0-or-later
"""Novelty: a network with a guard says which images are foreign to it."""

from __future__ import annotations

import pickle
import warnings

import hyperspy.api as hs
import numpy as np
import onnx
import pytest
import tiny_networks
from dask.base import tokenize
from matplotlib import pyplot as plt
from own_warnings import of_ours

from hyperspy_hrtemnn.analysis import novelty_of_particles
from hyperspy_hrtemnn.networks import NetworkError, load, predict
from hyperspy_hrtemnn.networks._novelty import Novelty, to_pixels

Y, X, FRAMES = 48, 64, 3
QUIET = {"show_progressbar": False}
FOREIGN = "is foreign to the network"


@pytest.fixture
def path(tmp_path):
    return tiny_networks.guarded(tmp_path / "guarded.onnx")


@pytest.fixture
def network(path):
    return load(path)


def noise(shape):
    return np.random.default_rng(3).normal(9, 1, shape).astype(np.float32)


def stripes_of(shape):
    """Return two values that alternate along x, hardly noisy, so that they are data."""
    return 9 + 3 * (-1.0) ** np.arange(shape[-1]) + (noise(shape) - 9) / 50


def movie(data, *, lazy=False):
    """Return a movie in the sampling of the network, 0.01 nm."""
    signal = hs.signals.Signal2D(data)
    signal.set_signal_type("HRTEM")
    for axis, offset in zip(signal.axes_manager.signal_axes, (2.0, 3.0), strict=True):
        axis.scale, axis.units, axis.offset = 0.01, "nm", offset
    return signal.as_lazy() if lazy else signal


@pytest.fixture
def stripes():
    """Give three frames of noise, the left half of the second of which is stripes."""
    data = noise((FRAMES, Y, X))
    data[1, :, : X // 2] = stripes_of((Y, X // 2))
    return data


def segmented(signal, network, **options):
    """Return the segmentation, and what was warned of."""
    with warnings.catch_warnings(record=True) as recorded:
        warnings.simplefilter("always")
        result = signal.segment(network, **QUIET, **options)
    return result, [str(one.message) for one in of_ours(recorded)]


def test_novelty_is_linear_between_the_centers_of_regions():
    novelty = Novelty(cell=2, cells=4, margin=0, images=1, false_alarms=0)
    assert novelty.step == 4
    regions = np.array([[0, 4, 8], [1, 5, 9]], np.float32)[np.newaxis, np.newaxis]
    found = to_pixels(regions, (12, 16), novelty)
    assert found.shape == (1, 1, 12, 16)
    # Centers are at 4, 8 and 12 along x, at 4 and 8 along y; pixels at halves.
    np.testing.assert_allclose(found[0, 0, 0, [0, 4, 5, 15]], [0, 0.5, 1.5, 8])
    np.testing.assert_allclose(found[0, 0, [0, 4, 5, 11], 0], [0, 0.125, 0.375, 1])
    small = to_pixels(np.full((2, 1, 1, 1), 3, np.float32), (5, 7), novelty)
    np.testing.assert_array_equal(small, np.full((2, 1, 5, 7), 3))


def test_the_novelty_is_the_last_channel(network, rng):
    batch = rng.normal(size=(2, 1, 20, 28)).astype(np.float32)
    guarded = network.with_novelty()
    assert (network.outputs, guarded.outputs) == (1, 2)
    found = guarded.predict(batch)
    assert found.shape == (2, 2, 20, 28)
    np.testing.assert_array_equal(found[:, :1], network.predict(batch))
    # The corner is nearer to the border than the center of the first region.
    corners = 1.1 * np.abs(batch[:, 0, :8, :8]).mean(axis=(1, 2))
    np.testing.assert_allclose(found[:, 1, 0, 0], corners, rtol=1e-5)


def test_it_is_the_mean_over_orientations_and_follows_the_spread(tmp_path, rng):
    network = load(tiny_networks.guarded(tmp_path / "two.onnx", classes=2))
    batch = rng.normal(size=(1, 1, 20, 28)).astype(np.float32)
    spreading = network.averaged(spread=True)
    found = spreading.with_novelty().predict(batch)
    assert found.shape == (1, 5, 20, 28)
    np.testing.assert_array_equal(found[:, :4], spreading.predict(batch))
    # This guard knows no orientation.
    alone = network.with_novelty().predict(batch)
    np.testing.assert_allclose(found[:, 4], alone[:, 2], rtol=1e-5)


def test_it_is_a_state_of_the_network(network, rng):
    guarded = network.with_novelty()
    assert tokenize(guarded) != tokenize(network)
    again = pickle.loads(pickle.dumps(guarded.limited(1)))  # noqa: S301
    batch = rng.normal(size=(1, 1, 12, 8)).astype(np.float32)
    np.testing.assert_array_equal(again.predict(batch), guarded.predict(batch))


def test_tiles_have_the_novelty_of_their_place(network):
    image = noise((160, 144))
    image[:, 72:] = stripes_of((160, 72))
    whole = predict(network.with_novelty(), image, 0.1)
    tiled = predict(network.with_novelty(), image, 0.1, tile=64, overlap=16)
    assert whole.shape == tiled.shape == (2, 160, 144)
    np.testing.assert_allclose(tiled[0], predict(network, image, 0.1)[0], atol=1e-5)
    assert np.abs(tiled[1] - whole[1]).max() < 0.1
    assert tiled[1, :, 90:].min() > 1 > tiled[1, :, :54].mean()


def test_a_network_without_a_guard_says_so(network_path):
    with pytest.raises(NetworkError, match="'tiny' has no guard"):
        load(network_path).with_novelty()
    segmentation, _ = segmented(movie(noise((Y, X))), load(network_path))
    with pytest.raises(AttributeError, match="There is no novelty"):
        _ = segmentation.novelty
    assert not segmentation.metadata.has_item("HRTEMNN.Foreign")


def test_the_graph_and_the_card_have_to_agree(path, tmp_path):
    proto = onnx.load(path)
    proto.graph.output.pop()
    onnx.save(proto, tmp_path / "less.onnx")
    with pytest.raises(NetworkError, match="its last output is answer"):
        load(tmp_path / "less.onnx")
    more = tiny_networks.guarded(tmp_path / "more.onnx", novelty=None)
    with pytest.raises(NetworkError, match="it has 2 outputs"):
        load(more)


def test_segment_warns_once_and_keeps_the_novelty(network, stripes):
    result, told = segmented(movie(stripes), network)
    (told,) = told
    assert told.startswith(f"What is in frame 1 {FOREIGN}, ")
    share = result.metadata.HRTEMNN.Foreign.largest_share
    assert 0.4 < share < 0.6
    assert f"{share:.0%} of its area" in told
    assert result.metadata.HRTEMNN.Foreign.numbers == [1]
    novelty = result.novelty
    assert novelty.data.shape == (FRAMES, 12, 16)
    assert novelty.data.dtype == np.float32
    assert novelty.data[1, :, :7].min() > 1 > novelty.data[1, :, 9:].max()
    assert novelty.data[[0, 2]].mean() < 0.95
    x, y = novelty.axes_manager.signal_axes
    assert (x.scale, y.scale) == pytest.approx((0.04, 0.04))
    # The middle of the first four pixels.
    assert (x.offset, y.offset) == pytest.approx((2.015, 3.015))
    assert novelty.metadata.HRTEMNN.Novelty.network == "tiny"


def test_what_is_like_the_training_is_not_warned_of(network):
    result, told = segmented(movie(noise((FRAMES, Y, X))), network)
    assert not told
    assert result.metadata.HRTEMNN.Foreign.frames == 0


def test_a_lazy_segmentation_warns_when_it_is_computed(network, stripes):
    lazy, told = segmented(movie(stripes, lazy=True), network)
    assert not told
    assert lazy.novelty._lazy
    with pytest.warns(UserWarning, match=FOREIGN):
        lazy.compute(**QUIET)
    assert lazy.metadata.HRTEMNN.Foreign.frames == 1
    eager, _ = segmented(movie(stripes), network)
    with pytest.warns(UserWarning, match=FOREIGN):
        later = lazy.novelty.data.compute()
    np.testing.assert_allclose(later, eager.novelty.data, rtol=1e-6)


def test_chosen_frames_keep_it_and_parts_of_frames_do_not(network, stripes):
    result, _ = segmented(movie(stripes), network)
    np.testing.assert_array_equal(result.inav[1:].novelty.data, result.novelty.data[1:])
    for other in (result.isig[:20, :], result.deepcopy()):
        with pytest.raises(AttributeError, match="There is no novelty"):
            _ = other.novelty


def test_each_class_has_it(tmp_path, stripes):
    network = load(tiny_networks.guarded(tmp_path / "two.onnx", classes=2))
    result, _ = segmented(movie(stripes), network)
    assert result.data.shape == (FRAMES, 2, Y, X)
    assert result.novelty.data.shape == (FRAMES, 2, 12, 16)
    chosen = result.inav[1, :].novelty.data
    np.testing.assert_array_equal(chosen, result.novelty.data[:, 0])


def test_it_is_unknown_where_there_is_no_data(network):
    data = noise((Y, X))
    data[:, 40:] = np.nan
    result, _ = segmented(movie(data), network)
    assert np.isnan(result.novelty.data[:, 10:]).all()
    assert np.isfinite(result.novelty.data[:, :10]).all()


def test_particles_have_the_mean_of_their_pixels():
    labels = np.array([[0, 7, 7, 3], [-1, 7, 0, 3]])
    novelty = np.array([[9, 1, 2, np.nan], [9, 6, 9, np.nan]])
    np.testing.assert_array_equal(novelty_of_particles(labels, novelty), [np.nan, 3])
    np.testing.assert_array_equal(novelty_of_particles(labels * 0, novelty), [])


@pytest.fixture
def halves():
    """Give two frames with a bright square on each side, the left one on stripes."""
    data = noise((2, Y, X))
    data[:, :, : X // 2] = stripes_of((2, Y, X // 2))
    data[:, 16:32, 8:24] += 60
    data[:, 16:32, 44:60] += 60
    return data


def test_tables_of_particles_have_a_column(network, halves, tmp_path):
    options = {"min_separation": "0.1 nm", "probability": 0.7}
    segmentation, _ = segmented(movie(halves), network)
    particles = segmentation.track_instances(**options, **QUIET)
    table = particles.properties(**QUIET)
    assert len(table) >= 4
    assert np.isfinite(table["novelty"]).all()
    first = particles.inav[1:].properties(**QUIET)["novelty"].to_numpy()
    np.testing.assert_array_equal(first, table.loc[table["frame"] == 1, "novelty"])
    lazy, _ = segmented(movie(halves, lazy=True), network)
    later = lazy.track_instances(**options, **QUIET)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert "novelty" not in later.properties(**QUIET)
        found = movie(halves).follow_particles(
            network, tmp_path / "folder", **options, **QUIET
        )
    assert found.particles.metadata.HRTEMNN.has_item("Foreign")
    followed = found.properties["novelty"]
    # Squares of half a region are coarser than pixels.
    np.testing.assert_allclose(followed, table["novelty"], atol=0.05)


def test_the_picture_has_the_image_below_the_novelty(network, stripes):
    result, _ = segmented(movie(stripes), network)
    ax = result.plot_novelty(movie(stripes), 1)
    image, novelty = ax.images
    np.testing.assert_array_equal(image.get_array(), stripes[1])
    np.testing.assert_array_equal(novelty.get_array(), result.novelty.data[1])
    assert image.get_extent() == pytest.approx(novelty.get_extent())
    assert ax.get_title().startswith("frame 1")
    plt.close(ax.figure)
    with pytest.raises(IndexError, match="There is no frame 3"):
        result.plot_novelty(frame=3)
