# SPDX-License-Identifier: GPL-3.0-or-later
"""`HRTEM.refine_atoms` and `find_atoms`: what they read, and the model they return."""

from __future__ import annotations

from dataclasses import replace

import hyperspy.api as hs
import known_atoms
import numpy as np
import pandas as pd
import pytest
from ase import io
from known_atoms import ENERGY, SAMPLING, SHAPE
from matplotlib.collections import EllipseCollection, PolyCollection

from hyperspy_hrtemnn.analysis import FittedOptics, Measured, RefinedAtoms
from hyperspy_hrtemnn.signals import HRTEM, AtomModel, ExitWave
from hyperspy_hrtemnn.signals._atoms import refine_atoms as topic

MTF = (0.45, 2.5)
CAMERA = {"mtf": MTF, "Cs": "5 um"}
DEFOCUS = ("-2 nm", "3 nm", "8 nm")
OFFSET = {"x": 3.0, "y": -2.0}  # of the axes [nm]


def calibrated(wave):
    signal = hs.signals.ComplexSignal2D(wave)
    signal.set_signal_type("exit_wave")
    for name, axis in zip("xy", signal.axes_manager.signal_axes, strict=True):
        axis.name, axis.scale, axis.units = name, SAMPLING / 10, "nm"
        axis.offset = OFFSET[name]
    return signal


def in_nm(table):
    """Return a table in Å from the first pixel as `find_columns` has it."""
    found = table.assign(frame=0)
    for name, offset in OFFSET.items():
        found[name] = found[name] / 10 + offset
    found.attrs = {"units": {"x": "nm", "y": "nm"}}
    return found


def smoothed(wave):
    """Return a wave as the label of networks is."""
    ky, kx = (np.fft.fftfreq(n, SAMPLING) for n in SHAPE)
    gaussian = np.exp(-2 * (np.pi * 0.15) ** 2 * (ky[:, np.newaxis] ** 2 + kx**2))
    return np.fft.ifft2(np.fft.fft2(wave) * gaussian)


@pytest.fixture(scope="module")
def flake():
    return known_atoms.flake()


@pytest.fixture(scope="module")
def wave(flake):
    return calibrated(known_atoms.wave_of(flake))


@pytest.fixture(scope="module")
def series(wave):
    lenses = {"Cs": "4 um", "focal_spread": "1 nm", "blur": "10 pm"}
    return wave.simulate_images(DEFOCUS, energy=ENERGY, dose=2e4, mtf=MTF, **lenses)


@pytest.fixture(scope="module")
def guess(flake):
    return in_nm(known_atoms.guess_of(flake))


@pytest.fixture(scope="module")
def model(series, guess):
    return series.refine_atoms(guess, **CAMERA)


def nearest(model, flake):
    """Return the row of the model at each column of the truth, and their distances."""
    found = model.columns[["x", "y"]].to_numpy()
    true = in_nm(flake)[["x", "y"]].to_numpy()
    distances = np.linalg.norm(found - true[:, np.newaxis], axis=2)
    rows = distances.argmin(axis=1)
    return model.columns.iloc[rows], distances.min(axis=1)


def test_columns_are_where_they_are_in_the_unit_and_offset_of_the_axes(model, flake):
    rows, distances = nearest(model, flake)
    assert rows["class"].tolist() == flake["class"].tolist()
    assert len(model.columns) == len(flake)
    assert np.median(distances) < 0.001  # nm
    assert model.columns.attrs["units"] == dict.fromkeys(
        ("x", "y", "z", "sigma_x", "sigma_y"), "nm"
    )
    assert 1e-4 < model.columns["sigma_x"].median() < 1e-3
    heights = rows["z"].to_numpy() - rows["z"].median()
    upper = (rows["class"] == "1S upper").to_numpy()
    assert heights[upper] == pytest.approx(0.1585, abs=0.01)


def test_the_probability_of_each_class_is_in_the_table(model):
    names = ["1Mo", "2S", "1S upper", "1S lower", "empty", "other"]
    probabilities = model.columns[[f"probability_{name}" for name in names]]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert probabilities.max(axis=1).min() > 0.95


