# SPDX-License-Identifier: GPL-3.0-or-later
"""The exit wave signal, and how HRTEM signals come to it."""

from __future__ import annotations

import warnings

import dask.array as da
import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pytest
import tiny_networks
from known_waves import EXTENT, SAMPLING, SHAPE, flake, lenses
from own_warnings import of_ours

from hyperspy_hrtemnn.analysis import compare_waves, image_intensity
from hyperspy_hrtemnn.analysis.waves.registration import shifted_wave
from hyperspy_hrtemnn.networks import load, standardize
from hyperspy_hrtemnn.signals import HRTEM, ExitWave, LazyExitWave, LazyHRTEM

QUIET = {"show_progressbar": False}
ENERGY = "Acquisition_instrument.TEM.beam_energy"
DEFOCUS = np.linspace(-40, 40, 9)  # nm
LENSES = {"Cs": "10 µm", "focal_spread": 1.0, "blur": "8 pm"}
FAST = {"method": "gerchberg-saxton", "align": False, "margin": 0, "iterations": 30}


def calibrate(signal, scale=0.01, units="nm"):
    for axis, name, offset in zip(
        signal.axes_manager.signal_axes, "xy", (3, -2), strict=True
    ):
        axis.name, axis.scale, axis.units, axis.offset = name, scale, units, offset
    signal.metadata.set_item(ENERGY, 50.0)
    return signal


@pytest.fixture
def wave():
    made = calibrate(hs.signals.ComplexSignal2D(flake()[0]))
    made.set_signal_type("exit_wave")
    made.metadata.General.title = "MoS2"
    return made


@pytest.fixture
def waves():
    """The flake, and nearly nothing."""
    psi = flake()[0]
    made = calibrate(hs.signals.ComplexSignal2D(np.stack([psi, 1 + (psi - 1) / 100])))
    time = made.axes_manager.navigation_axes[0]
    time.name, time.units, time.scale, time.offset = "time", "s", 0.5, 7
    made.set_signal_type("exit_wave")
    return made


@pytest.fixture(scope="module")
def images():
    psi = flake()[0]
    return np.stack(
        [image_intensity(psi, EXTENT, o, SHAPE) for o in lenses(10 * DEFOCUS)]
    )


@pytest.fixture
def series(images):
    made = calibrate(HRTEM(images))
    axis = made.axes_manager.navigation_axes[0]
    axis.name, axis.units = "defocus", "nm"
    axis.offset, axis.scale = DEFOCUS[0], DEFOCUS[1] - DEFOCUS[0]
    return made


def test_signal_type_and_parts(wave):
    assert type(wave) is ExitWave
    assert type(wave.as_lazy()) is LazyExitWave
    for part, expected in (
        (wave.amplitude, np.abs(wave.data)),
        (wave.phase, np.angle(wave.data)),
        (wave.imag, wave.data.imag),
        (wave.as_lazy().phase, np.angle(wave.data)),
    ):
        assert not isinstance(part, ExitWave)
        np.testing.assert_allclose(np.asarray(part.data), expected)
        for new, old in zip(
            part.axes_manager.signal_axes, wave.axes_manager.signal_axes, strict=True
        ):
            assert new.get_axis_dictionary() == old.get_axis_dictionary()
    assert wave.metadata.Signal.signal_type == "exit_wave"


@pytest.mark.parametrize("lazy", [False, True])
def test_propagation_forth_and_back(waves, lazy):
    source = waves.as_lazy() if lazy else waves
    there = source.propagate("2 nm", **QUIET)
    assert type(there) is (LazyExitWave if lazy else ExitWave)
    back = there.propagate(-2.0, lazy_output=False, **QUIET)
    assert np.abs(np.asarray(there.data) - waves.data).max() > 0.1
    np.testing.assert_allclose(back.data, waves.data, atol=1e-5)
    assert back.axes_manager.as_dictionary() == waves.axes_manager.as_dictionary()
    assert back.metadata.HRTEMNN.Propagation.distance == -2


