# SPDX-License-Identifier: GPL-3.0-or-later
"""Nanotubes have the diameters and angles of their indices."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.optimize import least_squares
from scipy.spatial import cKDTree

from hrtemnn_training.structures import (
    Nanotube,
    Structure,
    chiral_angle,
    chirality,
    diameter,
)


def one(n: int, m: int, **changes: Any) -> Nanotube:
    still: dict[str, Any] = {"double_walled": 0, "offset": (0, 0), "axis_tilt": (0, 0)}
    return Nanotube(
        field=60, n=(n, n), m=(m, m), kinds={chirality(n, m): 1}, **(still | changes)
    )


def axis_of(structure: Structure) -> tuple[np.ndarray, np.ndarray]:
    """Direction of a tube's axis, and the distance of each atom from it [Å]."""
    positions = structure.positions - structure.positions.mean(axis=0, dtype=float)
    start = np.linalg.svd(positions, full_matrices=False)[2]

    def from_axis(parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        direction = np.array([1, *parameters[:2]]) @ start
        direction /= np.linalg.norm(direction)
        away = positions - np.array([0, *parameters[2:4]]) @ start
        return direction, np.linalg.norm(np.cross(away, direction), axis=1)

    radii = from_axis(np.zeros(4))[1]
    outer = radii > 0.8 * radii.max()
    fit = least_squares(
        lambda p: from_axis(p)[1][outer] - p[4], [0, 0, 0, 0, radii[outer].mean()]
    )
    return from_axis(fit.x)


@pytest.mark.parametrize(
    ("n", "m", "wide", "angle", "kind"),
    [
        (10, 10, 13.56, 30.0, "armchair"),
        (9, 0, 7.05, 0.0, "zigzag"),
        (6, 5, 7.47, 27.0, "chiral"),
        (12, 6, 12.43, 19.1, "chiral"),
    ],
)
def test_indices_give_the_known_diameter_and_angle(
    n: int, m: int, wide: float, angle: float, kind: str
) -> None:
    assert diameter(n, m) == pytest.approx(wide, abs=0.01)
    assert chiral_angle(n, m) == pytest.approx(angle, abs=0.05)
    assert chirality(n, m) == kind


@settings(max_examples=12, deadline=None)
@given(n=st.integers(5, 20), share=st.floats(0, 1), seed=st.integers(0, 10**6))
def test_a_tube_is_round_and_all_bonds_are_carbons(
    n: int, share: float, seed: int
) -> None:
    m = round(share * n)
    structure = one(n, m).make(seed)
    axis, radii = axis_of(structure)
    assert abs(axis[2]) < 1e-4
    np.testing.assert_allclose(2 * radii, diameter(n, m), atol=0.01)
    nearest = cKDTree(structure.positions).query(structure.positions, 4)[0]
    inner = nearest[:, 3] < 2
    assert inner.mean() > 0.8
    # Chords of a bent sheet, so a little shorter than 1.42 Å.
    assert np.all(np.abs(nearest[inner, 1:] - 1.41) < 0.03)
    assert structure.values["diameter"] == diameter(n, m)
    assert structure.values["chiral angle"] == chiral_angle(n, m)
    assert structure.kinds == (structure.values["kind"],) == (chirality(n, m),)


@pytest.mark.parametrize(
    ("n", "m", "spacing"), [(8, 8, 2.46 / 2), (12, 0, 1.42 * 3 / 2)]
)
def test_rings_repeat_along_the_axis(n: int, m: int, spacing: float) -> None:
    structure = one(n, m).make(4)
    axis, _ = axis_of(structure)
    along = structure.positions @ axis
    phase = np.exp(2j * np.pi * along / spacing)
    # In a zigzag tube two rings are 0.71 Å apart, a third of this spacing.
    expected = 1.0 if m else 0.5
    assert abs(phase.mean()) == pytest.approx(expected, abs=0.05)


def test_the_axis_is_tilted_out_of_the_image_by_its_angle() -> None:
    structure = one(10, 4, axis_tilt=(14, 14)).make(1)
    axis, _ = axis_of(structure)
    assert np.degrees(np.arcsin(abs(axis[2]))) == pytest.approx(14, abs=1e-2)
    assert structure.values["tilt"] == pytest.approx(14)


def test_a_second_wall_is_inside_at_its_distance() -> None:
    for seed in range(4):
        structure = one(16, 10, double_walled=1).make(seed)
        _, radii = axis_of(structure)
        outer = radii > diameter(16, 10) / 2 - 1
        gap = np.median(radii[outer]) - np.median(radii[~outer])
        assert 3.25 < gap < 3.85
        assert structure.values["walls"] == 2
        assert structure.outlines
        assert set(structure.particles) == {1}
    thin = one(6, 0, double_walled=1).make(0)
    assert thin.values["walls"] == 1


def test_tubes_lie_over_one_another_and_never_touch() -> None:
    ranges = Nanotube(field=50, tubes=(3, 3), n=(5, 9), m=(0, 9))
    structure = ranges.make(2)
    assert len(structure.kinds) == 3
    assert structure.values == {"tubes": 3.0, "material": "carbon nanotube"}
    heights = [structure.positions[structure.particles == i, 2] for i in (1, 2, 3)]
    for below, above in pairwise(heights):
        assert above.min() - below.max() >= 3.4 - 1e-3
    assert structure.box[2] == pytest.approx(heights[2].max() + 2, abs=1e-3)


def test_kinds_are_as_likely_as_each_other() -> None:
    ranges = Nanotube(field=20, n=(5, 12), m=(0, 12), double_walled=0)
    structures = [ranges.make(seed) for seed in range(60)]
    kinds, counts = np.unique(
        [s.values["kind"] for s in structures], return_counts=True
    )
    assert list(kinds) == ["armchair", "chiral", "zigzag"]
    assert counts.min() > 10


def test_same_seed_same_tubes() -> None:
    ranges = Nanotube(field=40, tubes=(1, 3))
    first, again, other = (ranges.make(seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.positions, again.positions)
    assert first.positions.shape != other.positions.shape
    assert first.sites.names == ("C",)
    assert first.sites.counts.sum() == len(first.numbers)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n": (5, 40)}, "not in 3 to 25"),
        ({"n": (9, 6)}, "reversed"),
        ({"n": (5, 9), "m": (12, 14)}, "leave 'zigzag' out of `kinds`"),
        ({"tubes": (0, 2)}, "not in 1 to 20"),
        ({"kinds": {"twisted": 1}}, "kinds"),
        ({"wall_distance": (1, 2)}, "not in 3 to 5"),
    ],
)
def test_what_cannot_be_drawn_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Nanotube(**changes)
