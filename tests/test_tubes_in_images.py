# SPDX-License-Identifier: GPL-3.0-or-later
"""Nanotubes are found, straightened, measured and told in images of known tubes."""

from __future__ import annotations

import numpy as np
import pytest
from known_tubes import placed, tube_atoms, tube_image

from hyperspy_hrtemnn.analysis import (
    chiral_angle,
    combined_probabilities,
    equatorial_diameter,
    find_tubes,
    indices_likeness,
    layer_line_angle,
    measure_tubes,
    most_probable,
    straighten,
    strip_spectrum,
    tube_diameter,
    tube_indices,
)

PIXEL = 0.4


@pytest.fixture(scope="module")
def several():
    """Image with an (11, 6) tube, a double-walled and a short one."""
    atoms = [
        placed(tube_atoms(11, 6, 200), (45, 90), 10),
        placed(tube_atoms(16, 8, 150, 40), (115, 90), -15),
        placed(tube_atoms(10, 5, 150), (115, 90), -15),
        placed(tube_atoms(7, 5, 45), (160, 150), 0),
    ]
    return tube_image(np.concatenate(atoms), 180, PIXEL, 8000, defocus=60.0)


def test_the_pairs_of_0_6_to_2_nm_are_195() -> None:
    pairs = tube_indices(6, 20)
    assert len(pairs) == len(set(pairs)) == 195
    assert all(6 <= tube_diameter(*pair) <= 20 for pair in pairs)
    assert (11, 6) in pairs
    assert (6, 11) not in pairs


@pytest.mark.parametrize(("n", "m"), [(12, 4), (9, 0), (15, 7)])
@pytest.mark.parametrize("defocus", [60.0, -110.0])
def test_a_spectrum_tells_diameter_and_angle(n, m, defocus) -> None:
    atoms = placed(tube_atoms(n, m, 130, 20), (56, 56), 0)
    image = tube_image(atoms, 112, PIXEL, 2e4, defocus=defocus)
    spectrum, step = strip_spectrum(image[80:200, 20:260], PIXEL)
    diameter = equatorial_diameter(spectrum, step)
    angle = layer_line_angle(spectrum, step)
    assert diameter == pytest.approx(tube_diameter(n, m), abs=0.25)
    assert angle == pytest.approx(chiral_angle(n, m), abs=0.8)
    pairs = tube_indices(6, 20)
    likeness = indices_likeness(diameter, angle, pairs)
    assert likeness.sum() == pytest.approx(1)
    assert (n, m) in [pairs[i] for i in np.argsort(-likeness)[:3]]


def test_tubes_are_found_and_others_refused_with_a_reason(several) -> None:
    tubes = find_tubes(several, PIXEL)
    known = [tube for tube in tubes if not tube.reason]
    assert len(known) == 1
    dy, dx = known[0].axis[-1] - known[0].axis[0]
    assert np.degrees(np.arctan2(dy, dx)) % 180 == pytest.approx(10, abs=0.7)
    middle = np.array([45, 90]) / PIXEL
    away = np.linalg.norm(known[0].axis - middle, axis=1).min()
    assert away * PIXEL < 0.6
    assert known[0].diameter == pytest.approx(tube_diameter(11, 6), abs=1.2)
    reasons = sorted(tube.reason for tube in tubes if tube.reason)
    assert len(reasons) == 2
    assert reasons[0] == "it has more walls than one"
    assert "is shorter than 67" in reasons[1]


def test_regions_lie_on_their_tube_and_show_its_indices(several) -> None:
    tubes, regions = measure_tubes(several, PIXEL)
    assert regions
    assert {tubes[region.tube].reason for region in regions} == {""}
    for region in regions:
        y, x = np.array(region.center) * PIXEL
        assert y == pytest.approx(45 + np.tan(np.radians(10)) * (x - 90), abs=1)
        assert region.direction == pytest.approx(10, abs=0.7)
        assert 67 <= region.length <= 96.5
        angle = layer_line_angle(region.spectrum, region.step)
        assert angle == pytest.approx(chiral_angle(11, 6), abs=1)


@pytest.mark.parametrize("seed", [1, 2])
def test_noise_and_a_lattice_are_no_tubes(seed) -> None:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:300, :340] * PIXEL
    lattice = np.cos(2 * np.pi * x / 2.35) + np.cos(2 * np.pi * y / 2.35)
    for image in (np.zeros_like(x), 0.1 * lattice):
        counts = rng.poisson(20 * (1 + image))
        assert not [tube for tube in find_tubes(counts, PIXEL) if not tube.reason]


def test_a_bent_line_is_straightened() -> None:
    y, x = np.mgrid[:90, :140].astype(float)
    middle = 30 + 0.002 * x**2
    slope = np.hypot(1, 0.004 * x)
    image = np.exp(-(((y - middle) / slope) ** 2) / 8)
    columns = np.arange(0, 140.0, 5)
    axis = np.stack([30 + 0.002 * columns**2, columns], axis=1)
    strip = straighten(image, axis, 21)
    assert strip.shape[0] == 21
    assert 135 < strip.shape[1] < 160
    inner = strip[:, 5:-20]
    np.testing.assert_array_equal(np.argmax(inner, axis=0), 10)
    assert np.abs(inner[10] - 1).max() < 0.02
    assert np.isnan(straighten(image, axis - [35, 0], 21)).any()


def test_regions_agree_by_the_product_of_their_probabilities() -> None:
    names = ["11-6", "10-6", "12-6"]
    each = np.array([[0.85, 0.11, 0.04], [0.3, 0.2, 0.5]])
    mixed = 0.98 * each + 0.02 / 3
    expected = mixed.prod(axis=0) / mixed.prod(axis=0).sum()
    both = combined_probabilities(each)
    np.testing.assert_allclose(both, expected)
    assert most_probable(both, names, 2)[0] == ("11-6", pytest.approx(expected[0]))
    assert combined_probabilities([[1, 0], [0, 1]]).tolist() == [0.5, 0.5]


def test_pixels_that_cannot_show_walls_are_refused() -> None:
    with pytest.raises(ValueError, match=r"up to 1 Å per pixel, not 1\.2"):
        find_tubes(np.ones((50, 60)), 1.2)