@pytest.mark.parametrize("lazy", [False, True])
def test_images_of_the_wave_are_those_of_the_lenses(wave, images, lazy):
    source = wave.as_lazy() if lazy else wave
    made = source.simulate_images(DEFOCUS, **LENSES, **QUIET)
    assert type(made) is (LazyHRTEM if lazy else HRTEM)
    np.testing.assert_allclose(np.asarray(made.data), images, atol=1e-6)
    (axis,) = made.axes_manager.navigation_axes
    assert (axis.name, axis.units) == ("defocus", "nm")
    np.testing.assert_allclose(axis.axis, DEFOCUS)
    one = wave.simulate_images("-40 nm", **LENSES, **QUIET)
    assert one.axes_manager.navigation_dimension == 0
    np.testing.assert_allclose(one.data, images[0], atol=1e-6)
    uneven = wave.simulate_images([0, 1, 5.0], **QUIET)
    np.testing.assert_allclose(uneven.axes_manager[0].axis, [0, 1, 5])


def test_cameras_that_there_are_not(wave):
    for options, message in (
        ({"mtf": 0.4}, "mtf has to be c0 and c3"),
        ({"readout": -1.0}, "readout cannot be negative"),
        ({"dose": 0}, "dose has to be positive"),
    ):
        with pytest.raises(ValueError, match=message):
            wave.simulate_images(0, **options)


def test_images_of_a_camera(waves):
    vacuum = waves.inav[1].simulate_images(0, dose=1e4, readout=3, **QUIET)
    assert vacuum.data.mean() == pytest.approx(1e4 * 0.1**2 + 3, rel=0.01)
    assert vacuum.data.var() == pytest.approx(1e4 * 0.1**2 + 3, rel=0.1)
    measured = vacuum.estimate_dose(hs.roi.RectangularROI(3, -2, 4.19, -0.73), offset=3)
    assert measured["dose"].item() == pytest.approx(1e4, rel=0.01)
    blurred = waves.simulate_images([0, 1], dose=1e4, mtf=(0.2, 3), **QUIET)
    assert blurred.data.shape == (2, 2, *SHAPE)
    assert [a.name for a in blurred.axes_manager.navigation_axes] == ["defocus", "time"]
    assert blurred.inav[0, 1].data.var() < 0.3 * vacuum.data.var()
    again = waves.simulate_images([0, 1], dose=1e4, mtf=(0.2, 3), **QUIET)
    np.testing.assert_array_equal(again.data, blurred.data)
    other = waves.simulate_images([0, 1], dose=1e4, mtf=(0.2, 3), seed=1, **QUIET)
    assert np.any(other.data != blurred.data)


def test_columns_with_class_and_place(waves):
    _, places, classes = flake()
    table = waves.find_columns(classes=["1S", "2S", "1Mo"], **QUIET)
    assert list(table.columns) == [
        "frame",
        "time",
        "class",
        "x",
        "y",
        "real",
        "imaginary",
        "amplitude",
        "phase",
        "theta",
        "height",
        "height_error",
    ]
    lengths = {"x": "nm", "y": "nm", "height": "Å", "height_error": "Å"}
    assert table.attrs["units"] == {"time": "s"} | lengths
    assert set(table["frame"]) == {0}  # nothing is in the second
    xy = places / 10 + [3, -2]
    distance = np.hypot(*(table[["x", "y"]].to_numpy()[:, np.newaxis] - xy).T)
    assert distance.min(axis=0).max() < 1e-3
    assert table["class"].tolist() == classes[distance.argmin(axis=0)].tolist()
    heavy = table[table["class"] == "1Mo"]
    np.testing.assert_allclose(heavy["theta"], 0.7, atol=0.02)
    np.testing.assert_allclose(heavy["real"], np.cos(0.7), atol=0.02)
    # Columns of a phase object are in focus behind it, and all of a class together.
    assert table["height"].between(0, 4).all()
    assert (table.groupby("class")["height"].std().dropna() < 0.1).all()
    lazy = waves.as_lazy().find_columns(**QUIET)
    assert set(lazy["class"]) == {0}
    np.testing.assert_allclose(lazy["x"], table["x"])
    assert len(waves.inav[1].find_columns(**QUIET)) == 0
    names = waves.inav[0].find_columns(classes=np.int64(2), **QUIET)["class"]
    assert set(names) == {0, 1}
    for wrong in ("1Mo", 0, []):
        with pytest.raises(ValueError, match=r"their number.* or a list of"):
            waves.find_columns(classes=wrong, **QUIET)


