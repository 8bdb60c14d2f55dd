# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmarks of focal series simulate, and how they score answers."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hrtemnn_training.structures import MX2Flake
from hyperspy_hrtemnn.analysis import Aberration, Optics, propagate_wave

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.append(str(BENCHMARKS))

from focal_series.column_scores import (  # noqa: E402
    PROBABILITIES,
    column_scores,
    site_rows,
)
from focal_series.columns import elements, general_names, true_columns  # noqa: E402
from focal_series.specimens import with_vacuum_around  # noqa: E402
from focal_series.wave_scores import wave_scores  # noqa: E402


class Shown:
    """What scores of columns look at in a case."""

    def __init__(self, columns, size=(44.0, 43.0)):
        self.columns, self.size = columns, np.array(size)


@pytest.fixture(scope="module")
def flake():
    return MX2Flake(field=50, side=(40, 45), vacancies=(10, 10), holes=(0, 0)).make(3)


@pytest.fixture(scope="module")
def truth(flake):
    columns = true_columns(flake, "MoS2")
    columns[["x", "y"]] -= 3.0
    return columns


def answer_of(columns):
    from focal_series.answers import Answer

    return Answer(columns=columns)


@pytest.fixture
def answer(truth):
    found = truth.assign(sigma_x=0.01, sigma_y=0.02)
    for name in PROBABILITIES:
        # Carbon is that of a support, which has rows of its own.
        own = found["class"] == name.removeprefix("probability_")
        found[name] = np.nan if name == "probability_C" else own.astype(float)
    return answer_of(found)


def scores(answer, truth):
    return column_scores(site_rows(answer, Shown(truth)))


def without(answer, columns):
    return replace(answer, columns=answer.columns.drop(index=columns))


def inner(truth):
    """Return the numbers of columns well inside the images."""
    inside = truth[["x", "y"]].ge(5) & truth[["x", "y"]].le(38)
    return np.flatnonzero(inside.all(axis=1))


def test_true_columns_are_those_of_the_labels_with_the_sides_of_single_atoms(flake):
    columns = true_columns(flake, "MoS2")
    sites = pd.Series(np.array(flake.sites.names)[flake.sites.classes])
    counts, expected = columns["class"].value_counts(), sites.value_counts()
    assert counts["1M"] == expected["1Mo"]
    assert counts["2X"] == expected["2S"]
    assert counts["1X upper"] + counts["1X lower"] == expected["1S"]
    assert counts["1X upper"] > 0 < counts["1X lower"]


def test_upper_atoms_are_where_the_beam_leaves():
    flake = MX2Flake(field=50, side=(40, 45), vacancies=(10, 10), axis_tilt=(0, 0))
    columns = true_columns(flake.make(3), "MoS2").groupby("class")["z"]
    metal = columns.get_group("1M").mean()
    assert columns.get_group("1X upper").mean() - metal == pytest.approx(1.6, abs=0.1)
    assert columns.get_group("1X lower").mean() - metal == pytest.approx(-1.6, abs=0.1)


@pytest.mark.parametrize("formula", ["WS2", "MoSe2"])
def test_names_are_the_same_for_all_materials(formula):
    m, x = elements(formula)
    names = general_names(formula)
    assert names[f"1{m}"] == "1M"
    assert names[f"1{x} upper"] == "1X upper"


def test_the_truth_has_no_mistakes(answer, truth):
    found = scores(answer, truth)
    assert found["columns"] > 100
    assert found["all_right_sides"] == 1
    assert found["position"] == 0
    assert found["sides"] > 0 == found["wrong_sides"]


def test_each_mistake_is_counted_once(answer, truth):
    columns = answer.columns
    metal, pair, other = [
        number for number in inner(truth) if truth["class"][number] != "1X upper"
    ][:3]
    columns.loc[metal, "class"] = {"1M": "2X"}.get(columns["class"][metal], "1M")
    columns.loc[len(columns)] = columns.loc[pair]
    columns.loc[len(columns) - 1, ["x", "y"]] = 1.5, 41.5
    found = scores(without(answer, other), truth)
    assert (found["wrong"], found["missing"], found["extra"]) == (1, 1, 1)
    assert found["all_right"] == 0


