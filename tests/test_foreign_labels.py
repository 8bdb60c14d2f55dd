# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels as other programs write them."""

from __future__ import annotations

import inspect

import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest
import tifffile

from hyperspy_hrtemnn.signals import _instances
from hyperspy_hrtemnn.signals._shared.entrance import in_one_form
from hyperspy_hrtemnn.signals._shared.labels import own_labels

FRAMES, Y, X = 2, 33, 41


def labels():
    data = np.zeros((FRAMES, Y, X), int)
    data[0, 4:12, 3:20] = 7
    data[1, 15:30, 8:21] = 9
    return data


@pytest.fixture(params=["in memory", "lazy"])
def made(request):
    """Return what makes a signal of labels."""

    def make(data):
        signal = hs.signals.Signal2D(data)
        signal = signal.as_lazy() if request.param == "lazy" else signal
        signal.set_signal_type("HRTEM_instances")
        for axis in signal.axes_manager.signal_axes:
            axis.scale, axis.units = 0.5, "nm"
        return signal

    return make


@pytest.mark.parametrize(
    "written",
    [
        lambda data: np.where(data, data, -1),
        lambda data: np.where(data, data, -32768).astype(np.int16),
        lambda data: np.where(data, data, -1).astype(float),
        lambda data: np.where(data, data, np.nan),
        lambda data: data.astype(np.uint64),
        lambda data: data.astype(np.uint8),
        lambda data: data.astype(">i4"),
    ],
    ids=["-1", "int16", "floats", "nan", "uint64", "uint8", "big endian"],
)
def test_whatever_is_not_a_particle_is_background(made, written, tmp_path):
    data = written(labels())
    before = data.copy()
    signal = made(data)
    assert signal.ids() == [7, 9]
    table = signal.properties()
    assert table["id"].tolist() == [7, 9]
    assert table["area"].tolist() == [8 * 17 / 4, 15 * 13 / 4]
    signal.to_tiff(tmp_path / "labels.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "labels.tif"), labels())
    images = hs.signals.Signal2D(np.random.default_rng(3).normal(size=data.shape))
    images.set_signal_type("HRTEM")
    for axis in images.axes_manager.signal_axes:
        axis.scale, axis.units = 0.5, "nm"
    spectra = images.local_fft(signal, [7, 9], size="11 nm", apodization="0.5 nm")
    shown = spectra.data.any(axis=(2, 3))
    np.testing.assert_array_equal(shown, [[True, False], [False, True]])
    np.testing.assert_array_equal(data, before)


def test_a_mask_is_one_particle(made):
    signal = made(labels() == 9)
    assert signal.ids() == [1]
    assert signal.properties()["area"].tolist() == [15 * 13 / 4]


def test_no_data_of_ours_stays(made):
    signal = made(np.where(labels(), labels(), -1))
    signal.data[0, 0, 0] = -2
    signal.metadata.set_item("HRTEMNN.Instances", {"no_data": -1})
    seen = np.asarray(in_one_form(signal).data)
    assert seen.min() == -1
    assert seen[0, 0, 0] == 0
    assert signal.ids() == [7, 9]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64"])
def test_no_data_of_ours_stays_in_types_without_a_sign(made, dtype):
    data = labels()
    data[1, :, 30:] = -1
    data[0] = -1
    signal = made(data.astype(dtype))
    signal.metadata.set_item("HRTEMNN.Instances", {"no_data": -1})
    assert signal.ids() == [9]
    table = signal.properties()
    assert table.attrs["unknown_frames"] == [0]
    assert table["area"].tolist() == [15 * 13 / 4]


def test_what_cannot_be_read_is_told_by_a_call_and_not_by_a_look(made):
    signal = made(labels() + 0.5)
    assert hasattr(signal, "properties")
    assert dict(inspect.getmembers(signal))["ids"].__doc__.startswith("Return")
    with pytest.raises(ValueError, match=r"label 0\.5"):
        signal.properties()


def test_labels_are_converted_once_for_a_call(made, monkeypatch):
    signal = made(labels().astype(float))
    view = in_one_form(signal)

    def again(*_, **__):
        raise AssertionError("converted again")

    monkeypatch.setattr(_instances, "own_labels", again)
    assert in_one_form(view) is view
    assert view.ids() == [7, 9]
    with pytest.raises(AssertionError, match="converted again"):
        signal.ids()


def test_an_array_in_place_of_a_signal_is_named(made):
    signal = made(labels())
    with pytest.raises(TypeError, match=r"signal .* not ndarray.*Signal2D\(array\)"):
        signal.properties(np.zeros(labels().shape))


@pytest.mark.parametrize("largest", [2**31, 2**40 + 5, 2**63 + 3])
def test_an_id_that_does_not_fit_is_refused_by_name(made, largest):
    data = labels().astype(np.uint64 if largest > 2**62 else np.int64)
    data[data == 9] = largest
    with pytest.raises(ValueError, match=f"largest id is {largest}.*2147483647") as why:
        made(data).properties()
    assert "relabel_sequential" in str(why.value)


def test_the_largest_id_of_32_bits_is_kept(made):
    signal = made(np.where(labels() == 9, 2**31 - 1, 0))
    assert signal.ids() == [2**31 - 1]
    assert signal.properties()["id"].tolist() == [2**31 - 1]
    image = signal.deepcopy()
    image.data = image.data.astype(float)
    image.set_signal_type("HRTEM")
    assert image.local_fft(signal, 2**31 - 1, size="11 nm").data[1].any()
    assert signal.plot_overlay(image, 1).texts[0].get_text() == str(2**31 - 1)


def test_probabilities_are_not_labels(made):
    with pytest.raises(ValueError, match=r"a label 0\.25, .*HRTEM_segmentation"):
        made(labels() / 28).ids()
    with pytest.raises(ValueError, match="not complex128"):
        own_labels(labels().astype(complex), no_data=False)


def test_nothing_is_copied_without_need():
    data = labels().astype(np.int32)
    assert own_labels(data, no_data=False) is data
    lazy = da.from_array(data.astype(np.uint16))
    assert own_labels(lazy, no_data=False) is lazy
