# SPDX-License-Identifier: GPL-3.0-or-later
"""`ExitWave.fit_optics` and `HRTEM.fit_optics`: calibration, camera and counts."""

from __future__ import annotations

import json

import hyperspy.api as hs
import numpy as np
import pytest
from known_waves import ENERGY, SAMPLING, flake

from hyperspy_hrtemnn.analysis import Aberration, FittedOptics
from hyperspy_hrtemnn.analysis.detector.from_parameters import detector_from_parameters

ASTIGMATISM = Aberration(1, 2, 18.0, 0.5)
MTF = (0.4, 2.5)
COUNTING = {"mtf": MTF, "smoothing": 0, "margin": 0}


def calibrated(signal, kind):
    signal.set_signal_type(kind)
    for name, axis in zip("xy", signal.axes_manager.signal_axes, strict=True):
        axis.name, axis.scale, axis.units = name, SAMPLING / 10, "nm"
    return signal


def made(**changes):
    wave = calibrated(hs.signals.ComplexSignal2D(flake()[0]), "exit_wave")
    options = {"energy": ENERGY, "Cs": "5 um", "focal_spread": "1 nm", "blur": "15 pm"}
    options |= {"aberrations": [ASTIGMATISM], "dose": 2e4, "mtf": MTF, **changes}
    return wave, wave.simulate_images(["-4 nm", "1 nm", "6 nm"], **options)


@pytest.fixture(scope="module")
def pair():
    return made()


@pytest.fixture(scope="module")
def found(pair):
    wave, series = pair
    return wave.fit_optics(series, Cs="5.5 um", **COUNTING)


def test_lengths_are_those_of_the_axes(found):
    assert isinstance(found, FittedOptics)
    assert found.energy == ENERGY
    np.testing.assert_allclose(found.defocus.value, [-40, 10, 60], atol=1)
    assert abs(found.Cs.value - 5e4) < 3 * found.Cs.error
    assert abs(found.C12.value - 18) < 3 * found.C12.error
    assert abs(found.phi12.value - 0.5) < 3 * found.phi12.error
    np.testing.assert_allclose(found.dose.value, 2e4, rtol=0.01)


def test_series_and_wave_give_the_same(pair, found):
    wave, series = pair
    again = series.fit_optics(wave, Cs="5.5 um", **COUNTING)
    assert again.to_table().equals(found.to_table())


def test_the_lazy_ones_give_the_same(pair, found):
    wave, series = pair
    lazily = wave.as_lazy().fit_optics(series.as_lazy(), Cs="5.5 um", **COUNTING)
    assert lazily.Cs.value == pytest.approx(found.Cs.value, abs=1)


def test_images_stored_with_x_slow_give_the_same(pair, found):
    wave, series = pair
    turned = hs.signals.Signal2D(series.data.transpose(0, 2, 1))
    turned.set_signal_type("HRTEM")
    for axis, old in zip(turned.axes_manager._axes, (0, 2, 1), strict=True):
        source = series.axes_manager._axes[old]
        axis.name, axis.units = source.name, source.units
        axis.scale, axis.offset = source.scale, source.offset
    turned.metadata.Signal = series.metadata.Signal
    again = wave.fit_optics(
        turned, Cs="5.5 um", energy=ENERGY, counts_per_electron=1, **COUNTING
    )
    assert again.phi12.value == pytest.approx(found.phi12.value, abs=1e-3)


def test_the_lenses_are_options_of_other_methods(pair, found):
    wave, series = pair
    defocus = [f"{each} angstrom" for each in found.defocus.value]
    again = wave.simulate_images(defocus, **found.lenses())
    counts = series.data / series.data.mean() * again.data.mean()
    assert np.corrcoef(again.data.ravel(), counts.ravel())[0, 1] > 0.8


def test_the_dose_takes_the_place_of_the_gain(pair, found):
    wave, series = pair
    other = series.deepcopy()
    other.data = 38 * series.data + 100
    del other.metadata.Signal.Noise_properties
    other.metadata.Signal.quantity = ""
    with pytest.raises(ValueError, match="or give the dose of an image"):
        wave.fit_optics(other, Cs="5.5 um", **COUNTING)
    again = wave.fit_optics(other, dose=2e4, offset=100, Cs="5.5 um", **COUNTING)
    assert again.C12.value == pytest.approx(found.C12.value, abs=0.05)
    with pytest.raises(ValueError, match="Both dose and counts_per_electron"):
        wave.fit_optics(other, dose=2e4, counts_per_electron=38, **COUNTING)


