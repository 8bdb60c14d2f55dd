# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectra of a spectrum image summed over the particles of a survey image."""

from __future__ import annotations

import warnings

import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest
from hyperspy.axes import UniformDataAxis
from hypothesis import given
from hypothesis import strategies as st
from own_warnings import of_ours

from hyperspy_hrtemnn.signals import Instances
from hyperspy_hrtemnn.signals._particles.particle_spectra import _survey_pixels

Y, X, CHANNELS = 9, 15, 6


@pytest.fixture
def particles():
    """Three particles, one of them a single pixel; pixels of 2 nm."""
    labels = np.zeros((Y, X), np.int32)
    labels[1:5, 2:7] = 2
    labels[5:8, 8:12] = 5
    labels[0, 11] = 9
    return calibrated(Instances(labels), 2)


def calibrated(signal, scale, offset=(0, 0), units="nm"):
    axes = signal.axes_manager
    plane = axes.navigation_axes or axes.signal_axes
    for axis, name, start in zip(plane, "xy", offset, strict=True):
        axis.name, axis.scale, axis.offset, axis.units = name, scale, start, units
    return signal


def spectra(rng, shape=(Y, X), channels=CHANNELS, **calibration):
    counts = rng.integers(0, 60000, (*shape, channels), np.uint16)
    signal = hs.signals.Signal1D(counts)
    energy = signal.axes_manager.signal_axes[0]
    energy.name, energy.scale, energy.offset, energy.units = "Energy", 0.01, -0.2, "keV"
    return calibrated(signal, **{"scale": 2, **calibration})


def test_sums_of_known_pixels(particles, rng):
    image = spectra(rng)
    image.metadata.set_item("Acquisition_instrument.TEM.beam_energy", 300)
    image.metadata.set_item("Signal.Noise_properties.variance", 3.0)
    result = particles.sum_spectra(image, show_progressbar=False)
    assert type(result) is hs.signals.Signal1D
    data = image.data.astype(np.uint64)
    expected = [data[1:5, 2:7].sum((0, 1)), data[5:8, 8:12].sum((0, 1)), data[0, 11]]
    np.testing.assert_array_equal(result.data, expected)
    assert result.data.dtype == np.uint64
    assert [str(axis.name) for axis in result.axes_manager._axes] == ["id", "Energy"]
    energy = result.axes_manager[-1]
    assert (energy.scale, energy.offset, energy.units) == (0.01, -0.2, "keV")
    about = result.metadata.HRTEMNN.Spectra
    assert (list(about.ids), list(about.pixels)) == ([2, 5, 9], [20, 12, 1])
    assert result.metadata.Acquisition_instrument.TEM.beam_energy == 300
    assert "Signal.Noise_properties" not in result.metadata
    assert "Signal.Noise_properties" in image.metadata
    assert "HRTEMNN" not in image.metadata


@pytest.mark.parametrize("chunks", [(9, 15, 6), (4, 7, 5)])
def test_lazy_gives_the_same(particles, rng, chunks):
    image = spectra(rng)
    image.change_dtype("float32")
    expected = particles.sum_spectra(image, show_progressbar=False).data
    lazy = image.as_lazy()
    lazy.data = lazy.data.rechunk(chunks)
    result = particles.as_lazy().sum_spectra(lazy)
    assert result._lazy
    assert isinstance(result.data, da.Array)
    np.testing.assert_allclose(result.data.compute(), expected)
    computed = particles.sum_spectra(lazy, lazy_output=False, show_progressbar=False)
    assert isinstance(computed.data, np.ndarray)


def test_single_precision_is_summed_in_double(particles):
    data = np.full((Y, X, 2), 0.1, np.float32)
    data[1, 2] = 2**24
    image = calibrated(hs.signals.Signal1D(data), 2)
    result = particles.sum_spectra(image)
    assert result.data[0, 0] == pytest.approx(
        2**24 + 19 * float(np.float32(0.1)), abs=1e-6
    )


def test_coarser_spectra_over_the_same_field(particles, rng):
    coarse = spectra(rng).rebin(scale=(3, 3, 1))
    # Their middles are the survey pixels 1, 4, 7 ... in both directions.
    expected = [coarse.data[:2, 1].sum(0), coarse.data[2, 3], np.zeros(CHANNELS)]
    with pytest.warns(UserWarning, match="particles 9; their sums are 0") as told:
        result = particles.sum_spectra(coarse)
    assert of_ours(told)[0].filename == __file__
    np.testing.assert_array_equal(result.data, expected)
    assert list(result.metadata.HRTEMNN.Spectra.pixels) == [2, 1, 0]
    # As most files have it: the same field with the same offset, whatever the pixels,
    # and another unit.
    calibrated(coarse, 6e-3, units="µm")
    with pytest.warns(UserWarning, match="particles 9"):
        again = particles.sum_spectra(coarse)
    np.testing.assert_array_equal(again.data, expected)