def test_columns_without_a_probability_are_told(answer, truth):
    answer.columns.loc[inner(truth)[:3], list(PROBABILITIES)] = np.nan
    assert scores(answer, truth)["unsaid"] == 3


def test_a_wrong_side_is_a_mistake_of_its_own(answer, truth):
    columns = answer.columns
    first = next(n for n in inner(truth) if truth["class"][n].startswith("1X"))
    sides = {"1X upper": "1X lower", "1X lower": "1X upper"}
    columns.loc[first, "class"] = sides[columns["class"][first]]
    found = scores(answer, truth)
    assert found["wrong_sides"] == 1
    assert (found["all_right"], found["all_right_sides"]) == (1, 0)


def test_columns_outside_the_images_do_not_count(answer, truth):
    outside = truth["x"] > 43.5
    assert outside.any()
    seen = without(answer, np.flatnonzero(outside))
    assert scores(seen, truth)["missing"] == 0


def test_a_common_shift_is_taken_out_and_pulls_are_in_units_of_errors(answer, truth):
    rng = np.random.default_rng(1)
    sigma = answer.columns[["sigma_x", "sigma_y"]].to_numpy()
    off = rng.normal(0, sigma)
    answer.columns[["x", "y"]] += off + np.array([0.05, -0.08])
    expected = 100 * np.sqrt(np.mean((off - off.mean(axis=0)) ** 2))
    found = scores(answer, truth)
    assert found["position"] > 6
    assert found["position_registered"] == pytest.approx(expected, rel=0.05)
    pull = np.sqrt(np.mean((off / sigma) ** 2))
    assert found["pull_registered"] == pytest.approx(pull, rel=0.05)


def test_an_empty_site_that_is_not_empty_is_a_missing_column(answer, truth):
    gone = inner(truth)[0]
    empty = answer.columns.loc[[gone, gone], ["x", "y", *PROBABILITIES]]
    empty.iloc[1, :2] = 1.5, 41.5
    found = replace(without(answer, gone), empty_sites=empty)
    rows = site_rows(found, Shown(truth))
    stated = rows[rows["found"] == "empty"]
    assert sorted(stated["true"]) == sorted([truth["class"][gone], "empty"])
    assert column_scores(rows)["missing"] == 1
    assert column_scores(rows)["extra"] == 0


def smooth_wave(shape=(180, 200)):
    rng = np.random.default_rng(2)
    y, x = np.mgrid[: shape[0], : shape[1]]
    wave = np.ones(shape, complex)
    for row, column in rng.uniform(20, 160, (30, 2)):
        wave += 0.3j * np.exp(-((y - row) ** 2 + (x - column) ** 2) / 12)
    return wave.astype(np.complex64)


def test_a_shift_and_the_plane_of_a_wave_are_taken_out():
    pixel, energy = 0.1, 50.0
    truth = smooth_wave()
    moved = propagate_wave(np.roll(truth, (1, -2), (0, 1)), pixel, energy, -1.5)
    found = wave_scores(moved, truth, pixel, energy)
    assert found["plane"] == pytest.approx(1.5, abs=0.02)
    assert found["shift"] == pytest.approx(100 * pixel * np.hypot(1, 2), rel=0.02)
    assert found["along"] < 1e-3 < found["registered"] < found["raw"]


def test_vacuum_around_a_structure_moves_all_of_it(flake):
    wider = with_vacuum_around(flake, 7.0)
    assert wider.box == (64, 64, flake.box[2])
    assert np.allclose(wider.positions - flake.positions, [7, 7, 0], atol=1e-5)
    assert np.allclose(wider.sites.positions - flake.sites.positions, 7, atol=1e-5)