def test_only_the_site_inside_the_flake_is_a_vacancy(model, flake):
    whole = known_atoms.flake(holes=False)
    lost = pd.concat([whole, flake]).drop_duplicates(["x", "y"], keep=False)
    sites = model.empty_sites[model.empty_sites["enclosed"]]
    np.testing.assert_allclose(sites[["x", "y"]], in_nm(lost)[["x", "y"]], atol=0.005)
    assert len(model.empty_sites) > 1  # those of the edge
    assert sites["probability_empty"].item() > 0.99


def test_the_lenses_are_those_of_the_images(model):
    assert isinstance(model.optics, FittedOptics)
    np.testing.assert_allclose(model.optics.defocus.value, [-20, 30, 80], atol=0.5)
    assert model.optics.Cs.value == pytest.approx(4e4, abs=300)
    assert model.chi2 == pytest.approx(1, abs=0.05)
    assert np.hypot(*model.tilt.value) < 0.02


def test_the_exit_wave_has_the_axes_of_the_images_and_makes_them(model, series, wave):
    found = model.exit_wave()
    assert isinstance(found, ExitWave)
    assert found.axes_manager.signal_axes[0].offset == OFFSET["x"]
    assert found.axes_manager.signal_shape == SHAPE[::-1]
    assert found.metadata.HRTEMNN.ExitWave.method == "atoms"
    assert found.metadata.Acquisition_instrument.TEM.beam_energy == ENERGY
    difference = np.abs(found.data - smoothed(wave.data))[20:-20, 20:-20]
    assert np.sqrt(np.mean(difference**2)) < 0.006


def test_residuals_have_the_axes_of_the_series_and_are_noise(model, series, flake):
    left = model.residuals()
    assert isinstance(left, HRTEM)
    assert left.data.shape == series.data.shape
    assert left.axes_manager[0].name == "defocus"
    assert left.axes_manager[0].axis.tolist() == series.axes_manager[0].axis.tolist()
    places = np.rint(flake[["y", "x"]].to_numpy() / SAMPLING).astype(int)
    at_columns = left.data[:, places[:, 0], places[:, 1]]
    noise = left.data[:, 40:-40, 40:-40].std()
    assert abs(at_columns.mean()) < 4 * noise / np.sqrt(at_columns.size)
    assert noise == pytest.approx(1, abs=0.05)
    assert at_columns.std() < 1.3 * noise


def test_atoms_are_in_the_cell_of_the_field_of_view(model, flake):
    atoms = model.atoms()
    sulfur = 2 * (flake["class"] == "2S").sum() + 2
    assert atoms.symbols.count("S") == sulfur
    assert atoms.symbols.count("Mo") == (flake["class"] == "1Mo").sum()
    height, width = (n * SAMPLING for n in SHAPE)
    assert atoms.cell.lengths()[:2] == pytest.approx([width, height])
    assert not atoms.pbc.any()
    assert atoms.positions[:, 2].min() == pytest.approx(2)
    assert atoms.cell[2, 2] - atoms.positions[:, 2].max() == pytest.approx(2)
    metal = atoms[atoms.symbols == "Mo"].positions[:, :2]
    true = flake.loc[flake["class"] == "1Mo", ["x", "y"]].to_numpy()
    gap = np.linalg.norm(metal - true[:, np.newaxis], axis=2).min(axis=1)
    assert gap.max() < 0.03  # Å


def test_a_model_is_read_at_a_glance(model):
    text = repr(model)
    assert text.startswith("AtomModel of 36 columns: 19 1Mo, 1 1S lower, 1 1S upper,")
    assert "1 empty site between them" in text
    assert "defocus    -" in text
    assert "Cs         " in text
    assert "uncertain" not in text
    assert len(text.splitlines()) == 6


def test_uncertain_classes_are_told_of_and_drawn_thick(model):
    columns = model.columns.copy()
    columns.loc[[2, 5], "probability_1Mo"] = 0.6
    refined = RefinedAtoms(**{**vars(model.refined), "columns": columns})
    doubtful = AtomModel(columns, model.empty_sites, refined, model.series, {})
    assert "2 of the classes, less probable than 95%" in repr(doubtful)
    drawn = doubtful.plot().collections
    thick = [len(c.get_offsets()) for c in drawn if c.get_linewidths()[0] > 3]
    assert thick == [2]


