# SPDX-License-Identifier: GPL-3.0-or-later
"""The HRTEM signal: one image or many, eager or lazy, calibrated or not."""

from __future__ import annotations

import warnings

import dask
import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest
import tiny_networks
from own_warnings import of_ours

from hyperspy_hrtemnn import __version__
from hyperspy_hrtemnn.bad_frames import BadFrameError
from hyperspy_hrtemnn.networks import NetworkError, load, predict, standardize
from hyperspy_hrtemnn.signals import HRTEM, LazyHRTEM, LazySegmentation, Segmentation

Y, X = 37, 53


def _calibrate(signal, scale=0.012, units="nm"):
    for axis, name, offset in zip(
        signal.axes_manager.signal_axes, "xy", (3, -2), strict=True
    ):
        axis.scale, axis.units, axis.name, axis.offset = scale, units, name, offset
    return signal


@pytest.fixture
def movie(rng):
    signal = _calibrate(HRTEM(rng.normal(100, 10, (4, Y, X))))
    signal.metadata.General.title = "Au on CeO2"
    signal.metadata.set_item("Acquisition_instrument.TEM.beam_energy", 300.0)
    time = signal.axes_manager.navigation_axes[0]
    time.name, time.units, time.scale, time.offset = "time", "s", 0.25, 1.5
    return signal


@pytest.fixture
def series_path(tmp_path):
    return tiny_networks.convolution(
        tmp_path / "series.onnx", channels=3, classes=2, defocus_step=50
    )


@pytest.fixture
def series(rng):
    signal = _calibrate(HRTEM(rng.normal(100, 10, (5, 3, Y, X))))
    defocus, time = signal.axes_manager.navigation_axes
    defocus.name, defocus.scale, defocus.units = "defocus", 5, "nm"
    time.name = "time"
    return signal


def _never_computed(shape, chunks, dtype=np.float32):
    def fail(block_info=None):
        raise AssertionError("computed")

    return da.map_blocks(
        fail,
        chunks=da.core.normalize_chunks(chunks, shape),
        dtype=dtype,
        meta=np.empty((0,) * len(shape), dtype),
    )


def test_set_signal_type(rng):
    signal = hs.signals.Signal2D(rng.normal(size=(Y, X)))
    signal.set_signal_type("HRTEM")
    assert isinstance(signal, HRTEM)
    lazy = signal.as_lazy()
    assert isinstance(lazy, LazyHRTEM)
    lazy.compute()
    assert type(lazy) is HRTEM


def test_segment_is_predict_of_every_frame(movie, network_path):
    segmentation = movie.segment(network_path)
    assert type(segmentation) is Segmentation
    assert segmentation.data.dtype == np.float32
    network = load(network_path)
    expected = [predict(network, frame, 0.12)[0] for frame in movie.data]
    np.testing.assert_array_equal(segmentation.data, expected)


@pytest.mark.parametrize(
    ("card", "threshold"),
    [({"threshold": 0.37, "object_weight": 9}, 0.37), ({"object_weight": 1}, 0.5)],
)
def test_the_threshold_of_the_card_goes_with_the_segmentation(
    movie, tmp_path, card, threshold
):
    path = tiny_networks.convolution(tmp_path / "n.onnx", **card)
    segmentation = movie.segment(path, show_progressbar=False)
    assert segmentation.metadata.HRTEMNN.Segmentation.threshold == threshold
    mask = segmentation.threshold()
    np.testing.assert_array_equal(mask.data, segmentation.data >= threshold)


def test_axes_and_metadata(movie, network_path):
    movie.metadata.set_item("Signal.Noise_properties.variance", 3.0)
    segmentation = movie.segment(str(network_path), overlap=9)
    for old, new in zip(
        movie.axes_manager._axes, segmentation.axes_manager._axes, strict=True
    ):
        assert new.get_axis_dictionary() == old.get_axis_dictionary()
    assert segmentation.metadata.General.title == "Au on CeO2"
    assert segmentation.metadata.Acquisition_instrument.TEM.beam_energy == 300
    assert not segmentation.metadata.has_item("Signal.Noise_properties")
    assert segmentation.metadata.HRTEMNN.Segmentation.as_dictionary() == {
        "network": "tiny",
        "sha256": load(network_path).sha256,
        "averaged": False,
        "device": load(network_path).device,
        "version": __version__,
        "task": "segmentation",
        "classes": ["particle"],
        "sampling": 0.1,
        "threshold": 0.9,
        "resample": True,
        "tile": None,
        "overlap": 9,
        "window": "hamming",
    }
    # The source is left as it was.
    assert not movie.metadata.has_item("HRTEMNN")
    assert movie.metadata.Signal.signal_type == "HRTEM"
    assert movie.metadata.has_item("Signal.Noise_properties")


