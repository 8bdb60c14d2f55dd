# SPDX-License-Identifier: GPL-3.0-or-later
"""Spread of predictions over the eight orientations of an image."""

from __future__ import annotations

import pickle

import dask
import hyperspy.api as hs
import numpy as np
import pytest
import tiny_networks
from dask.base import tokenize

from hyperspy_hrtemnn.networks import load, predict
from hyperspy_hrtemnn.signals import ExitWave, Segmentation

Y, X, FRAMES = 42, 51, 3
QUIET = {"show_progressbar": False}


def by_hand(network, batch):
    """Return mean and deviation of the predictions for a batch, each turned back."""
    found = []
    for k in range(4):
        found.append(
            np.rot90(network.predict(np.rot90(batch, k, (2, 3))), -k, (2, 3)).copy()
        )
        mirrored = network.predict(np.rot90(batch[..., ::-1], k, (2, 3)))
        found.append(np.rot90(mirrored, -k, (2, 3))[..., ::-1])
    return np.mean(found, axis=0, dtype=float), np.std(found, axis=0, dtype=float)


def images(shape):
    signal = hs.signals.Signal2D(np.random.default_rng(7).normal(9, 1, shape))
    signal.set_signal_type("HRTEM")
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = 0.012, "nm"
    return signal


@pytest.fixture
def two_classes(tmp_path):
    path = tiny_networks.convolution(tmp_path / "two.onnx", classes=2, gain=2.0)
    return load(path).averaged(spread=True)


def test_the_spread_is_the_deviation_of_the_eight_predictions(tmp_path, rng):
    path = tiny_networks.convolution(tmp_path / "n.onnx", channels=3, classes=2)
    batch = rng.normal(size=(4, 3, 13, 18)).astype(np.float32)
    plain = load(path)
    found = plain.averaged(spread=True).predict(batch)
    assert found.shape == (4, 4, 13, 18)
    assert found.dtype == np.float32
    mean, deviation = by_hand(plain, batch)
    np.testing.assert_allclose(found[:, :2], mean, atol=1e-6)
    np.testing.assert_allclose(found[:, 2:], deviation, atol=1e-6)
    assert deviation.mean() > 0.02
    # It turns with the image.
    turned = plain.averaged(spread=True).predict(batch.swapaxes(2, 3))
    np.testing.assert_allclose(turned, found.swapaxes(2, 3), atol=1e-6)


def test_a_network_that_knows_no_orientation_has_no_spread(tmp_path, rng):
    network = load(tiny_networks.brightness(tmp_path / "b.onnx")).averaged(spread=True)
    found = network.predict(rng.normal(size=(2, 1, 9, 12)).astype(np.float32))
    np.testing.assert_allclose(found[:, 1:], 0, atol=1e-6)
    assert found[:, :1].std() > 0.1


def test_a_prediction_for_the_whole_image_has_a_spread_too(tmp_path, rng):
    network = load(tiny_networks.brightest(tmp_path / "w.onnx")).averaged(spread=True)
    found = network.predict(rng.normal(size=(5, 1, 33, 33)).astype(np.float32))
    assert found.shape == (5, 2)
    np.testing.assert_allclose(found[:, 1], 0, atol=1e-6)


def test_the_spread_is_a_state_of_a_network_like_the_mean(network_path, rng):
    network = load(network_path)
    spreading = network.averaged(spread=True)
    assert (network.has_spread, spreading.has_spread) == (False, True)
    assert (network.outputs, spreading.outputs) == (1, 2)
    assert not spreading.averaged().has_spread
    assert len({tokenize(n) for n in (network, network.averaged(), spreading)}) == 3
    again = pickle.loads(pickle.dumps(spreading.limited(2)))  # noqa: S301
    batch = rng.normal(size=(1, 1, 9, 8)).astype(np.float32)
    np.testing.assert_array_equal(again.predict(batch), spreading.predict(batch))
    assert "averaged with its spread" in repr(again)


def test_neither_tiles_nor_resampling_change_the_mean(two_classes, rng):
    image = rng.normal(size=(150, 170))
    mean = two_classes.averaged()
    for options in ({}, {"tile": 64, "overlap": 16}):
        found = predict(two_classes, image, 0.12, **options)
        assert found.shape == (4, 150, 170)
        np.testing.assert_array_equal(found[:2], predict(mean, image, 0.12, **options))
        assert 0 <= found[2:].min() <= found[2:].max() <= 0.5
    whole = predict(two_classes, image, resample=False)
    tiled = predict(two_classes, image, resample=False, tile=64, overlap=16)
    np.testing.assert_allclose(tiled, whole, atol=1e-5)


def test_a_spread_is_never_negative(tmp_path, rng):
    # The cubic kernel overshoots beside a spread that ends.
    path = tiny_networks.convolution(
        tmp_path / "r.onnx", task="regression", gain=30.0, field=3
    )
    image = np.zeros((40, 60))
    image[18:21, 20:24] = 1
    network = load(path).averaged(spread=True)
    assert predict(network, image, 0.05)[1].min() >= 0