def test_columns_are_drawn_where_they_are_on_any_image_of_them(model):
    ax = model.plot()
    circles = [c for c in ax.collections if isinstance(c, EllipseCollection)]
    places = np.concatenate([each.get_offsets() for each in circles])
    assert len(places) == len(model.columns) - 2 + 1  # one is empty
    upper = model.columns.loc[model.columns["class"] == "1S upper", ["x", "y"]]
    tips = [
        path.vertices[:3]
        for each in ax.collections
        if isinstance(each, PolyCollection)
        for path in each.get_paths()
    ]
    assert len(tips) == 2
    (triangle,) = (
        tip for tip in tips if np.allclose(tip.mean(axis=0), upper, atol=1e-6)
    )
    # In an image y runs downwards, so that its tip has the lowest y.
    assert np.sort(triangle[:, 1])[0] < upper["y"].item() - 0.05
    assert ax.artists[0].txt_label.get_text().endswith(" nm")
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["19 1Mo", "1 1S lower", "1 1S upper", "15 2S", "1 empty"]
    phase = model.exit_wave().phase
    for axis in phase.axes_manager.signal_axes:
        axis.convert_to_units("Å")
    in_angstrom = model.plot(phase).collections[0].get_offsets()
    np.testing.assert_allclose(in_angstrom, 10 * ax.collections[0].get_offsets())


def test_residuals_are_drawn_one_image_each(model):
    figure = model.plot_residuals()
    titles = [ax.get_title() for ax in figure.axes[:3]]
    assert titles == ["defocus -2 nm", "defocus 3 nm", "defocus 8 nm"]
    with pytest.raises(ValueError, match="3 images and 2 axes"):
        model.plot_residuals(figure.axes[:2])


def test_a_model_is_saved_whole_and_read_again(model, tmp_path):
    folder = tmp_path / "new" / "atoms"
    model.save(folder)
    columns = pd.read_csv(folder / "columns.csv")
    assert "sigma_x (nm)" in columns
    np.testing.assert_allclose(columns["x (nm)"], model.columns["x"])
    wave = hs.load(folder / "wave.hspy")
    assert isinstance(wave, ExitWave)
    np.testing.assert_array_equal(wave.data, model.refined.wave)
    assert hs.load(folder / "residuals.hspy").axes_manager[0].name == "defocus"
    atoms = io.read(folder / "atoms.xyz")
    np.testing.assert_allclose(atoms.positions, model.atoms().positions, atol=1e-6)
    lenses = pd.read_csv(folder / "lenses.csv").set_index("parameter")
    assert lenses.loc["Cs", "unit"] == "angstrom"
    assert (folder / "atoms.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        model.save(folder)
    model.save(folder, overwrite=True)


# What the core is given, without its work.


@pytest.fixture
def given(monkeypatch, model):
    """Return what the core is given; it returns the model of before."""
    calls = {}

    def refine(images, detector, energy, defocus, columns, **options):
        calls.update(images=images, detector=detector, energy=energy, defocus=defocus)
        calls.update(columns=columns, **options)
        return model.refined

    monkeypatch.setattr(topic, "refine_columns", refine)
    return calls


def test_the_core_gets_electrons_and_angstroms(given, series, guess, flake):
    series.refine_atoms(
        guess,
        dopants=["W"],
        vibration="0.5 pm^2",
        smoothing="20 pm",
        any_contrast=True,
        **CAMERA,
    )
    assert given["any_contrast"]
    assert given["images"].shape == series.data.shape
    assert given["images"].mean() == pytest.approx(2e4 * SAMPLING**2, rel=0.02)
    assert given["defocus"] == pytest.approx([-20, 30, 80])
    assert given["energy"] == ENERGY
    assert given["Cs"] == pytest.approx(5e4)
    assert given["smoothing"] == pytest.approx(0.2)
    assert given["vibration"] == pytest.approx(5e-5)
    assert given["dopants"] == ["W"]
    assert given["detector"].mtf_c0 == MTF[0]
    true = known_atoms.guess_of(flake)
    np.testing.assert_allclose(given["columns"][["x", "y"]], true[["x", "y"]])


def test_of_any_contrast_each_image_has_the_dose_whatever_its_zero(
    given, series, guess
):
    stretched = series.deepcopy()
    stretched.data = stretched.data - stretched.data.mean((1, 2), keepdims=True)
    stretched.data /= stretched.data.std((1, 2), keepdims=True)
    options = CAMERA | {"dose": 2e4, "any_contrast": True}
    stretched.refine_atoms(guess, **options)
    electrons = given["images"]
    assert electrons.mean((1, 2)) == pytest.approx(2e4 * SAMPLING**2, rel=1e-4)
    assert electrons.std((1, 2)) == pytest.approx(np.sqrt(2e4) * SAMPLING, rel=1e-3)
    with pytest.raises(ValueError, match=r"the dose and any_contrast=True\."):
        stretched.refine_atoms(guess, **(options | {"any_contrast": False}))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"optics": 1}, "optics is of the type int"),
        ({"dopants": None}, "dopants is None; give a list"),
        ({"vibration": -0.01}, "vibration is -1 Å²; it cannot be negative"),
        ({"smoothing": "-1 angstrom"}, "smoothing is -1 Å; it cannot be negative"),
        ({"energy": 0.08}, r"is 0\.08; it has to be a number in keV, from 5 to 5000"),
    ],
)
def test_wrong_options_are_refused_before_any_work(given, series, guess, wrong, told):
    with pytest.raises(ValueError, match=told):
        series.refine_atoms(guess, **(CAMERA | wrong))
    assert not given


