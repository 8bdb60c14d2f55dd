# SPDX-License-Identifier: GPL-3.0-or-later
"""Contamination lies over and under a structure and changes no label."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from hrtemnn_training.structures import Mixture, Structure

PARTICLES = {
    "field": 44,
    "layers": [4, 5],
    "particles": [2, 2],
    "thickness": [8, 12],
    "bare_support": 0,
    "free_particles": 0,
    "empty": 0,
}


def make(seed: int, part: dict | None = None, **keys: object) -> Structure:
    parts = [{"structures": part or PARTICLES}]
    return Mixture.model_validate({"parts": parts, **keys}).make(seed)


def test_labels_stay_as_they_are_without_it() -> None:
    for seed in range(4):
        clean, dirty = make(seed), make(seed, contamination=1)
        assert dirty.kinds == clean.kinds
        assert dirty.values == clean.values
        for one, other in zip(dirty.outlines, clean.outlines, strict=True):
            np.testing.assert_array_equal(one, other)
        for name in ("positions", "particles", "counts", "classes"):
            one, other = (getattr(each.sites, name) for each in (dirty, clean))
            np.testing.assert_array_equal(one, other)
        # The atoms of before, lifted onto the carbon below them.
        count = len(clean.numbers)
        moved = dirty.positions[:count] - clean.positions
        np.testing.assert_allclose(moved[:, :2], 0)
        np.testing.assert_allclose(moved[:, 2], moved[0, 2], atol=1e-4)
        np.testing.assert_array_equal(dirty.particles[:count], clean.particles)
        assert set(dirty.particles[count:]) == {0}
        assert set(dirty.numbers[count:]) == {6}


def test_it_is_over_and_under_all_and_touches_nothing() -> None:
    clean, dirty = make(2), make(2, contamination=1, contamination_thickness=[9, 9])
    count = len(clean.numbers)
    own, carbon = np.split(dirty.positions[:, 2], [count])
    over, under = carbon[carbon > own.max()], carbon[carbon < own.min()]
    assert len(over) + len(under) == len(carbon)
    for patch in (over, under):
        assert 0 < np.ptp(patch) < 9
    assert cKDTree(dirty.positions).query(dirty.positions, 2)[0][:, 1].min() > 1.1
    assert dirty.positions[:, 2].min() == pytest.approx(2)
    assert dirty.positions[:, 2].max() == pytest.approx(dirty.box[2] - 2, abs=1e-4)
    assert np.all((dirty.positions[:, :2] > 2) & (dirty.positions[:, :2] < 42))


def test_patches_cover_any_part_of_a_field() -> None:
    shares = []
    for seed in range(30):
        dirty = make(seed, {**PARTICLES, "empty": 1}, contamination=1)
        cells = np.histogram2d(*dirty.positions[:, :2].T, 8, [[2, 42], [2, 42]])[0]
        shares.append(np.mean(cells > 0))
    assert min(shares) < 0.6
    assert max(shares) == 1
    assert np.std(shares) > 0.1


@pytest.mark.parametrize(("share", "fields"), [(0.0, 6), (0.4, 25)])
def test_a_share_of_the_fields_has_it(share: float, fields: int) -> None:
    bare = {"generator": "sheet", "field": 24, "boundary": 0}
    dirty = 0
    for seed in range(fields):
        structure = make(seed, bare, contamination=share)
        dirty += 0 in structure.particles
    assert dirty == pytest.approx(fields * share, abs=7 * (share > 0))


def test_the_same_seed_gives_the_same_patches() -> None:
    first, again = (make(5, contamination=1).positions for _ in range(2))
    np.testing.assert_array_equal(first, again)