def test_a_movie_keeps_the_spread_beside_its_segmentation(two_classes):
    movie = images((FRAMES, Y, X))
    found = movie.segment(two_classes, **QUIET)
    plain = movie.segment(two_classes.averaged(), **QUIET)
    assert type(found) is Segmentation
    np.testing.assert_array_equal(found.data, plain.data)
    spread = found.spread
    assert spread.data.shape == (FRAMES, 2, Y, X)
    for old, new in zip(
        found.axes_manager._axes, spread.axes_manager._axes, strict=True
    ):
        assert new.get_axis_dictionary() == old.get_axis_dictionary()
    assert spread.metadata.Signal.quantity == "Spread of the probability"
    expected = [predict(two_classes, frame, 0.12)[2:] for frame in movie.data]
    np.testing.assert_array_equal(spread.data, expected)


def test_the_spread_of_one_image_of_one_class_is_a_map(network_path):
    network = load(network_path).averaged(spread=True)
    image = images((Y, X))
    found = image.segment(network, **QUIET)
    assert found.spread.data.shape == (Y, X)
    np.testing.assert_array_equal(
        found.spread.data, predict(network, image.data, 0.12)[1]
    )


def test_what_is_sliced_has_its_part_of_the_spread(two_classes):
    found = images((FRAMES, Y, X)).segment(two_classes, **QUIET)
    part = found.inav[1, 2].isig[5:40, 3:30]
    assert part.data.shape == (27, 35)
    np.testing.assert_array_equal(part.spread.data, found.spread.data[2, 1, 3:30, 5:40])


def test_what_is_made_otherwise_has_no_spread(two_classes, network_path, tmp_path):
    found = images((FRAMES, Y, X)).segment(two_classes, **QUIET)
    found.save(tmp_path / "found.hspy")
    made = [found.threshold(0.5), found.deepcopy(), found * 2, found.T]
    made += [hs.load(tmp_path / "found.hspy"), images((Y, X)).segment(network_path)]
    made.append(found.inav[:, :])
    made[-1].crop_signal(left=3, right=9)
    for other in made:
        with pytest.raises(AttributeError, match=r"averaged\(spread=True\)"):
            _ = other.spread


def test_a_lazy_movie_runs_once_for_both(two_classes, monkeypatch):
    movie = images((FRAMES, Y, X))
    eager = movie.segment(two_classes, **QUIET)
    runs = []
    engine = two_classes._engine
    run = type(engine).run
    monkeypatch.setattr(
        type(engine), "run", lambda self, batch: runs.append(1) or run(self, batch)
    )
    lazy = movie.as_lazy().segment(two_classes)
    assert (lazy._lazy, lazy.spread._lazy, runs) == (True, True, [])
    both = dask.compute(lazy.data, lazy.spread.data)
    assert len(runs) == 8 * FRAMES
    np.testing.assert_array_equal(both, [eager.data, eager.spread.data])
    lazy.compute(**QUIET)
    np.testing.assert_array_equal(lazy.spread.data.compute(), eager.spread.data)
    del runs[:]
    movie.segment(two_classes, **QUIET)
    assert len(runs) == 8 * FRAMES


def test_a_frame_that_is_skipped_and_pixels_without_data_have_no_spread(two_classes):
    movie = images((FRAMES, Y, X))
    movie.data[1] = 4
    movie.data[2, :, :11] = np.nan
    with pytest.warns(UserWarning, match="no contrast|no data") as told:
        spread = movie.segment(two_classes, **QUIET).spread.data
    assert len(told) == 2  # each once, though there are two results
    missing = np.isnan(spread)
    assert missing[1].all()
    assert missing[2, :, :, :11].all()
    assert not missing[2, :, :, 11:].any()
    assert not missing[0].any()


def test_the_spread_of_a_wave_is_that_of_a_complex_number(tmp_path):
    network = load(tiny_networks.exit_wave(tmp_path / "wave.onnx"))
    network = network.averaged(spread=True)
    series = images((3, Y, X))
    axis = series.axes_manager.navigation_axes[0]
    axis.name, axis.units, axis.scale = "defocus", "nm", 5
    series.metadata.set_item("Acquisition_instrument.TEM.beam_energy", 300)
    series.data[:, 30:, 40:] = np.nan
    with pytest.warns(UserWarning, match="no data"):
        wave = series.reconstruct_exitwave(network, **QUIET)
    assert type(wave) is ExitWave
    assert np.isfinite(wave.data).all()
    spread = wave.spread.data
    assert (spread.shape, spread.dtype) == ((Y, X), np.float32)
    parts = predict(network, series.data, 0.12)[2:]
    np.testing.assert_allclose(spread, np.hypot(*parts), rtol=1e-6)
    assert np.isnan(spread[30:, 40:]).all()


def test_a_table_of_spectra_has_a_column_for_the_spread(tmp_path):
    path = tiny_networks.brightest(tmp_path / "zone.onnx")
    movie = images((FRAMES, 140, 150))
    spectra = movie.local_fft(None, size="1.2 nm", apodization="0.1 nm")
    network = load(path).averaged(spread=True)
    table = spectra.zone_axis_probability(network, **QUIET)
    assert list(table)[-2:] == ["probability", "spread"]
    np.testing.assert_allclose(table["spread"], 0, atol=1e-6)
    plain = spectra.zone_axis_probability(network.averaged(), **QUIET)
    assert "spread" not in plain
    np.testing.assert_array_equal(table["probability"], plain["probability"])
