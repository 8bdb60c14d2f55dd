# SPDX-License-Identifier: GPL-3.0-or-later
"""Images as cameras and scripts leave them, through the methods of signals."""

from __future__ import annotations

import warnings

import hyperspy.api as hs
import numpy as np
import pytest
from own_warnings import of_ours
from scipy import ndimage

from hyperspy_hrtemnn.analysis import (
    ParticleTracker,
    find_columns,
    local_spectrum,
    particle_properties,
    split_particles,
)
from hyperspy_hrtemnn.bad_frames import BadFrameError
from hyperspy_hrtemnn.data import au_ceo2_movie
from hyperspy_hrtemnn.networks import load, predict
from hyperspy_hrtemnn.signals import Instances, Segmentation

SAMPLING = 0.2  # Å
QUIET = {"show_progressbar": False}
Y, X = np.mgrid[:300, :330]


@pytest.fixture(scope="module")
def network():
    return load("au-ceo2-mask")


@pytest.fixture(scope="module")
def movie():
    """Two frames in which there are a whole particle and two that are cut."""
    return au_ceo2_movie().isig[100:430, 100:400].inav[3:5]


def area(network, image, within=True):
    found = predict(network, image, SAMPLING)[0]
    return np.count_nonzero((found >= network.card.unbiased_threshold) & within)


@pytest.fixture(scope="module")
def clean(movie, network):
    return area(network, movie.data[0])


@pytest.mark.parametrize("height", [50, 300, 1e5, 1e10])
def test_a_hot_pixel_of_any_height_changes_no_area(movie, network, clean, height):
    image = movie.data[0].astype(float)
    image[90, 110] += height
    image[200:202, 33:35] += height
    assert area(network, image) == pytest.approx(clean, rel=0.01)


@pytest.mark.parametrize("fill", ["0", "mean", "NaN", "white"])
@pytest.mark.parametrize(
    "border", [(Y < 14) | (X < 23), (X + 5 * Y < 200) | (X + 60 > 4 * Y + 330)]
)
def test_a_filled_border_changes_no_area_beside_it(movie, network, fill, border):
    whole = movie.data[0].astype("f4")
    values = {"0": 0, "mean": whole.mean(), "NaN": np.nan, "white": 255}
    found = predict(network, np.where(border, values[fill], whole), SAMPLING)[0]
    inside = np.isfinite(found)
    assert not np.any(inside & border)
    assert np.mean(inside == ~border) > 0.98
    expected = area(network, whole, inside)
    seen = np.count_nonzero(found >= network.card.unbiased_threshold)
    assert seen == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(("gain", "offset"), [(1e-21, 0), (1e20, 0), (1, 7e5)])
def test_gain_and_offset_change_no_area(movie, network, clean, gain, offset):
    image = movie.data[0] * gain + offset
    assert area(network, image) == pytest.approx(clean, rel=1e-3)


def test_what_was_replaced_is_told_once_and_kept(movie):
    bad = movie.deepcopy()
    bad.data[:, 90, 110] = 255
    bad.data[1, :20] = 0
    with pytest.warns(UserWarning, match="neighbors: 2 in frames 0, 1") as told:
        segmentation = bad.segment("au-ceo2-mask", **QUIET)
    assert len(of_ours(told)) == 1
    assert "no data" in str(of_ours(told)[0].message)
    assert of_ours(told)[0].filename == __file__
    counts = segmentation.metadata.HRTEMNN.Images.as_dictionary()
    assert counts["bad_pixels"] == counts["frames_with_bad_pixels"] == 2
    assert counts["frames_with_no_data"] == 1
    assert counts["no_data_pixels"] == np.isnan(segmentation.data).sum() == 21 * 330


def test_a_lazy_result_tells_when_it_is_computed(movie):
    bad = movie.deepcopy()
    bad.data[:, 90, 110] = 255
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lazy = bad.as_lazy().segment("au-ceo2-mask")
    assert not lazy.metadata.has_item("HRTEMNN.Images")
    with pytest.warns(UserWarning, match="2 in frames 0, 1"):
        lazy.compute(**QUIET)
    assert lazy.metadata.HRTEMNN.Images.bad_pixels == 2


def test_particles_beside_no_data_may_be_cut(movie):
    bad = movie.deepcopy()
    bad.change_dtype("float32")
    bad.data[:, :, 200:] = np.nan
    with pytest.warns(UserWarning, match="no data"):
        particles = bad.segment("au-ceo2-mask", **QUIET).track_instances(
            "1.2 nm", **QUIET
        )
    assert particles.metadata.HRTEMNN.Instances.no_data == -1
    assert (particles.data[:, :, 200:] == -1).all()
    assert min(particles.ids(**QUIET)) == 1
    table = particles.properties(**QUIET)
    cut = [
        ndimage.binary_dilation(labels == number, iterations=2)[:, 200].any()
        for labels, numbers in zip(
            particles.data, table.groupby("frame")["id"].apply(list), strict=True
        )
        for number in numbers
    ]
    assert any(cut)
    assert table["touches_border"][cut].all()