def test_an_axis_defocus_with_a_capital_is_told_of(series, guess):
    other = series.deepcopy()
    other.axes_manager[0].name = "Defocus"
    with pytest.raises(ValueError, match="name of the axis is 'Defocus'; write it in"):
        other.refine_atoms(guess, **CAMERA)


def test_a_support_is_asked_for_and_told_in_the_unit_of_the_axes(
    monkeypatch, series, guess, model, tmp_path
):
    asked = {}
    below = model.refined.columns.assign(**{"class": "C", "z": -65.0})
    free = model.refined.empty_sites

    def refine(*_, **options):
        asked.update(options)
        return replace(
            model.refined,
            support=below,
            empty_support_sites=free,
            distance=Measured(6.5, 0.04),
        )

    monkeypatch.setattr(topic, "refine_columns", refine)
    found = series.refine_atoms(guess, support="graphene", **CAMERA)
    assert asked["support"] == "graphene"
    assert set(found.support["class"]) == {"C"}
    np.testing.assert_allclose(found.support["z"], -6.5)
    assert f"{len(below)} C, 6.500 ± 0.040 Å below the middle" in repr(found)
    assert "support" not in repr(model)
    np.testing.assert_allclose(found.support["x"], model.columns["x"])
    pd.testing.assert_frame_equal(found.empty_support_sites, model.empty_sites)
    assert model.support is None
    assert model.empty_support_sites is None
    found.save(tmp_path)
    for name, table in (
        ("support", found.support),
        ("empty_support_sites", found.empty_support_sites),
    ):
        assert len(pd.read_csv(tmp_path / f"{name}.csv")) == len(table)
    model.save(tmp_path, overwrite=True)
    assert not list(tmp_path.glob("*support*"))
    with pytest.raises(ValueError, match="support is 'hBN'; it is 'graphene' or None"):
        series.refine_atoms(guess, support="hBN", **CAMERA)


def test_a_table_in_another_unit_is_converted(given, series, guess):
    series.refine_atoms(guess, **CAMERA)
    expected = given["columns"]
    other = guess.copy()
    other[["x", "y"]] *= 10
    other.attrs = {"units": {"x": "angstrom", "y": "Å"}}
    series.refine_atoms(other, **CAMERA)
    np.testing.assert_allclose(given["columns"][["x", "y"]], expected[["x", "y"]])
    plain = guess.copy()
    plain.attrs = {}
    series.refine_atoms(plain, **CAMERA)
    np.testing.assert_allclose(given["columns"][["x", "y"]], expected[["x", "y"]])