def test_vacuum_has_no_columns_of_any_class(waves):
    vacuum = waves.inav[1]
    table = vacuum.find_columns(classes=["1S", "1Mo"], **QUIET)
    assert len(table) == 0
    assert list(table) == list(waves.inav[0].find_columns(**QUIET))
    ax = vacuum.plot_argand(classes=["1S", "1Mo"], **QUIET)
    assert ax.get_xlabel() == "real part"
    plt.close(ax.figure)


def test_the_argand_plot_shows_every_column(wave):
    ax = wave.plot_argand(classes=["1S", "2S", "1Mo"], **QUIET)
    _, _, classes = flake()
    shown = {
        line.get_label(): len(line.get_xdata())
        for line in ax.lines
        if not line.get_label().startswith("_")
    }
    for name in ("1S", "2S", "1Mo"):
        count = int(np.sum(classes == name))
        assert shown[f"{name} ({count})"] == count
    assert ax.get_xlabel() == "real part"
    plt.close(ax.figure)
    own = plt.figure().add_subplot()
    assert wave.plot_argand(wave.find_columns(**QUIET), own) is own
    plt.close(own.figure)


def test_waves_are_registered_before_they_are_compared(wave):
    moved = wave.deepcopy()
    moved.data = shifted_wave(wave.data, np.array([0.25, -0.5]))
    table = moved.compare(wave, **QUIET)
    assert list(table)[1:] == [
        *("rmse_registered", "rmse", "real", "imaginary", "shift_y", "shift_x")
    ]
    row = table.iloc[0]
    assert row["rmse_registered"] < 1e-4 < 0.1 * row["rmse"]
    assert row["shift_x"] == pytest.approx(0.5 * SAMPLING / 10, rel=1e-2)  # nm
    assert row["shift_y"] == pytest.approx(-0.25 * SAMPLING / 10, rel=1e-2)
    assert table.attrs["units"] == {"shift_x": "nm", "shift_y": "nm"}
    with pytest.warns(UserWarning, match=r"1 of 1 waves .* frame 0: .* of 0\.01 Å"):
        held = moved.compare(wave, largest_shift="1 pm", **QUIET).iloc[0]
    assert held["shift_x"] == pytest.approx(0.001)
    assert row["rmse_registered"] < held["rmse_registered"] < row["rmse"]
    with pytest.raises(ValueError, match="largest_shift cannot be negative"):
        moved.compare(wave, largest_shift=-1)
    with pytest.raises(ValueError, match="cannot be negative or infinite, as inf"):
        moved.compare(wave, largest_shift=float("inf"))


def test_comparison_of_each_frame(waves):
    other = waves.deepcopy()
    other.data = other.data + np.array([0.3, 0.4j])[:, np.newaxis, np.newaxis]
    table = waves.compare(other, **QUIET)
    np.testing.assert_allclose(table["real"], [0.3, 0], atol=1e-6)
    np.testing.assert_allclose(table["imaginary"], [0, 0.4], atol=1e-6)
    np.testing.assert_allclose(table["rmse"], np.array([0.3, 0.4]) / 2**0.5, atol=1e-6)
    assert table["time"].tolist() == [7, 7.5]
    lazy = waves.as_lazy().compare(other, cutoff="0.9 angstrom", **QUIET)
    np.testing.assert_allclose(lazy["rmse"], 0, atol=1e-6)
    with pytest.raises(ValueError, match="shapes"):
        waves.compare(other.inav[0])
    with pytest.raises(ValueError, match="cutoff"):
        waves.compare(other, cutoff=0)
    with pytest.raises(TypeError, match="other waves"):
        waves.compare(other.data)
    calibrate(other, scale=0.02)
    with pytest.raises(ValueError, match=r"pixels of 0\.1 and 0\.2 Å"):
        waves.compare(other)


