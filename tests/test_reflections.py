# SPDX-License-Identifier: GPL-3.0-or-later
"""Reflections of lattices that are known, and none of noise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from patterns import GOLD, columns_of, picture, spectrum_of
from scipy.ndimage import gaussian_filter

from hyperspy_hrtemnn.analysis import (
    find_reflections,
    link_reflections,
    measure_reflections,
)

PIXEL = 0.02  # nm


def fringes(shape, spacing, angle, rng, noise=1.0, height=1.0):
    row, column = np.indices(shape) * PIXEL
    turn = np.radians(angle)
    along = column * np.cos(turn) + row * np.sin(turn)
    return height * np.cos(2 * np.pi * along / spacing) + rng.normal(0, noise, shape)


@pytest.mark.parametrize(
    ("spacing", "angle"), [(0.2355, 0.0), (0.204, 33.3), (0.312, 90.0), (0.14, 171.8)]
)
def test_fringes_are_one_pair_at_their_spacing(spacing, angle, rng):
    row, column = np.indices((150, 171))
    disc = np.hypot(row - 75, column - 85) < 52
    image = fringes(disc.shape, spacing, angle, rng)
    spectrum, step = spectrum_of(image, PIXEL, disc, 150)
    (found,) = find_reflections(spectrum, step).itertuples()
    assert found.spacing == pytest.approx(spacing, rel=5e-3)
    assert abs((found.angle - angle + 90) % 180 - 90) < 0.3
    assert found.amplitude == pytest.approx(0.5, rel=0.1)
    assert 0 < found.intensity < 1
    # Variance 1 in each pixel, averaged over as many pixels as the window holds.
    assert found.noise == pytest.approx(1 / np.sqrt(disc.sum()), rel=0.4)


@pytest.mark.parametrize(
    ("crop", "radius", "blur", "rate", "least", "most"),
    # Poisson's distribution allows the most with a probability of 1e-3. A threshold
    # that nothing reaches finds nothing either: at a high rate there are some.
    [
        (60, 28, 0.0, 1.0, 8, 78),
        (60, 14, 0.0, 1.0, 5, 78),
        (70, 32, 1.2, 1.0, 8, 78),
        (60, 28, 0.0, 0.01, 0, 4),
        (70, 32, 1.2, 0.01, 0, 4),
    ],
)
def test_noise_has_no_reflections(crop, radius, blur, rate, least, most, rng):
    """White and colored noise, in particles that fill their crop or do not."""
    row, column = np.indices((74, 81))
    mask = np.hypot(row - 37, column - 40) < radius
    found = 0
    for _ in range(55):
        image = gaussian_filter(rng.poisson(20, mask.shape).astype(float), blur)
        spectrum, step = spectrum_of(image, PIXEL, mask, crop)
        found += len(find_reflections(spectrum, step, false_alarms=rate))
    assert least <= found <= most


def test_a_faint_reflection_and_the_square_around_it(rng):
    image = fringes((150, 150), 0.2355, 10, rng)
    image += fringes((150, 150), 0.2, 80, rng, noise=0, height=0.2)
    row, column = np.indices(image.shape)
    disc = np.hypot(row - 75, column - 75) < 55
    spectrum, step = spectrum_of(image, PIXEL, disc)
    bright, faint = find_reflections(spectrum, step, square=0.4).itertuples()
    assert faint.amplitude / bright.amplitude == pytest.approx(0.2, rel=0.2)
    # By hand: a square of 3 x 3 pixels of 1/3 1/nm around (4.18, 0.74) 1/nm.
    part = spectrum[75 + 2 - 1 : 75 + 2 + 2, 75 + 13 - 1 : 75 + 13 + 2]
    by_hand = (part**2).mean() / spectrum.max() ** 2
    assert bright.intensity == pytest.approx(by_hand, rel=1e-4)
    intensity, amplitude = measure_reflections(
        spectrum, step, [bright.spacing], [bright.angle], square=0.4
    )
    assert intensity == pytest.approx([bright.intensity])
    assert amplitude == pytest.approx([bright.amplitude], rel=0.3)


def test_beyond_the_spectrum_there_is_nothing(rng):
    spectrum, step = spectrum_of(rng.normal(size=(40, 52)), PIXEL)
    intensity, amplitude = measure_reflections(spectrum, step, [0.01], [0.0])
    assert np.isnan(intensity).all()
    assert np.isnan(amplitude).all()
    assert not len(find_reflections(np.zeros((40, 52)), step))


def test_bad_spectra_are_refused(rng):
    spectrum, step = spectrum_of(rng.normal(size=(40, 52)), PIXEL)
    with pytest.raises(ValueError, match=r"shape \(ky, kx\).*\(2, 40, 52\)"):
        find_reflections([spectrum, spectrum], step)
    for bad in (spectrum - 1, np.where(spectrum == spectrum.max(), np.nan, spectrum)):
        with pytest.raises(ValueError, match="finite and not negative"):
            find_reflections(bad, step)
    with pytest.raises(ValueError, match="not symmetric"):
        find_reflections(np.roll(spectrum, 7, axis=1), step)
    for option in ("max_spacing", "false_alarms", "square"):
        with pytest.raises(ValueError, match=f"{option} has to be positive, not -1"):
            find_reflections(spectrum, step, **{option: -1.0})


def turning(rotations, rng, hidden=(), wrong=0):
    """Return the reflections of gold at given rotations, with the truth."""
    a = GOLD
    spacing = np.array([a / np.sqrt(3), a / np.sqrt(3), a / 2, a / np.sqrt(8)])
    angle = np.array([10.0, 80.53, 135.26, 45.26])
    brightness = np.array([1.0, 0.8, 0.7, 0.3])
    tables = []
    for frame, turn in enumerate(rotations):
        kept = [i for i in range(4) if (frame, i) not in hidden]
        kept = rng.permutation(kept)
        table = pd.DataFrame(
            {
                "frame": frame,
                "spacing": spacing[kept] * rng.normal(1, 0.005, len(kept)),
                "angle": (angle[kept] + turn + rng.normal(0, 0.3, len(kept))) % 180,
                "amplitude": brightness[kept],
                "true": kept,
            }
        )
        noise = pd.DataFrame(
            {
                "frame": frame,
                # Not where a true one may be, of which nobody could tell it.
                "spacing": rng.uniform(0.26, 0.4, wrong),
                "angle": rng.uniform(0, 180, wrong),
                "amplitude": 0.1,
                "true": -1,
            }
        )
        tables.append(pd.concat([table, noise]))
    return pd.concat(tables, ignore_index=True)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.floats(-12, 12), min_size=2, max_size=12), st.integers(0, 2**32 - 1))
def test_rotations_are_found_through_all_frames(steps, seed):
    rng = np.random.default_rng(seed)
    rotations = np.concatenate([[0], np.cumsum(steps)])
    table = turning(rotations, rng)
    linked = link_reflections(table)
    assert linked.groupby("true")["reflection"].nunique().max() == 1
    assert linked["reflection"].nunique() == 4
    found = linked.groupby("frame")["rotation"].first().to_numpy()
    np.testing.assert_allclose(found, rotations, atol=1.0)


@settings(deadline=None, max_examples=20)
@given(st.floats(-90, 90), st.integers(0, 2**32 - 1))
def test_one_rotation_may_be_farther_than_expected(jump, seed):
    """With noise and a reflection that is not found any more."""
    rng = np.random.default_rng(seed)
    rotations = np.array([0, 2, 4, 4 + jump, 2 + jump, jump])
    table = turning(rotations, rng, {(3, 3)}, wrong=1)
    linked = link_reflections(table)
    true = linked[linked["true"] >= 0]
    assert true.groupby("true")["reflection"].nunique().eq(1).all()
    found = linked.groupby("frame")["rotation"].first().to_numpy()
    off = found - rotations
    np.testing.assert_allclose(off[:3], 0, atol=1.5)
    # 90 and -90 degrees are the same.
    np.testing.assert_allclose((off[3:] + 90) % 180 - 90, 0, atol=1.5)


def test_of_rotations_that_look_the_same_the_smallest_is_meant():
    """Along [100] by 60 degrees is by -30."""
    square = pd.DataFrame({"spacing": 0.204, "angle": [10.0, 100.0], "amplitude": 1.0})
    frames = [square.assign(frame=0), square.assign(frame=1)]
    frames[1]["angle"] += 60
    linked = link_reflections(pd.concat(frames, ignore_index=True))
    assert linked["rotation"].iloc[-1] == pytest.approx(-30)


def test_another_row_of_planes_is_no_rotation():
    """A particle rocks: one {111} is seen, the other one, both, and again the first."""
    seen = [(0, 10.0), (1, 80.5), (2, 10.0), (2, 80.5), (3, 10.0)]
    table = pd.DataFrame(seen, columns=["frame", "angle"])
    linked = link_reflections(table.assign(spacing=0.2356, amplitude=1.0))
    assert linked["rotation"].tolist() == [0] * 5
    assert linked["reflection"].tolist() == [1, 2, 1, 2, 1]


def test_a_reflection_that_returns_keeps_its_number(rng):
    rotations = np.linspace(0, 250, 40)  # more than half a turn
    hidden = {(frame, 2) for frame in range(5, 30)} | {(f, 0) for f in range(20, 25)}
    linked = link_reflections(turning(rotations, rng, hidden, wrong=1))
    true = linked[linked["true"] >= 0]
    assert true.groupby("true")["reflection"].nunique().eq(1).all()
    found = linked.groupby("frame")["rotation"].first()
    np.testing.assert_allclose(found, rotations, atol=1.5)


def test_linking_refuses_what_makes_no_sense(rng):
    table = turning([0, 1], rng)
    for name, value in (
        ("max_rotation", 0),
        ("spacing_tolerance", 0.7),
        ("angle_tolerance", -1),
    ):
        with pytest.raises(ValueError, match=f"{name} has to be in"):
            link_reflections(table, **{name: value})


def test_a_crystal_that_turns_before_the_camera(rng):
    """From images to the angles that were put in."""
    rotations = np.array([0, 4, 9, 3, -5])
    tables = []
    for frame, turn in enumerate(rotations):
        places = columns_of("[110]", (2.5, 2.5), turn)
        image = rng.poisson(30 * picture(places, (170, 184), PIXEL))
        spectrum, step = spectrum_of(image, PIXEL)
        tables.append(find_reflections(spectrum, step).assign(frame=frame))
    linked = link_reflections(pd.concat(tables, ignore_index=True))
    found = linked.groupby("frame")["rotation"].first().to_numpy()
    np.testing.assert_allclose(found, rotations, atol=0.3)
    often = linked["reflection"].value_counts()
    assert (often == len(rotations)).sum() >= 4