def test_one_image(movie, network_path):
    image = movie.inav[2]
    segmentation = image.segment(network_path)
    assert segmentation.data.shape == (Y, X)
    assert segmentation.axes_manager.navigation_dimension == 0
    np.testing.assert_array_equal(
        segmentation.data, movie.segment(network_path).inav[2].data
    )


def test_two_navigation_axes(rng, network_path):
    signal = _calibrate(HRTEM(rng.normal(100, 10, (2, 3, Y, X))))
    segmentation = signal.segment(network_path)
    assert segmentation.data.shape == signal.data.shape
    np.testing.assert_array_equal(
        segmentation.inav[2, 1].data, signal.inav[2, 1].segment(network_path).data
    )


@pytest.mark.parametrize("dtype", ["int16", "uint8", ">u2", ">f4"])
def test_dtypes(movie, network_path, dtype):
    converted = HRTEM(movie.data.round().astype(dtype))
    whole = HRTEM(movie.data.round())
    np.testing.assert_allclose(
        converted.segment(network_path, resample=False).data,
        whole.segment(network_path, resample=False).data,
        atol=1e-5,
    )


@pytest.mark.parametrize("chunks", [(4, 20, 20), (1, -1, -1), (2, -1, 10)])
def test_lazy_equals_eager(movie, network_path, chunks):
    eager = movie.segment(network_path)
    lazy = LazyHRTEM(
        da.from_array(movie.data, chunks=chunks),
        axes=list(movie.axes_manager.as_dictionary().values()),
    )
    segmentation = lazy.segment(network_path)
    assert type(segmentation) is LazySegmentation
    # A frame in memory at a time, however the file was divided.
    assert segmentation.data.chunksize == (1, Y, X)
    segmentation.compute()
    assert type(segmentation) is Segmentation
    np.testing.assert_array_equal(segmentation.data, eager.data)


def test_lazy_output(movie, network_path):
    lazy = movie.segment(network_path, lazy_output=True)
    assert type(lazy) is LazySegmentation
    eager = movie.as_lazy().segment(network_path, lazy_output=False)
    assert type(eager) is Segmentation
    lazy.compute(show_progressbar=False)
    np.testing.assert_array_equal(lazy.data, eager.data)


def test_nothing_is_computed_before_it_is_asked_for(network_path, series_path):
    movie = _calibrate(LazyHRTEM(_never_computed((6, Y, X), (2, 20, 20))))
    segmentation = movie.segment(network_path)
    assert segmentation.data.shape == (6, Y, X)
    assert segmentation.inav[2:4].data.shape == (2, Y, X)
    assert movie.standardize(1.0).data.shape == (6, Y, X)
    series = _calibrate(LazyHRTEM(_never_computed((6, 3, Y, X), (2, 3, 20, 20))))
    defocus = series.axes_manager[0]
    defocus.name, defocus.units, defocus.scale = "defocus", "nm", 5
    assert series.segment(series_path).data.shape == (6, 2, Y, X)
    with pytest.raises(ValueError, match="computed"):
        segmentation.compute()


def test_one_class_at_a_time(tmp_path, movie):
    path = tiny_networks.convolution(tmp_path / "three.onnx", classes=3)
    segmentation = movie.segment(path)
    assert segmentation.data.shape == (4, 3, Y, X)
    # HyperSpy counts from the fastest axis on.
    assert [a.name for a in segmentation.axes_manager.navigation_axes] == [
        "class",
        "time",
    ]
    assert segmentation.axes_manager["time"].offset == 1.5
    names = segmentation.metadata.HRTEMNN.Segmentation.classes
    assert names == ["class 0", "class 1", "class 2"]
    expected = predict(load(path), movie.data[3], 0.12)
    np.testing.assert_array_equal(segmentation.inav[:, 3].data, expected)


