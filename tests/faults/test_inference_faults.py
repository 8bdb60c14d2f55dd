# SPDX-License-Identifier: GPL-3.0-or-later
"""Inference with numbers, masks, threads, forks and memory that are not as usual."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time

import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest
import tiny_networks
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper

from hyperspy_hrtemnn import cores
from hyperspy_hrtemnn.image_data import image_data, without_mask
from hyperspy_hrtemnn.networks import (
    NetworkError,
    NetworkMemoryError,
    _network,
    _threads,
    load,
    predict,
    standardize,
)
from hyperspy_hrtemnn.networks._tiling import spans
from hyperspy_hrtemnn.options import PredictionOptions
from hyperspy_hrtemnn.signals._prediction import predictions

SHAPE = (83, 121)


@pytest.fixture(scope="module")
def network(network_path):
    return load(network_path)


@pytest.fixture
def image(rng):
    return rng.normal(100, 10, SHAPE)


@pytest.fixture
def movie(rng):
    """Return a movie of three frames with 0.1 Å pixels."""
    signal = hs.signals.Signal2D(rng.normal(100, 10, (3, *SHAPE)))
    signal.set_signal_type("HRTEM")
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = 0.01, "nm"
    return signal


@pytest.mark.parametrize("value", [1e20, -1e20, 1e38, 1e300])
def test_one_pixel_of_any_value_changes_nothing_but_itself(network, image, value):
    expected = predict(network, image, 0.1)
    image[40, 50] = value
    found = predict(network, image, 0.1)
    far = np.hypot(*(np.indices(SHAPE).T - (40, 50)).T) > 30
    np.testing.assert_allclose(found[0, far], expected[0, far], atol=0.02)
    assert np.isfinite(found).all()
    assert np.isfinite(standardize(image, 6)).all()


@pytest.mark.parametrize("gain", [1e-200, 1e-30, 1e25, 1e200])
def test_the_unit_of_an_image_changes_nothing(network, image, gain):
    expected = predict(network, image, 0.1)
    np.testing.assert_allclose(predict(network, gain * image, 0.1), expected, atol=1e-4)
    expected = standardize(image, 6)
    np.testing.assert_allclose(standardize(gain * image, 6), expected, atol=1e-3)


def test_a_spectrum_beyond_single_precision_is_refused_by_name(movie):
    movie.data *= 1e200
    with pytest.raises(ValueError, match=r"values to 1.*e\+202.* Divide the image"):
        movie.local_fft(apodization="0.1 nm")


def test_an_answer_that_is_not_finite_names_network_and_frame(
    network_path, movie, monkeypatch
):
    network = _network.Network(network_path)
    run = network._engine.run

    def damaged(batch):
        return np.where(batch.max() > 4.5, np.nan, run(batch))

    monkeypatch.setattr(network._engine, "run", damaged)
    # A spot that is too wide for a hot pixel.
    y, x = np.indices(SHAPE)
    movie.data[1] += 1e4 * np.exp(-((y - 40) ** 2 + (x - 50) ** 2) / 8)
    for options in ({}, {"on_bad_frame": "skip"}):
        with pytest.raises(ValueError, match=r"(?s)1.*'tiny'.*not finite"):
            movie.segment(network, show_progressbar=False, **options)


def test_images_that_are_not_finite_are_not_the_fault_of_the_network(network):
    batch = np.full((1, 1, 9, 9), np.nan, np.float32)
    with pytest.raises(
        ValueError, match="images for the network 'tiny' are not finite"
    ):
        network.predict(batch)


def masked(values, where):
    return np.ma.array(np.where(where, 6e4, values), mask=where)


@pytest.fixture
def hidden():
    """Return a region without data that is not at the edge, shape (y, x)."""
    where = np.zeros(SHAPE, bool)
    where[20:50, 30:70] = True
    return where


def test_masked_pixels_are_no_data(network, image, hidden):
    image = image.round()
    expected = predict(network, np.where(hidden, np.nan, image), 0.1)
    for dtype in (float, "uint16", "int64"):
        found = predict(network, masked(image, hidden).astype(dtype), 0.1)
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.isnan(expected[0, hidden]).all()
    data = image_data(masked(image, hidden))
    assert not data.valid[hidden].any()


@pytest.mark.parametrize("lazy", [False, True])
def test_masked_signals_have_no_data_where_they_are_masked(
    network, movie, hidden, lazy
):
    values = masked(movie.data, np.broadcast_to(hidden, movie.data.shape))
    if lazy:
        movie = movie.as_lazy()
        movie.data = da.from_array(values, chunks=(1, -1, -1))
    else:
        movie.data = values
    options = {"show_progressbar": False, "lazy_output": False}
    segmentation = movie.segment(network, **options)
    standard = movie.standardize("0.6 angstrom", **options)
    for found in (segmentation, standard):
        assert np.isnan(found.data[:, hidden]).all()
        assert np.isfinite(found.data[:, ~hidden]).all()
    particles = segmentation.track_instances("1 angstrom", show_progressbar=False)
    assert (particles.data[:, hidden] == -1).all()


def test_masked_labels_are_background(hidden):
    labels = np.where(hidden, 7, 0).astype("uint8")
    labels[60:70, 80:90] = 3
    signal = hs.signals.Signal2D(np.ma.array(labels, mask=hidden))
    signal.set_signal_type("HRTEM_instances")
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = 0.01, "nm"
    assert signal.properties()["id"].tolist() == [3]


@pytest.mark.parametrize("dtype", ["?", "u1", "i2", "i8", "f4", "f8", "c8"])
def test_without_mask_keeps_values_of_every_type(dtype):
    values = np.array([0, 1, 1]).astype(dtype)
    found = without_mask(np.ma.array(values, mask=[False, False, True]))
    assert not isinstance(found, np.ma.MaskedArray)
    assert np.isnan(found[2])
    np.testing.assert_array_equal(found[:2], values[:2])
    assert without_mask(values) is values


absurd = st.floats() | st.integers() | st.text() | st.booleans() | st.just([5])


@given(tile=st.none() | absurd, overlap=st.none() | absurd)
def test_tiles_and_overlaps_are_numbers_of_pixels_or_refused(tile, overlap):
    try:
        options = PredictionOptions(tile=tile, overlap=overlap)
    except ValueError as error:
        text = str(error)
    else:
        text = f"{options.tile} tile overlap"
        assert all(v is None or 0 <= v <= 65536 for v in (tile, overlap))
    assert text.count("\n") == 0
    assert "tile" in text or "overlap" in text


@pytest.mark.parametrize(
    "options",
    [{"overlap": 10**12}, {"tile": 10**12}, {"tile": np.inf}, {"overlap": np.nan}],
)
def test_absurd_tiles_are_refused_before_memory_is_asked_for(network, image, options):
    ((name, value),) = options.items()
    with pytest.raises(ValueError, match=f"{name} is a number of pixels.*not {value}"):
        predict(network, image, 0.1, **options)


def test_threads_are_those_that_are_allowed(monkeypatch, network_path):
    monkeypatch.setattr(cores, "_allowed_cores", lambda: 8)
    monkeypatch.setattr(cores, "_cores_of_container", lambda: np.inf)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert _threads.inference_threads() == 8
    assert _threads.inference_threads(3) == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "2,1")
    assert _threads.inference_threads() == _threads.inference_threads(3) == 2
    monkeypatch.setattr(cores, "_cores_of_container", lambda: 1)
    assert _threads.inference_threads(3) == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert _threads.inference_threads() == 1


def test_a_network_runs_in_as_many_threads_as_its_method_was_given(
    monkeypatch, network_path, rng
):
    monkeypatch.setattr(cores, "_allowed_cores", lambda: 4)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    network = _network.Network(network_path)
    for found in (network.limited(2), network.limited(2).averaged()):
        again = pickle.loads(pickle.dumps(found))  # noqa: S301
        for each in (found, again):
            options = each._engine.session.get_session_options()
            assert options.intra_op_num_threads == 2
    assert network.limited(None)._engine is network._engine
    batch = rng.normal(size=(1, 1, 9, 8)).astype(np.float32)
    found = network.limited(1).predict(batch)
    np.testing.assert_allclose(found, network.predict(batch), atol=1e-6)


def test_eight_threads_load_one_session(tmp_path, monkeypatch):
    path = tiny_networks.convolution(tmp_path / "a.onnx", seed=8)
    opened = []
    original = _network.opened

    def slow(*arguments):
        opened.append(arguments)
        time.sleep(0.1)
        return original(*arguments)

    monkeypatch.setattr(_network, "opened", slow)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(load(path))) for _ in "12345678"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 1
    assert len({id(each) for each in found}) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs forks")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_while_another_thread_infers_does_not_hang(
    network_path, monkeypatch, rng
):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    network = _network.Network(network_path, device="cpu")
    batch = rng.normal(size=(1, 1, 30, 40)).astype(np.float32)
    expected = network.predict(batch)
    # As if another thread were in the middle of an inference, and of loading.
    with network._engine._lock, _network._loading:
        child = os.fork()
        if child == 0:
            signal.alarm(30)
            same = np.allclose(network.predict(batch), expected, atol=1e-6)
            os._exit(0 if same and load(network_path, "cpu").name == "tiny" else 1)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    np.testing.assert_array_equal(network.predict(batch), expected)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("BFCArena::AllocateRawInternal Failed to allocate memory for 5 B"),
        RuntimeError("std::bad_alloc"),
        MemoryError("Unable to allocate 5 GiB for an array"),
    ],
)
def test_a_lack_of_memory_says_which_tile_to_take(
    tmp_path, monkeypatch, image, movie, error
):
    network = _network.Network(tiny_networks.convolution(tmp_path / "a.onnx"))

    class Session:
        def __init__(self, session):
            self.session = session

        def get_inputs(self):
            return self.session.get_inputs()

        def run(self, _, given):
            if max(next(iter(given.values())).shape[2:]) > 61:
                raise error
            return self.session.run(None, given)

    monkeypatch.setattr(network._engine, "session", Session(network._engine.session))
    with pytest.raises(NetworkMemoryError, match=r"--tile 61 .*fewer workers") as info:
        predict(network, image, 0.1)
    assert str(info.value).isprintable()
    assert isinstance(info.value, MemoryError)
    predict(network, image, 0.1, tile=61)
    with pytest.raises(ValueError, match=r"(?s)0.*--tile 61 "):
        movie.inav[:1].segment(network, show_progressbar=False)


def test_a_lack_of_memory_before_the_network_is_one_line_too(
    network, movie, monkeypatch
):
    monkeypatch.setattr(predictions, "image_data", _without_memory)
    with pytest.raises(ValueError, match=r"Frame \d: .*memory.*fewer work") as info:
        movie.segment(network, show_progressbar=False)
    assert str(info.value).isprintable()


def test_the_tile_that_is_advised_is_allowed(tmp_path, monkeypatch, image):
    network = _network.Network(tiny_networks.pooling(tmp_path / "a.onnx"))
    monkeypatch.setattr(network._engine, "run", _without_memory)
    with pytest.raises(NetworkMemoryError, match=r"--tile 64 "):
        predict(network, image, 0.1)
    spans(121, receptive_field=24, stride=4, tile=64)
    # Half of it is less than the overlap and a stride.
    with pytest.raises(NetworkMemoryError, match=r"--tile 60 "):
        predict(network, image, 0.1, tile=64)
    with pytest.raises(NetworkMemoryError, match=r"Take fewer workers") as info:
        predict(network, image, 0.1, tile=60)
    assert "--tile" not in str(info.value)


def _without_memory(batch):
    raise MemoryError


def test_a_graph_that_fails_is_one_line(network, monkeypatch):
    class Session:
        def get_inputs(self):
            return [helper.make_tensor_value_info("image", 1, None)]

        def run(self, *_):
            raise RuntimeError("Non-zero status\n\x1b[2J of node")

    network = _network.Network(network.path)
    monkeypatch.setattr(network._engine, "session", Session())
    with pytest.raises(NetworkError, match=r"fails on input of shape") as info:
        network.predict(np.zeros((1, 1, 9, 9), np.float32))
    assert str(info.value).isprintable()