def test_the_lattice_of_a_support_is_filtered(wave):
    x = np.arange(SHAPE[1])
    fringes = 0.1j * np.cos(2 * np.pi * x * 24 / SHAPE[1]) * np.ones(SHAPE)
    made = wave.deepcopy()
    made.data = (1 + fringes).astype(np.complex64)
    spots = [[24 / 1.2, 0]]
    clean = made.filter_lattice(spots=spots, width=0.2, **QUIET)
    np.testing.assert_allclose(clean.data, 1, atol=1e-5)
    lazy = made.as_lazy().filter_lattice(spots=spots, width=0.2)
    assert type(lazy) is LazyExitWave
    np.testing.assert_allclose(lazy.data.compute(), clean.data)
    # Vacuum stays vacuum, whichever way graphene is looked for.
    made.data[:] = 1
    np.testing.assert_allclose(made.filter_lattice(**QUIET).data, 1, atol=1e-6)
    with pytest.raises(ValueError, match="pairs"):
        made.filter_lattice(spots=[1, 2, 3])
    with pytest.raises(ValueError, match="a has to be positive"):
        made.filter_lattice("-2 angstrom")


def test_without_calibration_or_energy(wave):
    del wave.metadata.Acquisition_instrument
    with pytest.raises(ValueError, match=r"(?s)energy is not known.*set_item"):
        wave.propagate(1)
    there = wave.propagate(1, energy=50, **QUIET)
    back = there.propagate(-1, **QUIET)  # at the energy it came at
    np.testing.assert_allclose(back.data, wave.data, atol=1e-5)
    assert wave.simulate_images(0, energy=50, **QUIET).metadata.get_item(ENERGY) == 50
    with pytest.raises(ValueError, match=r"is 50000\.0; .* from 5 to 5000"):
        wave.propagate(1, energy=5e4)
    with pytest.raises(ValueError, match=r"is 0\.08; it has to be a number in keV"):
        wave.propagate(1, energy=0.08)  # MeV
    bare = hs.signals.ComplexSignal2D(wave.data)
    bare.set_signal_type("exit_wave")
    for method in (bare.propagate, bare.simulate_images):
        with pytest.raises(ValueError, match="not calibrated"):
            method(1, energy=50)


def test_classical_reconstruction(series, wave):
    assert len(series.axes_manager["defocus"].axis) == len(DEFOCUS)
    found = series.reconstruct_exitwave(**FAST, **LENSES, smoothing=0, **QUIET)
    assert type(found) is ExitWave
    assert found.axes_manager.as_dictionary() == wave.axes_manager.as_dictionary()
    assert compare_waves(found.data, wave.data)["rmse"] < 0.01
    assert found.compare(wave, **QUIET)["rmse"][0] < 0.01
    state = found.metadata.HRTEMNN.ExitWave
    assert state.method == "gerchberg-saxton"
    assert state.energy == 50
    (errors,) = state.errors
    assert len(errors) == 30
    assert found.metadata.get_item(ENERGY) == 50
    assert errors[-1] < 0.05 * errors[0]
    np.testing.assert_allclose(state.drift, np.zeros((1, 9, 2)))
    again = found.simulate_images(DEFOCUS, **LENSES, **QUIET)
    # The iterations have an envelope of the wave where images add up over focus.
    np.testing.assert_allclose(again.data, series.data, atol=1e-2)
    assert series.metadata.Signal.signal_type == "HRTEM"