def test_a_table_that_was_written_can_be_refined_again(given, series, model, tmp_path):
    model.save(tmp_path)
    read = pd.read_csv(tmp_path / "columns.csv")
    series.refine_atoms(read, **CAMERA)
    for name in ("class", "x", "y"):
        found, before = given["columns"][name], model.refined.columns[name]
        assert found.tolist() == pytest.approx(before.tolist(), abs=1e-6)
    other = read.drop(columns="y (nm)").assign(**{"y (angstrom)": 10 * read["y (nm)"]})
    series.refine_atoms(other, **CAMERA)
    np.testing.assert_allclose(given["columns"]["y"], model.refined.columns["y"])


def test_tables_that_are_not_of_these_images_are_refused(given, series, guess):
    with pytest.raises(ValueError, match="columns of 2 frames, 0 to 4"):
        series.refine_atoms(guess.assign(frame=[0] * 30 + [4] * 6), **CAMERA)
    with pytest.raises(ValueError, match="36 of 36 columns are outside of the images"):
        series.refine_atoms(guess.assign(x=guess["x"] * 10), **CAMERA)
    with pytest.raises(ValueError, match=r"1 of 36 columns are outside.* y is from"):
        series.refine_atoms(guess.assign(y=[*guess["y"][:-1], 0.7]), **CAMERA)
    with pytest.raises(ValueError, match="The table has no columns"):
        series.refine_atoms(guess.iloc[:0], **CAMERA)
    with pytest.raises(ValueError, match="no column class"):
        series.refine_atoms(guess[["x", "y"]], **CAMERA)
    other = guess.copy()
    other.attrs = {"units": {"x": "s"}}
    with pytest.raises(ValueError, match="column x of the table is in 's'"):
        series.refine_atoms(other, **CAMERA)
    assert not given


def test_the_frame_of_a_movie_keeps_its_number(given, series, guess):
    of_movie = series.refine_atoms(guess.assign(frame=7), **CAMERA)
    assert set(of_movie.columns["frame"]) == {7}
    assert set(of_movie.empty_sites["frame"]) == {7}


def test_a_single_image_needs_a_guess_of_its_defocus(given, series, guess):
    image = series.inav[1]
    with pytest.raises(ValueError, match="defocus of the image is not known"):
        image.refine_atoms(guess, **CAMERA)
    image.refine_atoms(guess, defocus="3 nm", **CAMERA)
    assert given["defocus"] == pytest.approx([30])
    assert given["images"].shape == (1, *SHAPE)
    with pytest.raises(ValueError, match="defocus is '3 nm', which is for a single"):
        series.refine_atoms(guess, defocus="3 nm", **CAMERA)


def test_more_than_one_series_is_refused(given, series, guess):
    movie = hs.stack([series, series])
    with pytest.raises(
        ValueError, match=r"shape \(3, 2\); atoms .*Choose it with inav"
    ):
        movie.refine_atoms(guess, **CAMERA)
    nameless = series.deepcopy()
    nameless.axes_manager.navigation_axes[0].name = "time"
    with pytest.raises(ValueError, match="named 'defocus'"):
        nameless.refine_atoms(guess, **CAMERA)
    with pytest.raises(ValueError, match=r"camera is not known.*series\.fit_mtf\(\)"):
        series.refine_atoms(guess)
    assert not given


def test_known_lenses_begin_the_refinement(given, series, guess, model):
    series.refine_atoms(guess, optics=model.optics, **CAMERA)
    assert given["optics"] is model.optics
    assert given["defocus"] == model.optics.defocus.value.tolist()
    with pytest.raises(ValueError, match="optics are of 3 images, and there are 1"):
        series.inav[0].refine_atoms(guess, optics=model.optics, **CAMERA)
    with pytest.raises(ValueError, match="optics are of 50 keV, the images of 80 keV"):
        series.refine_atoms(guess, optics=model.optics, energy=80, **CAMERA)
    other = series.deepcopy()
    del other.metadata.Acquisition_instrument
    other.refine_atoms(guess, optics=model.optics, **CAMERA)
    assert given["energy"] == ENERGY