def test_offsets_count(particles, rng):
    # A spectrum image of a part of the field: from survey pixel 2 and 1 on.
    part = spectra(rng, (4, 6), offset=(4, 2))
    with pytest.warns(UserWarning, match="particles 5, 9; their sums are 0"):
        result = particles.sum_spectra(part)
    np.testing.assert_array_equal(result.data[0], part.data[:4, :5].sum((0, 1)))


def test_spectra_beside_the_survey_image_count_nowhere(particles, rng):
    wide = spectra(rng, (Y + 9, X + 8), offset=(-10, -6))
    result = particles.sum_spectra(wide)
    inside = wide.data[3 : 3 + Y, 5 : 5 + X].astype(np.uint64)
    np.testing.assert_array_equal(result.data[2], inside[0, 11])
    np.testing.assert_array_equal(result.data[1], inside[5:8, 8:12].sum((0, 1)))


@given(
    st.integers(1, 40),
    st.integers(1, 7),
    st.floats(0.01, 100),
    st.floats(-1000, 1000),
    st.sampled_from([-1, 1]),
)
def test_every_survey_pixel_has_its_share(size, factor, scale, offset, sign):
    """Of a spectrum image of finer pixels over the same field."""
    survey = UniformDataAxis(size=size, scale=sign * scale, offset=offset)
    fine = UniformDataAxis(size=size * factor, scale=sign * scale / factor)
    fine.offset = offset - (survey.scale - fine.scale) / 2
    for start in (fine.offset, offset):
        fine.offset = start
        index, inside = _survey_pixels(fine, survey)
        assert inside.all()
        np.testing.assert_array_equal(np.bincount(index), factor)


def test_exspy_goes_on_from_here(particles, rng):
    pytest.importorskip("exspy")
    eds = spectra(rng, channels=1200)
    eds.set_signal_type("EDS_TEM")
    eds.set_microscope_parameters(beam_energy=300, live_time=0.5)
    eds.set_elements(["Au", "Ce"])
    eds.set_lines(["Au_La", "Ce_La"])
    result = particles.sum_spectra(eds, show_progressbar=False)
    assert type(result) is type(eds)
    assert type(particles.sum_spectra(eds.as_lazy())) is type(eds.as_lazy())
    lines = result.get_lines_intensity()
    percent = result.quantification(lines, "CL", factors=[1.6, 1.4])
    np.testing.assert_allclose(sum(element.data for element in percent), 100)
    # By hand: the sum of a particle is the spectrum of its pixels.
    expected = eds.inav[8:12, 5:8].sum().get_lines_intensity()
    assert lines[0].data[1] == expected[0].data[0]
    detector = result.metadata.Acquisition_instrument.TEM.Detector
    assert detector.EDS.live_time == 0.5
    eels = spectra(rng)
    eels.set_signal_type("EELS")
    assert type(particles.sum_spectra(eels)) is type(eels)


def test_what_is_no_survey_or_spectrum_image(particles, rng):
    image = spectra(rng)
    movie = Instances(np.stack([particles.data] * 2))
    with pytest.raises(ValueError, match=r"is a movie; choose the frame .* inav\[0\]"):
        movie.sum_spectra(image)
    with pytest.raises(ValueError, match="no particles in the survey image"):
        (particles * 0).sum_spectra(image)
    with pytest.raises(ValueError, match="is not a spectrum image"):
        particles.sum_spectra(image.inav[0])
    with pytest.raises(ValueError, match="is not a spectrum image"):
        particles.sum_spectra(hs.signals.Signal2D(np.zeros((2, 3, 4, 5))))
    image.axes_manager[0].units = "s"
    with pytest.raises(ValueError, match="x has the unit s in the spectrum image"):
        particles.sum_spectra(image)
    image.axes_manager[0].units = "nm"
    image.axes_manager[0].convert_to_non_uniform_axis()
    with pytest.raises(ValueError, match="x of the spectrum image is not uniform"):
        particles.sum_spectra(image)


def test_uncalibrated_images_are_compared_by_pixels(particles, rng):
    for signal in (particles, image := spectra(rng)):
        for axis in signal.axes_manager._axes[:2]:
            axis.scale, axis.units = 1, ""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        result = particles.sum_spectra(image, show_progressbar=False)
    np.testing.assert_array_equal(result.data[2], image.data[0, 11])