def test_abtem_makes_the_same_image_of_a_wave():
    """So that what differs between the simulators is not a sign or an axis."""
    pytest.importorskip("abtem")
    from focal_series.simulators import SIMULATORS

    wave, field = smooth_wave((150, 150)), 15.0
    astigmatism, coma = Aberration(1, 2, 15.0, 0.7), Aberration(2, 1, 300.0, 2.0)
    # abTEM's focal spread is an envelope of the wave, which is right where it is small.
    optics = Optics(50.0, 40.0, 3e4, 1.0, 0.0, (astigmatism, coma))
    ours = SIMULATORS["recipe"].image(wave, field, optics, (140, 140))
    theirs = SIMULATORS["abtem"].image(wave[np.newaxis], field, optics, (140, 140))
    assert np.abs(ours - theirs).max() < 1e-4


def test_a_table_that_was_cut_off_goes_on(tmp_path):
    from focal_series.tables import GrowingTable

    path = tmp_path / "series.csv"
    table = GrowingTable(path)
    for number in (3, 5):
        row = {"number": number, "asked": "1000", "value": 0.5, "text": "a, b"}
        table.add(pd.DataFrame([row]))
    whole = path.read_text("utf-8")
    path.write_text(whole[:-4], "utf-8")
    again = GrowingTable(path)
    assert again.keys() == {(3, "1000")}
    again.add(pd.DataFrame([{"number": 5, "asked": "1000", "other": 1}]))
    assert GrowingTable(path).keys() == {(3, "1000"), (5, "1000")}
    again.keep({(5, "1000")})
    assert list(GrowingTable(path).rows["other"]) == [1]


def test_probabilities_that_hold_are_on_the_diagonal():
    from focal_series.report import reliability_table

    rng = np.random.default_rng(4)
    share = rng.choice([0.3, 0.9], 4000)
    sites = pd.DataFrame(dict.fromkeys(PROBABILITIES, np.full(4000, np.nan)))
    sites["probability_2X"], sites["probability_1M"] = share, 1 - share
    sites["true"] = np.where(rng.random(4000) < share, "2X", "1M")
    table = reliability_table(sites).dropna()
    assert table["statements"].sum() == 8000
    assert np.allclose(table["stated"], table["true"], atol=0.03)


def test_variants_are_compared_with_the_same_series_without():
    from focal_series.report import variant_table

    plain = pd.DataFrame({"number": [1, 2, 3], "asked": "drawn", "registered": 0.002})
    rows = pd.DataFrame(
        {
            "number": [2, 3, 4],
            "asked": "drawn",
            "registered": [0.003, np.nan, 0.1],
            "all_right": [1.0, np.nan, 0.0],
            "pull_registered": 1.0,
            "chi2": [1.0, np.nan, 1.3],
            "chi2_error": 0.01,
            "refused": ["", "no lens makes such images", ""],
            "warned": np.nan,
        }
    )
    table = variant_table(plain, {"drift-10": rows}).loc["drift-10"]
    assert table["series"] == 2
    assert table["largest"] == np.inf
    assert table["within 1.5 or flagged"] == 1
    assert (table["flagged"], table["all right"]) == (0.5, 0.5)


def test_displaced_columns_are_inside_the_images_with_mistakes(truth):
    from focal_series.starts import displaced

    case = Shown(truth)
    case.seed, case.formula = 4, "MoS2"
    table = displaced(case)
    places = 10 * table[["x", "y"]].to_numpy()
    assert np.all((places >= 0) & (places <= case.size))
    found = table.assign(**{"class": table["class"].map(general_names("MoS2"))})
    found[["x", "y"]] = places
    mistakes = scores(answer_of(found), truth)
    assert 0 < mistakes["wrong"] < 0.12 * mistakes["columns"]
    assert 0 < mistakes["missing"] < 0.08 * mistakes["columns"]
    assert mistakes["position"] == pytest.approx(5, rel=0.15)