def test_a_network_finds_the_columns_to_begin_with(given, series, flake):
    found = series.find_atoms("mos2-columns", dopants=["Se"], **CAMERA)
    columns = given["columns"]
    assert len(columns) == len(flake)
    assert set(columns["class"]) == {"1Mo", "2S", "1S"}
    gap = columns[["x", "y"]].to_numpy()[:, np.newaxis] - flake[["x", "y"]].to_numpy()
    assert np.linalg.norm(gap, axis=2).min(axis=0).max() < 0.2
    assert given["dopants"] == ["Se"]
    made = found.exit_wave().metadata.HRTEMNN.ExitWave
    assert made.network == "mos2-columns"
    assert made.dopants == ["Se"]


def test_what_is_missing_is_told_before_the_network_runs(series, monkeypatch):
    monkeypatch.setattr(topic, "segment", None)
    with pytest.raises(ValueError, match="camera is not known"):
        series.find_atoms("mos2-columns")
    with pytest.raises(ValueError, match="is for exit wave, not for segmentation"):
        series.find_atoms("mos2-exitwave", **CAMERA)
    with pytest.raises(ValueError, match=r"dopants is the text 'W'.*\['W'\]"):
        series.find_atoms("mos2-columns", dopants="W", **CAMERA)


@pytest.fixture
def found_columns(monkeypatch):
    """Return a function that lets any network find the columns of a table."""

    def set_columns(table):
        monkeypatch.setattr(topic, "segment", lambda *_, **__: None)
        monkeypatch.setattr(topic, "column_table", lambda *_, **__: table)

    return set_columns


def test_a_network_that_finds_nothing_is_told_of(series, guess, found_columns):
    found_columns(guess.iloc[:0])
    with pytest.raises(ValueError, match="'graphene-atoms' finds no columns"):
        series.find_atoms("graphene-atoms", **CAMERA)


def test_of_a_network_for_single_images_the_most_certain_one_counts(
    given, series, guess, found_columns
):
    frames = [
        guess.assign(frame=number, confidence=confidence).iloc[:size]
        for number, confidence, size in ((0, 0.9, 12), (1, 0.7, 30), (2, 0.4, 36))
    ]
    table = pd.concat(frames, ignore_index=True)
    table.attrs = guess.attrs
    found_columns(table)
    model = series.find_atoms("graphene-atoms", **CAMERA)
    assert len(given["columns"]) == 30
    assert set(model.columns["frame"]) == {0}


def test_lazy_series_and_those_stored_with_x_slow_are_the_same(given, series, guess):
    series.refine_atoms(guess, **CAMERA)
    expected = given["images"]
    lazily = series.as_lazy().refine_atoms(guess, **CAMERA)
    np.testing.assert_array_equal(given["images"], expected)
    assert not lazily.residuals()._lazy
    turned = hs.signals.Signal2D(series.data.transpose(0, 2, 1))
    turned.set_signal_type("HRTEM")
    for axis, old in zip(turned.axes_manager._axes, (0, 2, 1), strict=True):
        source = series.axes_manager._axes[old]
        axis.name, axis.units = source.name, source.units
        axis.scale, axis.offset = source.scale, source.offset
    turned.metadata.Signal = series.metadata.Signal
    model = turned.refine_atoms(guess, energy=ENERGY, counts_per_electron=1, **CAMERA)
    np.testing.assert_allclose(given["images"], expected)
    assert model.exit_wave().axes_manager.signal_axes[0].name == "x"


def test_a_multislice_simulation_of_the_atoms_gives_the_wave(model):
    abtem = pytest.importorskip("abtem")
    atoms = model.atoms()
    potential = abtem.Potential(
        atoms,
        gpts=SHAPE[::-1],
        slice_thickness=0.25,
        parametrization=abtem.parametrizations.KirklandParametrization(
            sigmas=dict.fromkeys(("Mo", "S"), known_atoms.VIBRATION**0.5)
        ),
        projection="infinite",
    )
    beam = abtem.PlaneWave(energy=1e3 * ENERGY)
    simulated = smoothed(beam.multislice(potential, lazy=False).array.T)
    difference = np.abs(model.exit_wave().data - simulated)[20:-20, 20:-20]
    assert np.sqrt(np.mean(difference**2)) < 0.006
