# SPDX-License-Identifier: GPL-3.0-or-later
"""Refinement of the atoms of a sheet, against flakes whose atoms are known."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import sheets
from scipy.spatial import cKDTree

from hyperspy_hrtemnn.analysis import refine_atoms
from hyperspy_hrtemnn.analysis.refinement.atoms import refine as refinement
from hyperspy_hrtemnn.analysis.refinement.atoms.explanation import NotSeenError

DOSE = 1e4
GUESS = {"energy": sheets.ENERGY, "defocus": [30, 80, 130], "Cs": -7e4}
FLAKE = sheets.mos2(tilt=(0.08, -0.05), upper=(3, 12), lower=(8,), missing=(10,))


def refined(flake, images, dose=DOSE, columns=None, **options):
    columns = sheets.guessed(flake) if columns is None else columns
    options = GUESS | {"detector": sheets.detector(dose)} | options
    return refine_atoms(images, columns=columns, **options)


def matched(table, flake):
    """Return the true column of each, and how far it is (x, y) [Å]."""
    names = ["x", "y"]
    distance, which = cKDTree(flake.columns[names]).query(table[names])
    assert distance.max() < 0.5
    assert len(set(which)) == len(which)
    off = table[names].to_numpy() - flake.columns[names].to_numpy()[which]
    return which, off


@pytest.fixture(scope="module")
def wave():
    return sheets.exit_wave(FLAKE)


@pytest.fixture(scope="module")
def series(wave):
    return sheets.images(wave, DOSE)


@pytest.fixture(scope="module")
def model(series):
    wrong = sheets.guessed(FLAKE, flipped=3, lost=2)
    return refined(FLAKE, series, columns=wrong)


def test_wrong_classes_and_lost_columns_are_found(model):
    assert len(model.columns) == len(FLAKE.columns)
    which, _ = matched(model.columns, FLAKE)
    assert list(model.columns["class"]) == list(FLAKE.columns["class"].iloc[which])


def test_positions_are_as_right_as_their_errors_say(model):
    _, off = matched(model.columns, FLAKE)
    errors = model.columns[["sigma_x", "sigma_y"]].to_numpy()
    assert 0.005 < errors.mean() < 0.015
    assert np.sqrt(np.mean((off / errors) ** 2)) == pytest.approx(1, abs=0.25)


def test_tilt_and_heights_of_the_sheet_come_out(model):
    np.testing.assert_allclose(model.tilt.value, [0.08, -0.05], atol=0.008)
    which, _ = matched(model.columns, FLAKE)
    heights = FLAKE.columns["z"].to_numpy()[which]
    # Where the beam meets the sheet is a matter of the defocus.
    difference = model.columns["z"] - heights
    assert difference.std() < 0.05


def test_the_lenses_come_out_within_their_errors(model):
    optics = model.optics
    for number, true in enumerate(sheets.OPTICS):
        off = optics.defocus.value[number] - true.defocus
        assert abs(off) < 3 * optics.defocus.error[number]
    # Heights of atoms, of which a defocus is the distance, are not known better.
    assert 0.4 < np.min(optics.defocus.error) < 0.6
    assert optics.Cs.value == pytest.approx(-8e4, abs=4 * optics.Cs.error)
    assert optics.focal_spread.value == pytest.approx(
        10, abs=4 * optics.focal_spread.error
    )


def test_the_wave_is_that_of_multislice(model, wave):
    difference = model.wave - sheets.smoothed(wave)
    assert np.sqrt(np.mean(np.abs(difference) ** 2) / 2) < 0.002


def test_a_site_without_column_is_a_row_of_empty_sites(model):
    true = sheets.mos2(tilt=(0.08, -0.05), upper=(3, 12), lower=(8,)).columns
    place = true[["x", "y"]].iloc[10]
    table = model.empty_sites
    nearest = np.hypot(*(table[["x", "y"]] - place).T.to_numpy()).argmin()
    row = table.iloc[nearest]
    assert np.hypot(*(row[["x", "y"]] - place)) < 0.2
    assert row["probability_empty"] > 0.99


def test_probabilities_of_a_site_are_one_in_all(model):
    for table in (model.columns, model.empty_sites):
        shares = table.filter(like="probability_")
        np.testing.assert_allclose(shares.sum(axis=1), 1)
    of_class = [
        row[f"probability_{row['class']}"] for _, row in model.columns.iterrows()
    ]
    assert min(of_class) > 0.9
    assert model.columns["probability_other"].max() < 0.01


def test_occupancies_of_right_columns_are_one(model):
    off = (model.columns["occupancy"] - 1) / model.columns["sigma_occupancy"]
    assert np.sqrt(np.mean(off**2)) == pytest.approx(1, abs=0.35)
    assert model.columns["occupancy"].between(0.85, 1.15).all()
    assert model.columns["occupancy"].mean() == pytest.approx(1, abs=0.02)


def test_atoms_are_those_of_the_flake(model):
    assert sorted(model.symbols) == sorted(FLAKE.symbols)
    distance, _ = cKDTree(FLAKE.positions).query(
        model.positions
        + (FLAKE.positions.mean(axis=0) - model.positions.mean(axis=0)) * [0, 0, 1]
    )
    assert distance.max() < 0.15


def test_residuals_are_noise_of_one(model):
    inside = model.residuals[:, 20:-20, 20:-20]
    assert inside.std() == pytest.approx(1, abs=0.1)
    assert model.optics.chi2 < 1.1


def test_a_flake_beyond_the_edge_is_refined_in_the_images(series):
    cut = series[:, 20:, :].copy()
    below = sheets.guessed(FLAKE)
    below = below.assign(y=below["y"] - 20 * sheets.PIXEL)
    below = below[below["y"] > 0].reset_index(drop=True)
    model = refined(FLAKE, cut, columns=below)
    names, edge = ["x", "y"], 20 * sheets.PIXEL
    found = model.columns.assign(y=model.columns["y"] + edge)
    which, off = matched(found, FLAKE)
    assert (FLAKE.columns["y"] > edge).sum() == len(found)
    assert list(found["class"]) == list(FLAKE.columns["class"].iloc[which])
    errors = model.columns[["sigma_x", "sigma_y"]].to_numpy()
    inner = (found[names[1]] > edge + 2).to_numpy()
    assert np.sqrt(np.mean((off / errors)[inner] ** 2)) < 1.4


def test_graphene_is_refined_from_one_image():
    flake = sheets.graphene(missing=(12,))
    wave = sheets.exit_wave(flake)
    images = sheets.images(wave, 1e5, optics=sheets.OPTICS[:1])
    columns = sheets.guessed(flake, lost=2)
    model = refined(flake, images, dose=1e5, columns=columns, defocus=[30])
    assert len(model.columns) == len(flake.columns)
    _, off = matched(model.columns, flake)
    assert np.sqrt(np.mean(off**2)) < 0.02
    assert model.optics.defocus.value[0] == pytest.approx(20, abs=2)


def test_a_pixel_size_that_is_wrong_is_told():
    flake = sheets.graphene(radius=6)
    images = sheets.images(sheets.exit_wave(flake), 1e5, optics=sheets.OPTICS[:1])
    columns = sheets.guessed(flake)
    columns[["x", "y"]] *= 1.03
    larger = replace(sheets.detector(1e5), sampling=1.03 * sheets.PIXEL)
    with pytest.warns(UserWarning, match=r"\+3\.\d% off"):
        refined(flake, images, columns=columns, defocus=[30], detector=larger)


def test_images_of_other_things_are_refused(series):
    flat = series.reshape(len(series), -1)
    mixed = np.random.default_rng(0).permuted(flat, axis=1).reshape(series.shape)
    with pytest.raises(ValueError, match=r"nothing above|do not show|do not explain"):
        refined(FLAKE, mixed)


def test_what_is_not_of_the_atoms_is_told(series):
    y, x = np.mgrid[: series.shape[1], : series.shape[2]]
    dirt = 1 - 0.1 * np.exp(-((y - 40) ** 2 + (x - 110) ** 2) / (2 * 8**2))
    with pytest.warns(UserWarning, match="is not that of the atoms"):
        model = refined(FLAKE, (series * dirt).astype(np.float32))
    noise = np.abs(model.residuals.sum(axis=0))
    assert noise[35:45, 105:115].mean() > 1.5 * noise[100:, 20:60].mean()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"defocus": [0, 50]}, r"a defocus for each"),
        ({"columns": pd.DataFrame({"x": [1.0], "y": [1.0]})}, "lacks class"),
        ({"valid": np.ones((5, 6), bool)}, r"valid has the shape \(5, 6\)"),
        ({"dopants": ["Xy"]}, "'Xy' is not the symbol"),
    ],
)
def test_what_does_not_belong_together_is_refused(series, change, message):
    with pytest.raises(ValueError, match=message):
        refined(FLAKE, series, **change)


def test_columns_that_are_on_no_lattice_are_refused(series):
    rng = np.random.default_rng(3)
    places = rng.uniform(4, 23, (40, 2))
    names = np.where(np.arange(40) % 2, "1Mo", "2S")
    columns = pd.DataFrame({"class": names, "x": places[:, 0], "y": places[:, 1]})
    with pytest.raises(ValueError, match="sites of a honeycomb"):
        refined(FLAKE, series, columns=columns)


def test_a_class_of_no_known_sheet_is_refused(series):
    columns = sheets.guessed(FLAKE).assign(**{"class": "Au"})
    with pytest.raises(ValueError, match="are of the classes Au; known are"):
        refined(FLAKE, series, columns=columns)


def test_refined_columns_can_be_refined_again(series, model):
    again = refined(FLAKE, series, columns=model.columns, optics=model.optics)
    assert list(again.columns["class"]) == list(model.columns["class"])
    moved = again.columns[["x", "y"]] - model.columns[["x", "y"]]
    assert np.abs(moved.to_numpy()).max() < 0.01


def test_classes_that_are_numbers_are_refused(series):
    columns = sheets.guessed(FLAKE).assign(**{"class": 1})
    with pytest.raises(ValueError, match="are of the classes 1; known are"):
        refined(FLAKE, series, columns=columns)


def test_what_no_class_is_is_told(series):
    columns = sheets.guessed(FLAKE)
    flake = sheets.mos2(tilt=(0.08, -0.05), upper=(3, 12), lower=(8,), missing=(10,))
    metal = [n for n, symbol in enumerate(flake.symbols) if symbol == "Mo"]
    flake.symbols[metal[2]] = "W"
    images = sheets.images(sheets.exit_wave(flake), DOSE)
    with pytest.warns(UserWarning, match="columns are not what any class is"):
        model = refined(flake, images, columns=columns)
    place = flake.positions[metal[2], :2]
    away = np.hypot(*(model.columns[["x", "y"]] - place).T.to_numpy())
    other = model.columns["probability_other"]
    assert other[away.argmin()] > 0.95
    assert other.drop(away.argmin()).max() < 0.05
    named = [row[f"probability_{row['class']}"] for _, row in model.columns.iterrows()]
    assert named[away.argmin()] < 0.05


def test_an_atom_between_the_columns_is_told_by_its_place():
    flake = sheets.mos2()
    columns = sheets.guessed(flake)
    # The middle of a hexagon: a bond from Mo, the opposite way to that of a pair.
    places = flake.columns[["x", "y"]].to_numpy()
    is_pair = (flake.columns["class"] == "2S").to_numpy()
    metal = places[~is_pair][0]
    nearest = places[is_pair] - metal
    bond = nearest[np.hypot(*nearest.T).argmin()]
    x, y = metal - bond
    flake.symbols.append("O")
    flake.positions = np.vstack([flake.positions, (x, y, 1.2)])
    images = sheets.images(sheets.exit_wave(flake), DOSE)
    with pytest.warns(UserWarning, match="do not explain 1 place among") as caught:
        refined(flake, images, columns=columns)
    text = next(str(w.message) for w in caught if "1 place" in str(w.message))
    found = [float(each) for each in re.findall(r"[xy] ([\d.]+) Å", text)]
    assert np.hypot(*np.subtract(found, (x, y))) < 0.6


def test_stretched_images_are_not_told_to_have_wrong_noise():
    flake = sheets.mos2(radius=5)
    images = sheets.images(sheets.exit_wave(flake), DOSE)
    # As of a program whose black is at 0.7 of the mean, with the dose said.
    stretched = (images - 0.7 * images.mean()) / 0.3
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=r".*noise|.*contrast of the images")
        model = refined(flake, stretched, any_contrast=True)
    assert model.optics.chi2 == pytest.approx(1, abs=0.1)
    assert model.optics.contrast.value == pytest.approx(1, abs=0.1)
    # Of ten series with other noise it is 0.003 in the mean, 0.009 at most.
    assert abs(model.optics.unexplained) < 0.01
    which, _ = matched(model.columns, flake)
    assert list(model.columns["class"]) == list(flake.columns["class"].iloc[which])


def test_a_table_in_another_unit_is_refused(series):
    columns = sheets.guessed(FLAKE)
    columns[["x", "y"]] /= 10
    with pytest.raises(ValueError, match=r"columns are 0\.1\d+ Å apart"):
        refined(FLAKE, series, columns=columns)


def test_the_upper_of_two_unlike_atoms_is_told_where_a_wrong_one_has_moved_them():
    flake = sheets.mos2(tilt=(0.04, 0.03), janus=(2, 7, 13, 18))
    dose = 1e5
    found = sheets.guessed(flake)
    found["class"] = found["class"].replace({"1Se upper 1S": "2S"})
    images = sheets.images(sheets.exit_wave(flake), dose)
    model = refined(flake, images, dose, found, dopants=["Se"])
    which, _ = matched(model.columns, flake)
    true = flake.columns["class"].to_numpy()[which]
    assert list(model.columns["class"]) == list(true)


@pytest.fixture(scope="module")
def small():
    """A small flake, its images, and what is found of it."""
    flake = sheets.mos2(radius=5)
    images = sheets.images(sheets.exit_wave(flake), DOSE)
    return flake, images, refined(flake, images)


def median_error(model):
    return float(model.columns[["sigma_x", "sigma_y"]].median().mean())


def test_roots_of_counts_have_the_errors_of_counts(small):
    flake, images, counted = small
    roots = np.sqrt(images)
    model = refined(flake, roots * (images.mean() / roots.mean()), any_contrast=True)
    assert median_error(model) == pytest.approx(median_error(counted), rel=0.1)
    assert model.optics.contrast.value == pytest.approx(1, abs=0.1)


@pytest.mark.filterwarnings("ignore:The noise of the images is 3")
def test_errors_hold_where_the_dose_that_was_said_is_three_times_too_high(small):
    flake, images, counted = small
    model = refined(flake, 3 * images, dose=3 * DOSE)
    assert model.optics.chi2 == pytest.approx(3, rel=0.1)
    assert median_error(model) == pytest.approx(median_error(counted), rel=0.05)


def test_the_wave_is_smoothed_and_the_lenses_are_not_those_of_it(small):
    flake, images, counted = small
    model = refined(flake, images, smoothing=0.5)
    assert model.optics.defocus.value == pytest.approx(counted.optics.defocus.value)
    assert model.optics.blur.value == pytest.approx(counted.optics.blur.value)
    wide = np.sqrt(0.5**2 - sheets.SMOOTHING**2)
    ky, kx = (np.fft.fftfreq(n, sheets.PIXEL) for n in counted.wave.shape)
    gaussian = np.exp(-2 * (np.pi * wide) ** 2 * (ky[:, np.newaxis] ** 2 + kx**2))
    expected = np.fft.ifft2(np.fft.fft2(counted.wave) * gaussian)
    inner = (slice(15, -15), slice(15, -15))  # what is beyond the images is smoothed in
    np.testing.assert_allclose(model.wave[inner], expected[inner], atol=2e-3)


def test_another_vibration_is_in_the_defocus_and_hardly_in_chi2_as_the_page_says(small):
    flake, images, counted = small
    model = refined(flake, images, vibration=0.03)
    moved = model.optics.defocus.value - counted.optics.defocus.value
    assert moved == pytest.approx(2.4, abs=0.8)
    assert model.optics.chi2 - counted.optics.chi2 < 0.03


def test_columns_where_the_images_have_no_data_are_left_out():
    flake = sheets.mos2()
    images = sheets.images(sheets.exit_wave(flake), DOSE)
    valid = np.ones(images.shape[1:], bool)
    valid[85:, 90:] = False
    images[:, ~valid] = images.mean()
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=r".*noise|.*contrast of the images")
        model = refined(flake, images, valid=valid)
    which, off = matched(model.columns, flake)
    rows = np.round(flake.columns[["y", "x"]].to_numpy() / sheets.PIXEL).astype(int)
    seen = valid[tuple(rows.T)]
    assert np.count_nonzero(~seen) > 4
    assert set(which) == set(np.flatnonzero(seen))
    assert model.columns["occupancy"].std() < 0.05
    error = model.columns[["sigma_x", "sigma_y"]].to_numpy()
    assert np.sqrt(np.mean((off / error) ** 2)) < 1.4


def test_a_pixel_and_a_line_without_data_hide_no_column(small):
    flake, images, counted = small
    valid = np.ones(images.shape[1:], bool)
    valid[70, 80] = valid[:, 75] = False
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=r".*noise|.*contrast of the images")
        model = refined(flake, images, valid=valid)
    assert len(model.columns) == len(counted.columns)


@pytest.mark.parametrize("element", ["Mo", "S"])
def test_an_element_of_the_sheet_is_not_a_dopant(series, element):
    with pytest.raises(ValueError, match=f"{element} is among the dopants, and the"):
        refined(FLAKE, series, dopants=[element])


def test_images_that_show_nothing_of_atoms_are_asked_for_their_lenses(
    monkeypatch, series
):
    def not_seen(*_):
        raise NotSeenError("The images do not show these columns.")

    monkeypatch.setattr(refinement, "_found", not_seen)
    asked = (
        r"columns\. Is the defocus 3, 8, 13 nm .* is Cs 4,000\.0 µm, right to 1\.5 µm"
    )
    with pytest.raises(ValueError, match=asked):
        refined(FLAKE, series, Cs=4e7)