def test_classical_reconstruction_of_each_series_lazily(series):
    two = np.stack([series.data, series.data[:, ::-1]])[:, ::4, 20:90, 30:90]
    made = calibrate(LazyHRTEM(da.from_array(two, chunks=(1, 2, 40, -1))))
    axis, time = made.axes_manager.navigation_axes
    axis.name, axis.units, axis.offset, axis.scale = "defocus", "nm", -40, 40
    time.name = "time"
    options = {**FAST, **LENSES, "iterations": 3}
    lazy = made.reconstruct_exitwave(**options)
    assert type(lazy) is LazyExitWave
    assert lazy.data.shape == (2, 70, 60)
    eager = made.reconstruct_exitwave(**options, lazy_output=False, **QUIET)
    errors = eager.metadata.HRTEMNN.ExitWave.errors
    ax = eager.plot_convergence()
    drawn = [line.get_ydata() for line in ax.get_lines()]
    np.testing.assert_array_equal(drawn, errors)
    assert np.shape(errors) == (2, 3)
    assert len(ax.get_legend().get_texts()) == 2
    with pytest.raises(ValueError, match="no errors of iterations"):
        lazy.plot_convergence()
    np.testing.assert_allclose(lazy.data.compute(), eager.data, atol=1e-5)
    np.testing.assert_allclose(
        eager.inav[1].data,
        made.inav[:, 1]
        .reconstruct_exitwave(**options, lazy_output=False, **QUIET)
        .data,
        atol=1e-5,
    )
    blank = made.deepcopy()
    blank.data = da.where(np.arange(2)[:, None, None, None] == 0, 3, made.data)
    said = r"1 of 2 frames .* 0 .constant"
    late = blank.reconstruct_exitwave(**options, **QUIET)
    with pytest.warns(UserWarning, match=said):
        late.compute(**QUIET)
    with pytest.warns(UserWarning, match=said):
        wave = blank.reconstruct_exitwave(**options, lazy_output=False, **QUIET)
    for each in (late, wave):
        assert np.isnan(each.data[0]).all()
        np.testing.assert_allclose(each.data[1], eager.data[1], atol=1e-5)
    skipped, known = wave.metadata.HRTEMNN.ExitWave.errors
    assert np.isnan(skipped).all()
    assert known == errors[1]
    with pytest.raises(ValueError, match="Frame 0: The image is constant"):
        blank.reconstruct_exitwave(
            **options, on_bad_frame="raise", lazy_output=False, **QUIET
        )
    second = np.arange(2)[:, np.newaxis, np.newaxis, np.newaxis] == 1
    made.data = da.where(second, np.nan, made.data)
    for keep in (True, False):
        with pytest.raises(ValueError, match=r"(Series|Frame) 1: .*no data"):
            made.reconstruct_exitwave(
                **options, on_bad_frame="raise", lazy_output=keep, **QUIET
            ).compute()


def test_network_reconstruction(tmp_path, series):
    path = tiny_networks.exit_wave(tmp_path / "wave.onnx", sampling=0.1)
    three = series.inav[3:6]
    three.axes_manager["defocus"].scale = 5
    three.axes_manager["defocus"].offset = 0
    three.metadata.set_item(ENERGY, 300)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = three.reconstruct_exitwave(path, **QUIET)
    assert type(found) is ExitWave
    assert found.data.dtype == np.complex64
    seen = standardize(three.data, 6)
    np.testing.assert_allclose(found.data.real, seen[0] - seen[2], atol=1e-5)
    np.testing.assert_allclose(found.data.imag, seen[1], atol=1e-5)
    assert found.metadata.get_item(ENERGY) == 300
    state = found.metadata.HRTEMNN.ExitWave
    assert (state.method, state.network) == ("network", "tiny")
    assert state.sha256 == load(path).sha256
    lazy = three.as_lazy().reconstruct_exitwave(path)
    assert type(lazy) is LazyExitWave
    np.testing.assert_array_equal(lazy.data.compute(), found.data)
    with pytest.warns(UserWarning, match="towards overfocus") as caught:
        three.inav[::-1].reconstruct_exitwave(path, **QUIET)
    assert of_ours(caught)[0].filename == __file__
    three.axes_manager["defocus"].scale = 8
    with pytest.warns(UserWarning, match="8 nm of defocus apart"):
        three.reconstruct_exitwave(path, **QUIET)


