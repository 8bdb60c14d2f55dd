# SPDX-License-Identifier: GPL-3.0-or-later
"""Reflections of gold are indexed as gold's, also in twins; nothing else is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import write
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from patterns import columns_of, picture, spectrum_of, twin

from hyperspy_hrtemnn.analysis import (
    brightness_ratio,
    find_reflections,
    follow_reflections,
    index_reflections,
    on_axis_frames,
)
from hyperspy_hrtemnn.analysis.reflections.crystal import reflecting_planes
from hyperspy_hrtemnn.crystals import as_crystal, find_crystal

PIXEL = 0.02  # nm
GOLD = as_crystal("Au")


def seen(places, rng, dose=40):
    image = rng.poisson(dose * picture(places, (176, 190), PIXEL))
    return find_reflections(*spectrum_of(image, PIXEL))


def inner(table):
    return table[table["spacing"] > 0.135].sort_values("spacing", ascending=False)


def test_gold_along_110(rng):
    table = inner(
        index_reflections(seen(columns_of("[110]", (2.6, 2.9), 17), rng), GOLD)
    )
    assert table["family"].tolist() == ["{111}", "{111}", "{200}", "{220}"]
    assert set(table["zone_axis"]) == {"[110]"}
    assert set(table["lattice"]) == {"1"}
    by_family = table.groupby("family")
    assert by_family["spacing"].mean().to_dict() == pytest.approx(
        {"{111}": 0.2356, "{200}": 0.204, "{220}": 0.1442}, rel=0.01
    )
    # (200) is normal to x before the rotation, (022) to y.
    assert by_family["angle"].mean()["{200}"] == pytest.approx(17, abs=0.5)
    assert by_family["angle"].mean()["{220}"] == pytest.approx(107, abs=0.5)


def test_gold_along_001(rng):
    table = inner(
        index_reflections(seen(columns_of("[001]", (2.6, 2.9), 31), rng), GOLD)
    )
    assert table["family"].tolist() == ["{200}", "{200}", "{220}", "{220}"]
    assert set(table["zone_axis"]) == {"[100]"}


@pytest.mark.parametrize("rotation", [0, 64, 141])
def test_a_twin_has_two_lattices_that_share_a_plane(rng, rotation):
    table = inner(index_reflections(seen(twin((3.0, 3.2), rotation), rng), GOLD))
    shared = table[table["lattice"] == "1+2"]
    assert shared["family"].tolist() == ["{111}"]
    # The twin plane's normal, 54.7 degrees from that of (200).
    expected = 54.74 + rotation
    assert abs((shared["angle"].iloc[0] - expected + 90) % 180 - 90) < 1
    for lattice in "12":
        alone = table[table["lattice"] == lattice]
        assert alone["family"].tolist()[:2] == ["{111}", "{200}"]


def test_a_twin_is_two_lattices_in_one_image(rng):
    table = inner(seen(twin((3.0, 3.2), 64), rng))
    both = index_reflections(table, GOLD)
    first, second = (both["lattice"].to_numpy() == number for number in "12")
    assert second.sum() >= 2
    together = np.equal.outer(second, second)
    alone = index_reflections(table, GOLD, together)
    assert alone["lattice"][first].tolist() == ["1"] * first.sum()
    assert set(alone["lattice"][second]) == {""}


def test_what_turns_on_a_support_that_does_not_is_no_twin():
    """A brighter support hides the rotation of the particle."""
    gold = {"spacing": [0.2356, 0.2356, 0.204], "angle": [10.0, 80.5, 135.26]}
    tables = [
        pd.concat(
            [
                pd.DataFrame(gold | {"amplitude": 1.0}).assign(frame=frame),
                pd.DataFrame({"spacing": [0.312, 0.271], "angle": [0.0, 50.0]}).assign(
                    amplitude=4.0, frame=frame
                ),
            ]
        )
        for frame in range(6)
    ]
    found = pd.concat(tables, ignore_index=True)
    turned = (found["frame"] > 2) & (found["amplitude"] == 1)
    found.loc[turned, "angle"] += 20
    peaks = follow_reflections(found, range(6), GOLD)
    assert set(peaks["lattice"]) == {"1", ""}


def test_another_crystal_is_not_gold(rng):
    places = columns_of("[110]", (2.6, 2.9), 17, a=0.547)
    table = index_reflections(seen(places, rng), GOLD)
    assert not table["family"].isin(["{111}", "{200}"]).any()
    ceria = inner(index_reflections(seen(places, rng), as_crystal("CeO2")))
    assert ceria["family"].tolist()[:3] == ["{111}", "{111}", "{200}"]


def test_a_single_row_of_planes_has_a_family_and_no_zone_axis():
    fringes = pd.DataFrame(
        {"spacing": [0.2356, 0.1178], "angle": [20.0, 20.4], "amplitude": [1.0, 0.2]}
    )
    table = index_reflections(fringes, GOLD)
    assert table["family"].tolist() == ["{111}", ""]
    assert table["lattice"].tolist() == ["", ""]
    assert table["zone_axis"].tolist() == ["", ""]
    nothing = index_reflections(fringes[:0], GOLD)
    assert nothing.columns.tolist()[-3:] == ["family", "lattice", "zone_axis"]


@settings(deadline=None, max_examples=12, phases=[Phase.generate])
@given(
    st.sampled_from([(1, 1, 0), (1, 0, 0), (1, 1, 1), (1, 1, 2), (0, 1, 3)]),
    st.sampled_from(["Au", "Ti", "anatase", "CeO2"]),
    st.floats(0, 180),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_zone_axes_of_any_crystal(zone, name, rotation, mirrored, seed):
    """Planes of a known zone axis, projected by hand, are all explained."""
    rng = np.random.default_rng(seed)
    crystal = as_crystal(name)
    planes = reflecting_planes(crystal, 0.12)
    members = planes.hkl @ zone == 0
    vectors = planes.vectors[members]
    if np.linalg.matrix_rank(vectors) < 2:
        return
    beam = zone @ crystal.cell
    x = vectors[0] / np.linalg.norm(vectors[0])
    y = np.cross(beam, x) / np.linalg.norm(beam)
    angle = np.degrees(np.arctan2(vectors @ y, vectors @ x)) * (-1) ** mirrored
    n = len(vectors)
    table = pd.DataFrame(
        {
            "spacing": planes.spacing[members] * rng.normal(1, 0.003, n),
            "angle": (angle + rotation + rng.normal(0, 0.3, n)) % 180,
            "amplitude": rng.uniform(0.2, 1, n),
        }
    )
    indexed = index_reflections(table, crystal)
    expected = [planes.names[i] for i in planes.family[members]]
    # At most a pair of equal place within the tolerances may be exchanged.
    assert np.mean(indexed["family"] == expected) > 0.9 or n < 4


def test_names_of_families():
    planes = reflecting_planes(GOLD, 0.0784)
    assert set(planes.names) == {
        *("{111}", "{200}", "{220}", "{311}", "{222}", "{400}", "{331}", "{420}"),
        *("{422}", "{333}", "{511}"),
    }
    # Multiplicities, halved: one of each opposite pair.
    counts = dict(zip(planes.names, np.bincount(planes.family), strict=True))
    assert (counts["{111}"], counts["{200}"], counts["{420}"]) == (4, 3, 12)
    assert (counts["{333}"], counts["{511}"]) == (4, 12)


def test_crystals_from_names_files_and_atoms(tmp_path):
    write(tmp_path / "gold.cif", bulk("Au", cubic=True))
    for crystal in (tmp_path / "gold.cif", bulk("Au", cubic=True)):
        read = as_crystal(crystal)
        np.testing.assert_allclose(read.cell, GOLD.cell, atol=1e-6)
        assert set(reflecting_planes(read, 0.15).names) == {"{111}", "{200}"}
    assert len(find_crystal("Co")) == 2
    with pytest.raises(ValueError, match=r"'Unobtainium' is not a file.*one of CeO2"):
        as_crystal("Unobtainium")
    with pytest.raises(ValueError, match="three vectors"):
        as_crystal(Atoms("Au"))
    with pytest.raises(ValueError, match="angle_tolerance has to be in"):
        index_reflections(pd.DataFrame(), GOLD, angle_tolerance=60)


def tilting(amplitudes):
    """Return the table of a particle whose {200} has these amplitudes, 0 = unseen."""
    rows = []
    for frame, height in enumerate(amplitudes):
        rows += [
            (frame, 0.2 * frame, 5, 1, 0.2356, 10.0, 1.0, True, "{111}"),
            (
                frame,
                0.2 * frame,
                5,
                2,
                0.204,
                64.7,
                height or 0.05,
                height > 0,
                "{200}",
            ),
            (frame, 0.2 * frame, 5, 3, 0.118, 10.0, 0.01, True, "{222}"),
            (frame, 0.2 * frame, 5, 4, 0.312, 90.0, 0.02, True, ""),
        ]
    names = ["frame", "time", "id", "reflection", "spacing", "angle", "amplitude"]
    table = pd.DataFrame(rows, columns=[*names, "found", "family"])
    lattice = table["family"].map({"{111}": "1", "{200}": "1", "{222}": "1", "": ""})
    return table.assign(rotation=0.0, lattice=lattice)


def test_the_brightness_ratio_is_of_the_first_order_of_the_crystal():
    ratios = brightness_ratio(tilting([0.5, 0.25, 0.0]))
    assert ratios.columns.tolist() == [
        *("frame", "time", "id", "brightness_ratio", "directions"),
    ]
    np.testing.assert_allclose(ratios["brightness_ratio"], [2, 4, 20])
    assert ratios["directions"].tolist() == [2, 2, 1]
    assert on_axis_frames(ratios)["frame"].tolist() == [0]
    assert on_axis_frames(ratios, 50)["frame"].tolist() == [0, 1]
    with pytest.raises(ValueError, match="at least 1"):
        on_axis_frames(ratios, 0.5)


def test_what_both_lattices_of_a_twin_feed_does_not_count():
    peaks = tilting([0.5, 0.25])
    shared = peaks[peaks["reflection"] == 1].assign(
        reflection=5, angle=150.0, amplitude=8.0, lattice="1+2"
    )
    twin_peaks = pd.concat([peaks, shared], ignore_index=True)
    ratios = brightness_ratio(twin_peaks)["brightness_ratio"]
    np.testing.assert_allclose(ratios, [2, 4])


def test_one_direction_alone_is_never_on_axis():
    peaks = tilting([0.5, 0.5])
    ratios = brightness_ratio(peaks[peaks["reflection"] == 1])
    assert np.isinf(ratios["brightness_ratio"]).all()
    nothing = brightness_ratio(peaks[peaks["reflection"] == 4])
    assert nothing["brightness_ratio"].isna().all()
    assert not len(on_axis_frames(nothing))
    assert not len(brightness_ratio(peaks[:0]))


def test_what_is_too_rare_is_left_out(rng):
    tables = [
        seen(columns_of("[110]", (2.6, 2.6), turn), rng).assign(frame=frame)
        for frame, turn in enumerate((0, 5, 10))
    ]
    tables.append(seen(np.zeros((1, 2)), rng).assign(frame=3))  # one column
    wrong = pd.DataFrame(
        {"frame": [1], "spacing": 0.3, "angle": 77.0, "amplitude": 9.0}
    )
    found = pd.concat([*tables, wrong], ignore_index=True)
    peaks = follow_reflections(found, range(4), GOLD, min_share=0.5)
    assert not (peaks["amplitude"] == 9).any()
    assert (peaks.groupby("reflection")["frame"].nunique() == 4).all()
    unseen = peaks[peaks["frame"] == 3]
    assert not unseen["found"].any()
    before = peaks[peaks["frame"] == 2]
    np.testing.assert_allclose(unseen["angle"], before["angle"], atol=1.5)
    assert peaks.groupby("reflection")["family"].nunique().eq(1).all()
    assert {"{111}", "{200}"} <= set(peaks["family"])
    with pytest.raises(ValueError, match="min_share has to be"):
        follow_reflections(found, range(4), min_share=2)


def test_reflections_wider_than_any_of_the_crystal_are_of_no_family():
    # A support that was taken for gold, whose widest planes are 0.235 nm apart.
    found = pd.DataFrame(
        {
            "frame": [0, 1, 1],
            "spacing": [0.312, 0.312, 0.29],
            "angle": [10.0, 10.5, 75.0],
            "intensity": [1.0, 1.0, 0.5],
            "amplitude": [1.0, 1.0, 0.7],
            "noise": 0.1,
            "found": True,
        }
    )
    followed = follow_reflections(found, [0, 1], crystal=GOLD, min_share=0)
    assert set(followed["family"]) == {""}