def test_focal_series(series, series_path):
    segmentation = series.segment(series_path)
    assert segmentation.data.shape == (5, 2, Y, X)
    assert [a.name for a in segmentation.axes_manager.navigation_axes] == [
        "class",
        "time",
    ]
    expected = predict(load(series_path), series.data[4], 0.12)
    np.testing.assert_array_equal(segmentation.data[4], expected)
    # The place of the axis does not matter.
    swapped = series.transpose(navigation_axes=["time", "defocus"])
    assert swapped.data.shape == (3, 5, Y, X)
    np.testing.assert_array_equal(swapped.segment(series_path).data, segmentation.data)
    one = series.inav[:, 4].segment(series_path)
    np.testing.assert_array_equal(one.data, segmentation.data[4])


def test_wrong_focal_series(series, series_path, movie):
    with pytest.raises(
        ValueError, match=r"3 images, 5 nm apart; the axis 'defocus' has 2"
    ):
        series.inav[:2].segment(series_path)
    with pytest.raises(
        ValueError, match=r"(?s)axis named 'defocus'.*\.name, .* = 'defocus'"
    ):
        movie.segment(series_path)


def test_save_and_load(tmp_path, series, series_path):
    segmentation = series.segment(series_path)
    segmentation.save(tmp_path / "seg.hspy")
    again = hs.load(tmp_path / "seg.hspy")
    assert type(again) is Segmentation
    np.testing.assert_array_equal(again.data, segmentation.data)
    assert (
        again.axes_manager.as_dictionary() == segmentation.axes_manager.as_dictionary()
    )
    before = segmentation.metadata.HRTEMNN.as_dictionary()
    assert again.metadata.HRTEMNN.as_dictionary() == before
    lazy = hs.load(tmp_path / "seg.hspy", lazy=True)
    assert type(lazy) is LazySegmentation


def test_state_survives_slicing(movie, network_path):
    part = movie.segment(network_path).inav[1:3].isig[4:20, 5:9]
    assert part.metadata.HRTEMNN.Segmentation.network == "tiny"


def test_standardize(movie):
    standardized = movie.standardize("1.2 angstrom")
    assert type(standardized) is HRTEM
    assert standardized.metadata.General.title == "Au on CeO2"
    assert (
        standardized.axes_manager.as_dictionary() == movie.axes_manager.as_dictionary()
    )
    expected = standardize(movie.data[1], 10)
    np.testing.assert_allclose(standardized.data[1], expected, atol=1e-6)
    in_axis_units = movie.standardize(0.12, lazy_output=True)
    assert type(in_axis_units) is LazyHRTEM
    np.testing.assert_array_equal(in_axis_units.data.compute(), standardized.data)
    with pytest.raises(ValueError, match="positive"):
        movie.standardize(0)
    movie.data[2, :7] = np.nan
    with pytest.warns(UserWarning, match=r"no data .*: 371 in frame 2\."):
        outside = movie.standardize("1.2 angstrom").data
    assert np.isnan(outside[2, :7]).all()
    assert np.isfinite(outside[2, 7:]).all()


def test_uncalibrated(movie, network_path):
    bare = HRTEM(movie.data)
    with pytest.raises(ValueError, match="not calibrated"):
        bare.segment(network_path)
    assert bare.segment(network_path, resample=False).data.shape == movie.data.shape
    with pytest.raises(ValueError, match="not calibrated"):
        bare.standardize()
    with pytest.raises(ValueError, match="not calibrated"):
        _calibrate(bare, 1, "px").segment(network_path)


def test_calibration_that_cannot_be(movie, network_path):
    lazy = _calibrate(movie.as_lazy(), 0.012, "µm")
    with pytest.raises(ValueError, match="Check the unit"):
        lazy.segment(network_path)
    with pytest.raises(ValueError, match="too small"):
        _calibrate(lazy, 0.012, "pm").segment(network_path)
    x, _ = lazy.axes_manager.signal_axes
    x.scale *= 2
    with pytest.raises(ValueError, match="square pixels"):
        lazy.segment(network_path)


def test_calibration_in_any_unit(movie, network_path):
    expected = movie.segment(network_path).data
    for scale, units in [(0.12, "Å"), (1.2e-5, "µm"), (12, "pm"), (-0.012, "nm")]:
        again = _calibrate(movie.deepcopy(), scale, units).segment(network_path).data
        np.testing.assert_allclose(again, expected, atol=1e-6)


