# SPDX-License-Identifier: GPL-3.0-or-later
"""Propagation, columns, the complex plane, lattices and comparison of waves."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from known_waves import ANGLES, ENERGY, EXTENT, SAMPLING, SHAPE, flake, phase_object

from hyperspy_hrtemnn.analysis import (
    Optics,
    classify_by_mass,
    compare_waves,
    defocus_circle,
    find_wave_columns,
    fit_excitation,
    hexagonal_angle,
    hexagonal_spots,
    image_intensity,
    mass_angle,
    mass_circle,
    propagate_wave,
    remove_bragg_spots,
)


def test_forth_and_back_is_the_wave():
    wave = flake()[0]
    there = propagate_wave(wave, SAMPLING, ENERGY, 80.0)
    assert np.abs(there - wave).max() > 0.1
    # No electron is lost on the way.
    assert np.vdot(there, there).real == pytest.approx(wave.size, rel=1e-4)
    np.testing.assert_allclose(
        propagate_wave(there, SAMPLING, ENERGY, -80.0), wave, atol=1e-5
    )
    np.testing.assert_allclose(
        propagate_wave(wave, SAMPLING, ENERGY, 0), wave, atol=1e-6
    )


def test_going_back_is_underfocus():
    # Coarse enough for the intensity, whose frequencies are twice the wave's.
    wave = phase_object([(5.0, 6.2)], [0.2])
    back = propagate_wave(wave, SAMPLING, ENERGY, -30.0)
    image = image_intensity(wave, EXTENT, Optics(ENERGY, defocus=30), SHAPE)
    np.testing.assert_allclose(np.abs(back) ** 2, image, atol=1e-4)


def test_columns_are_found_below_the_pixel_with_their_waves():
    wave, places, classes = flake()
    found = find_wave_columns(wave, min_separation=10)
    assert len(found) == len(places)
    assert np.all(np.diff(np.abs(found.wave - 1)) <= 0)
    distance = np.hypot(
        *(places[:, np.newaxis] - found.positions[:, ::-1] * SAMPLING).T
    )
    assert distance.min(axis=1).max() < 0.01
    nearest = classes[distance.argmin(axis=1)]
    expected = np.exp(1j * np.array([ANGLES[name] for name in nearest]))
    np.testing.assert_allclose(found.wave, expected, atol=0.02)


def test_columns_of_other_size_and_none():
    assert len(find_wave_columns(np.ones((7, 9)), min_separation=3)) == 0
    wave = phase_object([(4.0, 4.0), (5.6, 4.0)], [0.2, 0.6])
    both = find_wave_columns(wave, min_separation=10)
    assert len(both) == 2
    assert len(find_wave_columns(wave, min_separation=20)) == 1
    assert len(find_wave_columns(wave, min_separation=10, threshold=0.3)) == 1


@pytest.mark.parametrize(
    ("wave", "options", "message"),
    [
        (np.ones((2, 7, 9)), {}, "shape"),
        (np.full((7, 9), np.nan), {}, "NaN"),
        (np.ones((7, 9)), {"min_separation": 0}, "min_separation"),
        (np.ones((7, 9)), {"threshold": -1}, "threshold"),
    ],
)
def test_waves_without_columns_to_find(wave, options, message):
    with pytest.raises(ValueError, match=message):
        find_wave_columns(wave, **{"min_separation": 3, **options})


@given(
    theta=st.floats(0.01, 1.04),
    height=st.floats(-0.6, 0.6),
    size=st.floats(0.5, 2),
)
def test_the_mass_of_light_columns_does_not_depend_on_the_height(theta, height, size):
    value = 1 + size * (np.exp(1j * theta) - 1) / (1 + 1j * height)
    center, radius = defocus_circle(theta, size)
    assert abs(value - center) == pytest.approx(radius)
    assert mass_angle(value, excitation=size) == pytest.approx(theta, rel=1e-6)


@given(
    theta=st.floats(0.05, 2 * np.pi - 0.55),
    size=st.floats(0.3, 3),
    turn=st.floats(-0.4, 0.4),
)
def test_columns_in_focus_are_on_the_mass_circle_however_heavy(theta, size, turn):
    excitation = size * np.exp(1j * turn)
    value = 1 + excitation * (np.exp(1j * theta) - 1)
    center, radius = mass_circle(excitation)
    assert abs(value - center) == pytest.approx(radius)
    assert mass_angle(value, excitation=excitation) == pytest.approx(theta, abs=1e-6)


def columns_of(thetas, excitation=1.2 - 0.1j):
    return 1 + excitation * (np.exp(1j * np.asarray(thetas)) - 1)


def test_the_circle_is_fitted_to_heavy_columns(rng):
    values = columns_of(np.linspace(0.4, 5.5, 15))
    assert fit_excitation(values) == pytest.approx(1.2 - 0.1j)
    noise = rng.normal(0, 0.02, (2, 15))
    noisy = values + noise[0] + 1j * noise[1]
    assert fit_excitation(noisy) == pytest.approx(1.2 - 0.1j, abs=0.03)


@pytest.mark.parametrize(
    "thetas",
    [
        [],
        [3.0],
        [2.5, 4.0],  # two heavy ones
        np.linspace(0.1, 1.3, 50),  # none is heavy
        [3.0] * 20,  # all equal: any radius fits
        [0.3] * 40 + [2.5, 3.0, 4.0],  # heavy ones are less than a tenth
    ],
)
def test_without_enough_heavy_columns_the_circle_is_the_unit_circle(thetas):
    assert fit_excitation(columns_of(thetas)) == 1


# Waves in the middle of columns of gold along [110], of 1 to 15 atoms, in a crystal,
# behind the last atom: multislice by abTEM, 0.05 Å, slices of a quarter of a repeat,
# mean square displacement 0.0081 Å² (300 K), smoothed by 15 pm.
# fmt: off
GOLD = {
    300: [0.857+0.534j, 0.465+0.927j, -0.074+1.074j, -0.617+0.934j, -1.023+0.543j,
          -1.185-0.000j, -1.060-0.554j, -0.681-0.975j, -0.145-1.156j, 0.407-1.050j,
          0.832-0.687j, 1.019-0.164j, 0.921+0.381j, 0.564+0.804j, 0.042+0.992j],
    200: [0.831+0.591j, 0.372+1.008j, -0.242+1.124j, -0.833+0.902j, -1.228+0.403j,
          -1.313-0.232j, -1.062-0.821j, -0.547-1.196j, 0.082-1.253j, 0.644-0.977j,
          0.976-0.454j, 0.982+0.163j, 0.663+0.689j, 0.112+0.970j, -0.509+0.920j],
}
# fmt: on
WEDGE = np.array([[2.0 * i, i % 2] for i in range(15)])


@pytest.mark.parametrize(("energy", "turn"), [(300, 12), (200, 11)])
def test_gold_columns_to_fifteen_atoms(energy, turn):
    values = np.array(GOLD[energy])
    angles = mass_angle(values, WEDGE)
    # Channelling: each atom turns the phase by as much.
    atoms = np.arange(1, 16)
    slope = angles @ atoms / (atoms @ atoms)
    assert slope == pytest.approx({300: 0.511, 200: 0.536}[energy], abs=0.005)
    np.testing.assert_allclose(angles / slope, atoms, atol=0.35)
    # In the order of their strength, as they are found.
    order = np.argsort(-np.abs(values - 1))
    np.testing.assert_allclose(mass_angle(values[order], WEDGE[order]), angles[order])
    with pytest.warns(UserWarning, match="1 columns are within 30° of a full turn"):
        alone = mass_angle(values[:turn])
    np.testing.assert_allclose(alone, angles[:turn], atol=0.2)


def test_four_thick_columns_without_positions():
    with pytest.warns(UserWarning, match="within 30°"):
        angles = mass_angle(np.array(GOLD[300])[[6, 8, 9, 11]])
    assert np.all(np.diff(angles) > 0)


def test_a_thin_column_beside_thick_ones_is_thin():
    thetas = np.array([4.6, 5.2, 5.7, 6.2, 6.8, 7.3, 0.9])
    places = np.stack([np.arange(7) * 2.5, np.zeros(7)], axis=1)
    places[-1] = -1.5, 2.0  # beside the first
    # It may as well be one that has gone around.
    with pytest.warns(UserWarning, match="1 pairs of neighboring columns"):
        found = mass_angle(columns_of(thetas), places)
    np.testing.assert_allclose(found, thetas, atol=1e-6)


def test_only_columns_of_one_frame_are_neighbors():
    thin, thick = np.linspace(0.5, 2.5, 5), np.linspace(3.0, 7.5, 8)
    places = np.stack([np.arange(13) * 2.5, np.zeros(13)], axis=1)
    values = columns_of(np.append(thin, thick))
    frames = np.repeat([3, 4], [5, 8])
    found = mass_angle(values, places, frames=frames)
    np.testing.assert_allclose(found, np.append(thin, thick), atol=1e-6)
    # What begins beyond a turn in its frame is not recognized.
    late = mass_angle(values, places, frames=np.repeat([3, 4], [11, 2]))
    np.testing.assert_allclose(late[11:], thick[6:] - 2 * np.pi, atol=1e-6)


def test_angles_beyond_what_was_verified_are_told():
    thetas = np.linspace(0.5, 9.5, 19)
    places = np.stack([np.arange(19) * 2.5, np.zeros(19)], axis=1)
    with pytest.warns(UserWarning, match=r"3 columns .* above 8.3 rad, up to 9.5 rad"):
        found = mass_angle(columns_of(thetas), places)
    np.testing.assert_allclose(found, thetas, atol=1e-6)


def test_heavy_columns_off_the_circle_are_told(rng):
    thetas = np.linspace(0.4, 4.4, 14)
    noise = rng.normal(0, 1, (2, 14))
    noise /= np.abs(noise[0] + 1j * noise[1])
    noise = noise[0] + 1j * noise[1]
    with pytest.warns(UserWarning, match=r"off the mass circle, by 0\.(19|2\d) of its"):
        mass_angle(columns_of(thetas) + 0.4 * noise)
    # Noise of a good wave is no reason, nor are light columns at any height.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mass_angle(columns_of(thetas) + 0.08 * noise)
        mass_angle(1 + (np.exp(0.7j) - 1) / (1 + 1j * np.linspace(-1, 1, 9)))


def test_a_step_that_may_be_a_turn_is_told():
    places = np.stack([np.arange(9) * 2.5, np.zeros(9)], axis=1)
    steep = columns_of([0.5, 1.4, 2.3, 3.2, 4.1, 4.7, 7.0, 7.4, 7.8])
    with pytest.warns(UserWarning, match=r"1 pairs of neighboring columns are more"):
        found = mass_angle(steep, places)
    # The thick ones stay in the first turn.
    np.testing.assert_allclose(found[6:], np.array([7.0, 7.4, 7.8]) - 2 * np.pi)
    # Where all are below half a turn no turn is in doubt.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mass_angle(columns_of([0.2, 0.5, 2.9, 0.3], 1), places[:4])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"positions": [[0, 0], [1, np.nan]]}, "positions has NaN"),
        ({"excitation": 0}, "excitation has to be finite and not 0"),
        ({"excitation": complex("nan")}, "excitation has to be finite and not 0"),
        ({"positions": np.zeros((3, 2))}, r"\(2,\) and positions of shape \(3, 2\)"),
        ({"positions": np.zeros((2, 2)), "frames": [0]}, "frames has the shape"),
    ],
)
def test_positions_that_do_not_fit(options, message):
    with pytest.raises(ValueError, match=message):
        mass_angle([1 + 0.3j, 1 + 0.2j], **options)


def test_propagation_moves_a_column_along_its_defocus_circle():
    wave = phase_object([(6.0, 6.4)], [0.3])
    angles = []
    for distance in (-4.0, 0.0, 4.0):
        there = propagate_wave(wave, SAMPLING, ENERGY, distance)
        angles.append(mass_angle(find_wave_columns(there, min_separation=10).wave[0]))
    np.testing.assert_allclose(angles, 0.3, rtol=0.05)


def test_a_rare_class_does_not_hide_that_two_others_are_two(rng):
    # A flake of MoS2 with six vacancies: 1S, 1Mo and 2S.
    truth = np.repeat([0, 1, 2], [6, 60, 85])
    spread = np.array([0.011, 0.003, 0.005])[truth]
    theta = np.array([0.366, 0.732, 0.753])[truth] + rng.normal(0, spread / 2)
    np.testing.assert_array_equal(classify_by_mass(np.exp(1j * theta), 3), truth)


def test_equal_columns_are_of_one_class():
    assert not classify_by_mass(np.full(5, np.exp(0.3j)), 3).any()


def test_classes_are_told_whatever_their_shares_and_heights(rng):
    truth = np.repeat([0, 1, 2], [4, 90, 60])
    theta = np.array([0.36, 0.55, 0.72])[truth] + rng.normal(0, 0.015, len(truth))
    height = rng.uniform(-0.4, 0.8, len(truth))
    values = 1 + (np.exp(1j * theta) - 1) / (1 + 1j * height)
    np.testing.assert_array_equal(classify_by_mass(values, 3), truth)
    assert not classify_by_mass(values, 1).any()
    with pytest.raises(ValueError, match="154 columns"):
        classify_by_mass(values, 155)
    with pytest.raises(ValueError, match="leave these columns out"):
        classify_by_mass(np.append(values, np.nan), 3)


def crystal(a, angle, strength=0.1, shape=(300, 260)):
    """A weak hexagonal crystal all over the field, and its wave."""
    y, x = np.mgrid[: shape[0], : shape[1]] * SAMPLING
    phase = np.zeros(shape)
    for ky, kx in hexagonal_spots(a, angle):
        phase += strength / 6 * np.cos(2 * np.pi * (ky * y + kx * x))
    return 1 + 1j * phase


def test_spots_of_graphene():
    spots = hexagonal_spots(2.46, 0)
    assert len(spots) == 12
    # A lattice vector along x: no spot of the first order is there.
    np.testing.assert_allclose(
        np.sort(np.hypot(*spots.T))[[0, 5, 6, 11]],
        np.array([1, 1, 3**0.5, 3**0.5]) * 2 / (3**0.5 * 2.46),
    )
    np.testing.assert_allclose(
        spots @ [0, 2.46], np.round(spots @ [0, 2.46]), atol=1e-9
    )


@pytest.mark.parametrize("angle", [0.0, 17.3, 48.9])
def test_the_orientation_of_a_support(angle):
    found = hexagonal_angle(crystal(2.46, angle), SAMPLING, 2.46)
    assert (found - angle + 30) % 60 - 30 == pytest.approx(0, abs=0.15)


def test_a_support_is_removed_and_nothing_else():
    shape = (300, 260)
    support = crystal(2.46, 20.0, shape=shape) - 1
    column = np.zeros(shape, complex)
    column[100:228, 70:190] = flake()[0] - 1
    # Tapered, the support has no edges at the border of the field.
    support *= np.outer(*(np.hanning(n) for n in shape))
    spots = hexagonal_spots(2.46, 20.0)
    kept = remove_bragg_spots(1 + column + support, SAMPLING, spots, 0.07)
    mean = complex(1 + (column + support).mean())
    assert kept.mean() == pytest.approx(mean, abs=1e-6)
    alone = remove_bragg_spots(1 + column, SAMPLING, spots, 0.07)
    left = compare_waves(kept, alone)["rmse"]
    assert left < 0.15 * compare_waves(support, 0 * support)["rmse"]
    assert (
        compare_waves(alone, 1 + column)["rmse"]
        < 0.3 * compare_waves(column, 0 * column)["rmse"]
    )


def test_differences_of_each_part():
    wave = np.ones((6, 8), complex)
    other = wave + 0.3 - 0.4j
    found = compare_waves(wave, other)
    assert found["real"] == pytest.approx(0.3)
    assert found["imaginary"] == pytest.approx(0.4)
    assert found["rmse"] == pytest.approx(np.sqrt(0.125))
    assert compare_waves(wave, other, cutoff=2)["rmse"] == pytest.approx(0, abs=1e-12)


def test_long_wavelengths_are_left_out_of_both():
    x = np.arange(240)
    long, short = (0.1 * np.cos(2 * np.pi * x / n) * np.ones((20, 1)) for n in (120, 6))
    other = np.ones((20, 240), complex)
    found = compare_waves(other + long + 1j * short, other, cutoff=5)
    assert found["real"] < 0.01
    assert found["imaginary"] == pytest.approx(0.1 / np.sqrt(2), rel=0.02)


def moved_flake(dy, dx):
    """The flake of `known_waves`, each column moved by (dy, dx) [pixels]."""
    _, places, classes = flake()
    moved = places + np.array([dx, dy]) * SAMPLING
    return phase_object(moved, [ANGLES[name] for name in classes])


@pytest.mark.parametrize("shift", [(0.31, -0.42), (-2.7, 3.15), (0.0, 0.02)])
def test_a_shift_of_all_columns_is_found_and_is_no_error(shift):
    truth, wave = flake()[0], moved_flake(*shift)
    found = compare_waves(wave, truth)
    assert (found["shift_y"], found["shift_x"]) == pytest.approx(
        (-shift[0], -shift[1]), abs=2e-3
    )
    assert found["rmse_registered"] < 2e-4
    assert found["rmse"] == pytest.approx(
        np.sqrt(np.mean(np.abs(wave - truth) ** 2) / 2), rel=1e-5
    )
    assert next(iter(found)) == "rmse_registered"


def test_what_is_wrong_beside_the_shift_remains(rng):
    truth = flake()[0]
    noise = rng.normal(0, 0.02, (2, *SHAPE))
    found = compare_waves(moved_flake(1.4, 1.3) + noise[0] + 1j * noise[1], truth)
    assert found["rmse_registered"] == pytest.approx(0.02, rel=0.02)
    assert found["rmse"] > 0.03
    # A constant phase is no shift.
    turned = compare_waves(truth * np.exp(0.1j), truth)
    assert turned["rmse_registered"] == pytest.approx(turned["rmse"])
    assert turned["rmse"] > 0.06


def test_a_wave_is_not_moved_to_the_next_column():
    truth = flake()[0]
    found = compare_waves(moved_flake(0, 16.0), truth, largest_shift=5)
    assert max(abs(found["shift_y"]), abs(found["shift_x"])) <= 5
    assert found["rmse_registered"] > 0.05
    held = compare_waves(moved_flake(0.4, 0), truth, largest_shift=0)
    assert held["rmse_registered"] == pytest.approx(held["rmse"])


@pytest.mark.parametrize(
    "masked", [np.s_[:62], np.s_[:, 70:73]], ids=["through the flake", "stripe"]
)
def test_what_is_not_data_does_not_hold_a_wave_where_it_is(masked):
    wave, truth = moved_flake(-1.1, 0.7), moved_flake(0, 0)
    wave[masked] = np.nan
    found = compare_waves(wave, truth)
    assert [found["shift_y"], found["shift_x"]] == pytest.approx([1.1, -0.7], abs=0.01)
    assert found["rmse_registered"] < 0.1 * found["rmse"]
    # In which of the two it is does not matter, nor what is beside it.
    back = compare_waves(truth, wave, cutoff=8)
    assert back["shift_y"] == pytest.approx(-1.1, abs=0.01)
    assert back["rmse_registered"] < 0.1 * back["rmse"]


def test_waves_without_a_common_pixel_have_no_difference():
    wave = np.ones((20, 30), complex)
    nothing = wave * np.nan
    assert np.isnan(list(compare_waves(wave, nothing).values())).all()


def test_a_crystal_to_the_borders_of_the_field_is_registered():
    y, x = np.mgrid[:60, :75]
    pair = [
        np.exp(0.3j * np.cos(2 * np.pi * (x - s) / 11.3) * np.cos(0.41 * (y + s)))
        for s in (0, 0.35)
    ]
    found = compare_waves(pair[1], pair[0])
    assert (found["shift_y"], found["shift_x"]) == pytest.approx(
        (0.35, -0.35), abs=0.02
    )
    assert found["rmse_registered"] < 0.25 * found["rmse"]