def test_the_energy_of_a_wave(tmp_path, series):
    path = tiny_networks.exit_wave(tmp_path / "wave.onnx", sampling=0.1)
    three = series.inav[3:6]
    axis = three.axes_manager["defocus"]
    axis.offset, axis.scale = 0, 5
    with pytest.warns(UserWarning, match="50 keV, trained was 300"):
        assert three.reconstruct_exitwave(path).metadata.get_item(ENERGY) == 50
    with pytest.warns(UserWarning, match="80 keV, trained was 300"):
        found = three.reconstruct_exitwave(path, energy=80, **QUIET)
    assert found.metadata.get_item(ENERGY) == 80
    del three.metadata.Acquisition_instrument
    assert three.reconstruct_exitwave(path).metadata.get_item(ENERGY) == 300
    ranges = tiny_networks.RANGES.model_copy(update={"energy": (80.0, 300.0)})
    several = tiny_networks.exit_wave(tmp_path / "s.onnx", sampling=0.1, ranges=ranges)
    assert three.reconstruct_exitwave(several).metadata.get_item(ENERGY) is None
    found = three.reconstruct_exitwave(several, energy=80, **QUIET)
    assert found.metadata.get_item(ENERGY) == 80
    known = series.reconstruct_exitwave(
        **{**FAST, "iterations": 1}, **LENSES, energy=80, **QUIET
    )
    assert known.metadata.get_item(ENERGY) == 80


def test_wrong_networks_and_methods(tmp_path, series, network_path):
    three = series.inav[:3].as_lazy()
    wrong = tiny_networks.exit_wave(tmp_path / "w.onnx", classes=("a", "b"))
    right = tiny_networks.exit_wave(tmp_path / "r.onnx")
    for options, message in (
        ({}, "needs a model"),
        ({"model": network_path}, "for segmentation, not for exit wave"),
        ({"model": wrong}, "gives a, b"),
        ({"method": "magic"}, "no method 'magic'"),
        ({"model": wrong, "method": "gerchberg-saxton"}, "no use of model"),
        ({"tile": 64, "method": "gerchberg-saxton"}, "no use of tile"),
        ({"model": right, "Cs": 1, "align": False}, "no use of Cs, align"),
    ):
        with pytest.raises(ValueError, match=message):
            three.reconstruct_exitwave(**options)
    with pytest.raises(ValueError, match="the axis 'defocus' has 2"):
        three.inav[:2].reconstruct_exitwave(right)


def test_wrong_series(series):
    lazy = series.as_lazy()
    lazy.axes_manager[0].units = "px"
    with pytest.raises(ValueError, match=r"(?s)defocus .* not known.*'nm'"):
        lazy.reconstruct_exitwave(method="gerchberg-saxton")
    with pytest.raises(ValueError, match="defocus"):
        series.inav[0].reconstruct_exitwave(method="gerchberg-saxton")
    for option, value, message in (
        ("Cs", "much", "'much' is not a length"),
        ("Cs", float("nan"), "Cs has to be finite"),
        ("focal_spread", "-1 nm", "focal_spread is a width"),
        ("iterations", 0, "iterations"),
        ("mtf", 0.4, "mtf has to be c0 and c3"),
        ("mtf", (0.4, 0), "mtf has to be c0 and c3"),
    ):
        with pytest.raises(ValueError, match=message):
            series.reconstruct_exitwave(
                method="gerchberg-saxton", **{option: value}, **QUIET
            )
    series.metadata.set_item(ENERGY, 0)
    with pytest.raises(ValueError, match="energy is not known"):
        series.reconstruct_exitwave(method="gerchberg-saxton")


def test_save_and_load(tmp_path, series):
    found = series.reconstruct_exitwave(**{**FAST, "iterations": 2}, **LENSES, **QUIET)
    found.save(tmp_path / "wave.hspy")
    again = hs.load(tmp_path / "wave.hspy")
    assert type(again) is ExitWave
    np.testing.assert_array_equal(again.data, found.data)
    assert again.axes_manager.as_dictionary() == found.axes_manager.as_dictionary()
    before = found.metadata.HRTEMNN.as_dictionary()
    assert again.metadata.HRTEMNN.as_dictionary() == before
    assert type(hs.load(tmp_path / "wave.hspy", lazy=True)) is LazyExitWave
    assert again.isig[4:20, 5:9].metadata.HRTEMNN.ExitWave.method == "gerchberg-saxton"