def test_bad_frame_is_named(movie, network_path):
    movie.data[2] = np.inf
    with pytest.raises(ValueError, match=r"Frame 2: .* no data"):
        movie.segment(network_path, on_bad_frame="raise")
    lazy = movie.as_lazy().segment(network_path, on_bad_frame="raise")
    lazy.inav[:2].compute(show_progressbar=False)
    with pytest.raises(ValueError, match="Frame 2: "):
        lazy.compute(show_progressbar=False)
    with pytest.raises(BadFrameError, match=r"^100\.00%"):
        movie.inav[2].segment(network_path)
    two_axes = _calibrate(HRTEM(np.stack([movie.data, movie.data])[:, :3]))
    two_axes.data[0] = two_axes.data[0, 0]
    with pytest.raises(ValueError, match=r"Frame \(2, 1\): "):
        two_axes.segment(network_path, on_bad_frame="raise")


def test_bad_arguments(movie, network_path, tmp_path):
    lazy = movie.as_lazy()
    with pytest.raises(NetworkError, match="no network 'au-ceo3'"):
        lazy.segment("au-ceo3")
    with pytest.raises(ValueError, match="not a window"):
        lazy.segment(network_path, window="saddle")
    with pytest.raises(ValueError, match="tile of 3"):
        lazy.segment(network_path, tile=3)
    wave = tiny_networks.linear(tmp_path / "wave.onnx", task="exit wave")
    with pytest.raises(ValueError, match="for exit wave, not for segmentation"):
        lazy.segment(wave)


def test_warns_once_with_the_range(movie, network_path):
    _calibrate(movie, 0.025)
    movie.metadata.Acquisition_instrument.TEM.beam_energy = 80
    with pytest.warns(UserWarning, match="not trained") as caught:
        movie.segment(network_path)
    (warning,) = of_ours(caught)
    assert "0.25 Å/pixel, trained was 0.07 to 0.2" in str(warning.message)
    assert "80 keV, trained was 300" in str(warning.message)
    assert warning.filename == __file__


DEFOCUS = [
    (5, -5, "nm", []),
    (50, 100, "angstrom", []),
    (5, 10.1, "nm", ["defocus is 101 Å, trained was -100 to 100"]),
    (8, 0, "nm", ["images are 8 nm of defocus apart, trained was 5 nm"]),
    # The last image is the first one of the training.
    (-5, 19, "nm", ["towards overfocus, trained was towards underfocus"]),
    (
        -8,
        40,
        "nm",
        ["towards overfocus", "8 nm of defocus apart", "defocus is 240 Å"],
    ),
    # Nobody said what the numbers mean.
    (-8, 400, "px", ["no unit of length, so that nobody can tell"]),
    (1, 0, "", ["5 nm apart towards underfocus"]),
]


@pytest.mark.parametrize(("step", "first", "unit", "faults"), DEFOCUS)
def test_warns_of_the_defocus_of_a_series(
    series, series_path, step, first, unit, faults
):
    axis = series.axes_manager["defocus"]
    axis.scale, axis.offset, axis.units = step, first, unit
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        series.segment(series_path, lazy_output=True)
    texts = str(of_ours(caught)[0].message).split("; ") if of_ours(caught) else []
    assert len(texts) == len(faults)
    for text, fault in zip(texts, faults, strict=True):
        assert fault in text


def test_the_advice_for_the_wrong_order_is_right(series, series_path):
    axis = series.axes_manager["defocus"]
    axis.scale, axis.offset = -5, 10
    with pytest.warns(UserWarning, match=r"reverse the axis 'defocus' with \[::-1\]"):
        series.segment(series_path, lazy_output=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        turned = series.inav[::-1, :].segment(series_path)
    np.testing.assert_array_equal(
        turned.data[2], predict(load(series_path), series.data[2, ::-1], 0.12)
    )


def test_warns_of_the_defocus_of_single_images(series, network_path):
    series.axes_manager["defocus"].offset = 5
    with pytest.warns(UserWarning, match="defocus is 150 Å, trained was") as caught:
        series.segment(network_path, lazy_output=True)
    assert "defocus is 50" not in str(of_ours(caught)[0].message)


def test_no_warning_within_the_range(movie, network_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        movie.segment(network_path)


def test_processes(movie, network_path):
    # The network travels by its path, as it does with dask.distributed.
    lazy = movie.as_lazy().segment(load(network_path))
    with dask.config.set(scheduler="processes", num_workers=1):
        computed = lazy.inav[:1].data.compute()
    np.testing.assert_array_equal(computed, movie.inav[:1].segment(network_path).data)