def test_labels_of_no_data_are_no_particle(tmp_path):
    frame = np.zeros((12, 15))
    frame[2:6, 3:8] = frame[8:11, 10:14] = 1
    frame[:, 8:10] = np.nan
    labels = split_particles(frame, 3, min_area=0)
    np.testing.assert_array_equal(labels == -1, np.isnan(frame))
    table = particle_properties(labels, np.where(frame == 1, 7.0, np.nan))
    assert table["id"].tolist() == [1, 2]
    assert table["area"].tolist() == [20, 12]
    assert table["mean_intensity"].tolist() == [7, 7]
    assert table["touches_border"].tolist() == [True, True]
    tracker = ParticleTracker()
    for _ in range(2):
        np.testing.assert_array_equal(tracker.link(labels), labels)

    image = hs.signals.Signal2D(np.arange(180.0).reshape(12, 15) % 7)
    image.set_signal_type("HRTEM")
    particles = Instances(labels)
    for signal in (image, particles):
        for axis in signal.axes_manager.signal_axes:
            axis.units, axis.scale = "nm", 0.1
    assert particles.ids(**QUIET) == [1, 2]
    ax = particles.plot_overlay(image)
    assert {text.get_text() for text in ax.texts} == {"1", "2"}
    particles.to_tiff(tmp_path / "labels.tif", **QUIET)
    stored = hs.load(tmp_path / "labels.tif").data
    np.testing.assert_array_equal(stored, np.maximum(labels, 0))
    spectra = image.local_fft(particles, apodization="0.02 nm", size="0.8 nm", **QUIET)
    assert spectra.metadata.HRTEMNN.ids == [1, 2]
    assert np.isfinite(spectra.data).all()


def test_a_segmentation_of_nothing_has_no_particles_columns_or_area():
    segmentation = Segmentation(np.full((40, 50), np.nan))
    for axis in segmentation.axes_manager.signal_axes:
        axis.units, axis.scale = "nm", 0.1
    assert segmentation.track_instances("0.5 nm", **QUIET).ids(**QUIET) == []
    assert not segmentation.threshold().data.any()
    assert np.isnan(segmentation.area().data)
    with pytest.raises(BadFrameError, match="every pixel is NaN"):
        segmentation.find_columns(**QUIET)


def test_columns_beside_no_data_are_found():
    y, x = np.mgrid[:40, :50]
    maps = sum(np.exp(-((y - 20) ** 2 + (x - c) ** 2) / 6) for c in (12, 28, 41))
    expected = find_columns(maps).positions
    maps[:, 46:] = np.nan
    maps[:10] = np.nan
    np.testing.assert_allclose(find_columns(maps).positions, expected, atol=1e-9)


def test_no_data_in_a_window_leaves_no_edge(rng):
    size = (64, 64)
    y, x = np.mgrid[:64, :64]
    image = 1000 + 10 * np.cos(2 * np.pi * x / 8)
    whole = local_spectrum(image, size=size, apodization=3)
    image[20:30, 40:50] = np.nan
    holed = local_spectrum(image, size=size, apodization=3)
    assert holed[32, 40] == pytest.approx(whole[32, 40], rel=0.02)
    # Were it 0, there would be 1000 where there is nothing.
    others = np.hypot(y - 32, abs(x - 32) - 8) > 6
    assert holed[others].max() < 0.05 * whole[32, 40]


def test_spectra_of_imperfect_images_are_numbers(movie):
    bad = movie.deepcopy()
    bad.change_dtype("float32")
    bad.data[0, 40, 50] = np.nan
    bad.data[1, :30] = np.inf
    with pytest.warns(UserWarning, match="1 in frame 0.*9900 in frame 1"):
        spectra = bad.local_fft(**QUIET)
    clean = movie.local_fft(**QUIET)
    assert np.isfinite(spectra.data).all()
    np.testing.assert_allclose(spectra.data[0], clean.data[0], atol=0.01)
    assert np.isfinite(spectra.zone_axis_probability(**QUIET)["probability"]).all()


def test_intensities_are_those_of_the_image_without_hot_pixels(movie):
    labels = np.zeros(movie.data.shape, int)
    labels[:, 50:90, 60:100] = 4
    particles = Instances(labels)
    for axis in particles.axes_manager.signal_axes:
        axis.units, axis.scale = "nm", 0.02
    expected = particles.properties(movie, **QUIET)
    bad = movie.deepcopy()
    bad.change_dtype("uint16")
    bad.data[1, 60, 70] = 60000
    with pytest.warns(UserWarning, match="1 in frame 1"):
        table = particles.properties(bad, **QUIET)
    np.testing.assert_allclose(
        table["mean_intensity"], expected["mean_intensity"], rtol=1e-3
    )
    assert table.attrs["images"]["bad_pixels"] == 1


def test_following_tells_what_was_replaced(movie, tmp_path):
    bad = movie.deepcopy()
    bad.change_dtype("float32")
    bad.data[:, 90, 110] = 1e6
    bad.data[1, :25] = np.nan
    options = {"min_separation": "1.2 nm", "size": "5 nm", **QUIET}
    with pytest.warns(UserWarning, match="2 in frames 0, 1.*8250 in frame 1"):
        particles, table, peaks = bad.follow_particles(
            "au-ceo2-mask", tmp_path / "followed", **options
        )
    assert particles.metadata.HRTEMNN.Images.bad_pixels == 2
    labels = particles.data.compute()
    assert (labels[1, :25] == -1).all()
    assert (labels[0] >= 0).all()
    assert np.isfinite(table["mean_intensity"]).all()
    assert np.isfinite(peaks["intensity"]).all()
    with pytest.warns(UserWarning, match="no data"):
        one_by_one = bad.segment("au-ceo2-mask", **QUIET).track_instances(
            "1.2 nm", **QUIET
        )
    np.testing.assert_array_equal(labels, one_by_one.data)


def test_a_frame_without_data_is_bad(movie, network):
    with pytest.raises(BadFrameError, match="no data"):
        predict(network, np.full((300, 330), np.nan), SAMPLING)
