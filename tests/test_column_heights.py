# SPDX-License-Identifier: GPL-3.0-or-later
"""Heights of columns from the wave, and which atom of a pair is left."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hyperspy_hrtemnn.analysis import (
    column_heights,
    height_errors,
    pair_sides,
    propagate_wave,
)

SAMPLING, ENERGY = 0.11, 60.0
SHAPE = (170, 190)
KNOWN = {"sampling": SAMPLING, "energy": ENERGY}


def columns_at(places, heights, strength=0.05, width=0.3) -> np.ndarray:
    """Return the wave of weak columns at (y, x) in pixels, each of its own height."""
    y, x = np.indices(SHAPE)
    wave = np.ones(SHAPE, np.complex64)
    for (row, column), height in zip(places, heights, strict=True):
        square = ((y - row) ** 2 + (x - column) ** 2) * SAMPLING**2
        atom = 1 + 1j * strength * np.exp(-square / (2 * width**2))
        wave += propagate_wave(atom, SAMPLING, ENERGY, -height) - 1
    return wave


def test_columns_are_in_focus_where_they_are():
    places = np.array([(50.3, 40.0), (50.3, 100.6), (110.0, 40.2), (110.5, 130.1)])
    heights = np.array([-1.5, -4.0, -6.5, -5.0])
    focus = column_heights(columns_at(places, heights), places, **KNOWN)
    np.testing.assert_allclose(focus, heights, atol=0.25)


def test_neighbors_hardly_move_the_focus():
    """A pair of columns 1.8 Å apart, as Mo and S, of which one is 3 Å higher."""
    places = np.array([(80.0, 80.0), (80.0, 96.4)])
    focus = column_heights(columns_at(places, [-2.0, -5.0]), places, **KNOWN)
    assert focus[0] - focus[1] == pytest.approx(3, abs=0.5)


@pytest.mark.parametrize("distance", [-20.0, 14.0])
def test_the_plane_of_the_wave_may_be_anywhere(distance):
    places = np.array([(60.0, 70.0), (100.0, 120.0)])
    wave = columns_at(places, [-3.0, -6.0])
    here = column_heights(wave, places, **KNOWN)
    there = propagate_wave(wave, SAMPLING, ENERGY, distance)
    moved = column_heights(there, places, **KNOWN)
    np.testing.assert_allclose(moved, here - distance, atol=0.3)


def test_what_is_no_column_has_no_focus():
    wave = np.ones(SHAPE, np.complex64)
    wave += 0.01 * np.cos(2 * np.pi * np.arange(SHAPE[1]) / 38)
    assert not np.isfinite(column_heights(1 + 0 * wave, [(9, 9)], **KNOWN)).any()
    assert column_heights(wave, np.empty((0, 2)), **KNOWN).shape == (0,)


def test_bad_numbers_are_named():
    wave = np.ones(SHAPE, np.complex64)
    with pytest.raises(ValueError, match="sampling has to be positive, not 0"):
        column_heights(wave, [(5, 5)], sampling=0, energy=60)
    wave[3, 4] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        column_heights(wave, [(5, 5)], **KNOWN)


def lattice(rng, noise):
    """Return a tilted plane of columns of two kinds with known errors of heights."""
    places = np.stack(np.mgrid[:9, :11], -1).reshape(-1, 2) * 2.0
    kind = np.arange(len(places)) % 2
    strength = np.where(kind, 0.7, 0.35)
    height = 0.1 * places[:, 0] - 0.05 * places[:, 1] + 0.8 * kind
    return (
        places,
        height + noise / strength * rng.standard_normal(len(places)),
        np.where(kind, 0.7, 0.36),
        strength,
    )


def test_errors_are_those_of_the_heights(rng):
    places, height, angle, strength = lattice(rng, noise=0.2)
    error = height_errors(places, height, angle, strength)
    np.testing.assert_allclose(error, 0.2 / strength, rtol=0.35)
    few = height_errors(places[:5], height[:5], angle[:5], strength[:5])
    assert np.isnan(few).all()


def test_a_height_that_is_not_known_has_no_error(rng):
    places, height, angle, strength = lattice(rng, noise=0.2)
    height[7] = np.nan
    error = height_errors(places, height, angle, strength)
    assert np.flatnonzero(np.isnan(error)).tolist() == [7]


def table(rng, noise=0.3):
    """Return a sheet with single atoms, those with even numbers the upper ones."""
    places = np.stack(np.mgrid[:8, :9], -1).reshape(-1, 2) * 1.8
    single = np.arange(len(places)) % 5 == 0
    sign = np.where(np.arange(len(places)) % 2, -1, 1)
    height = -5 + 0.08 * places[:, 0] + np.where(single, sign * 3.13 / 2 - 0.85, 0)
    return pd.DataFrame(
        {
            "frame": 2,
            "class": np.where(single, "1S", "1Mo"),
            "x": places[:, 1] / 10,
            "y": places[:, 0] / 10,
            "height": height + noise * rng.standard_normal(len(places)),
            "height_error": noise,
            "truth": np.where(single, np.where(sign > 0, "upper", "lower"), ""),
        }
    )


def test_sides_of_pairs(rng):
    found = pair_sides(table(rng))
    assert (found["side"] == found["truth"]).all()
    single = found["class"] == "1S"
    assert (found.loc[single, "side_probability"] > 0.99).all()
    assert found.loc[~single, "side_probability"].isna().all()


def test_probabilities_of_sides_are_right(rng):
    """With errors of 2 Å some are wrong, as many as is said."""
    tables = [pair_sides(table(rng, noise=2.0)) for _ in range(40)]
    single = pd.concat(tables).query("side != ''")
    right = (single["side"] == single["truth"]).mean()
    assert right == pytest.approx(single["side_probability"].mean(), abs=0.04)
    assert 0.6 < right < 0.95


def test_sides_need_heights(rng):
    with pytest.raises(ValueError, match="height"):
        pair_sides(table(rng).drop(columns="height"))
    with pytest.raises(ValueError, match="separation"):
        pair_sides(table(rng), separation=0)
    unknown = table(rng).assign(height=np.nan)
    assert (pair_sides(unknown)["side"] == "").all()