def test_the_camera_comes_from_the_file_of_fit_mtf(pair, found, tmp_path):
    wave, series = pair
    file = tmp_path / "camera.json"
    keys = {"mtf": "parametric", "mtf_c1": [0.39, 0.41], "mtf_c3": [2.4, 2.6]}
    file.write_text(json.dumps(keys | {"readout": [0, 1e-4]}))
    options = {"smoothing": 0, "margin": 0, "Cs": "5.5 um"}
    for camera in (file, str(file), json.loads(file.read_text())):
        again = wave.fit_optics(series, detector=camera, **options)
        assert again.chi2 == pytest.approx(found.chi2, abs=0.01)
    with pytest.raises(ValueError, match="Both detector and mtf"):
        wave.fit_optics(series, detector=file, mtf=MTF)


@pytest.mark.filterwarnings("ignore:The readout noise is")
def test_what_fit_mtf_measured_is_the_camera():
    vacuum = calibrated(
        hs.signals.ComplexSignal2D(np.ones((320, 300), complex)), "exit_wave"
    )
    image = vacuum.simulate_images(0, energy=ENERGY, dose=2e4, mtf=MTF)
    measured = image.fit_mtf(hs.roi.RectangularROI(0, 0, 2.9, 3.1))
    wave, series = made()
    found = wave.fit_optics(series, detector=measured, smoothing=0, margin=0)
    assert found.chi2 == pytest.approx(1, abs=0.1)


def test_an_unknown_camera_is_asked_for(pair, tmp_path):
    wave, series = pair
    with pytest.raises(ValueError, match=r"camera is not known.*series\.fit_mtf\(\)"):
        wave.fit_optics(series)
    with pytest.raises(ValueError, match="does not exist or is empty"):
        wave.fit_optics(series, detector=tmp_path / "none.json")
    with pytest.raises(ValueError, match="readout cannot be negative"):
        wave.fit_optics(series, mtf=MTF, readout=-1)


def test_a_camera_without_an_mtf():
    detector = detector_from_parameters({"images": {"mtf": None}}, 0.1)
    assert not detector.has_mtf
    assert detector.sampling == 0.1
    with pytest.raises(ValueError, match="mtf_c3 = None"):
        detector_from_parameters({"mtf_c1": [0.2, 0.4]}, 0.1)
    with pytest.raises(ValueError, match="mtf_c1 = 'wide'"):
        detector_from_parameters({"mtf_c1": "wide"}, 0.1)


def test_signals_that_do_not_fit_are_refused(pair):
    wave, series = pair
    with pytest.raises(ValueError, match="defocus of the images is not known"):
        wave.fit_optics(series.inav[0], **COUNTING)
    nameless = series.deepcopy()
    nameless.axes_manager.navigation_axes[0].name = "time"
    with pytest.raises(ValueError, match="named 'defocus'"):
        wave.fit_optics(nameless, **COUNTING)
    with pytest.raises(ValueError, match="Choose them with inav"):
        hs.stack([wave, wave]).fit_optics(series, **COUNTING)
    finer = wave.deepcopy()
    for axis in finer.axes_manager.signal_axes:
        axis.scale *= 0.9
    with pytest.raises(ValueError, match=r"pixels of 0.09 Å, the images of 0.1"):
        finer.fit_optics(series, **COUNTING)
    with pytest.raises(ValueError, match="115 x 128 pixels, the images have 120 x 128"):
        wave.isig[:115].fit_optics(series, dose=2e4, **COUNTING)
    with pytest.raises(TypeError, match="A signal of HyperSpy is needed"):
        wave.fit_optics(series.data, **COUNTING)
    with pytest.raises(ValueError, match="The wave is real"):
        series.fit_optics(calibrated(wave.amplitude, ""), **COUNTING)


def test_a_wave_of_a_network_has_its_errors(pair, found):
    wave, series = pair
    predicted = wave.deepcopy()
    predicted.metadata.set_item("HRTEMNN.ExitWave.method", "network")
    again = predicted.fit_optics(series, Cs="5.5 um", **COUNTING)
    assert again.defocus.error.min() > 1.1 > found.defocus.error.max()
    np.testing.assert_allclose(again.defocus.value, found.defocus.value)


def test_a_wave_that_was_made_with_lenses_is_told_of(pair, found):
    wave, series = pair
    iterated = wave.deepcopy()
    iterated.metadata.set_item("HRTEMNN.ExitWave.method", "gerchberg-saxton")
    with pytest.warns(UserWarning, match="reconstructed with lenses"):
        again = iterated.fit_optics(series, Cs="5.5 um", **COUNTING)
    assert again.Cs.value == found.Cs.value


def test_parts_that_are_no_data_are_left_out(pair, found):
    wave, series = pair
    cut = series.deepcopy()
    cut.data[:, :25] = np.nan
    again = wave.fit_optics(cut, Cs="5.5 um", **COUNTING)
    assert abs(again.C12.value - 18) < 3 * again.C12.error
    # Those of lenses depend on what the residuals have above the noise, too.
    assert (again.dose.error > found.dose.error).all()
