# SPDX-License-Identifier: GPL-3.0-or-later
"""Rings found from positions are those the structures were made with."""

from __future__ import annotations

import numpy as np

from hrtemnn_training.structures import Sheet
from hyperspy_hrtemnn.analysis import count_rings

FLAT = {
    "field": 40,
    "boundary": 0,
    "vacancies": (0, 0),
    "double_vacancies": (0, 0),
    "stone_wales": (0, 0),
    "ripple": (0, 0),
    "axis_tilt": (0, 0),
}


def rings_of(**changes):
    structure = Sheet(**(FLAT | changes)).make(1)
    return count_rings(structure.sites.positions)


def test_graphene_without_defects():
    assert set(rings_of()) == {6}


def test_a_stone_wales_defect_has_two_pentagons_and_two_heptagons():
    atoms = len(Sheet(**FLAT).make(1).sites)
    one = 100 / (atoms + 100)  # the sheet is drawn larger than the field
    rings = rings_of(stone_wales=(one, one))
    assert (rings[5], rings[7]) == (2, 2)
    assert set(rings) == {5, 6, 7}


def test_a_grain_boundary_has_pentagons_and_heptagons():
    rings = rings_of(boundary=1, misorientation=(20, 20), boundary_offset=(0, 0))
    assert rings[5] > 2
    assert rings[7] > 2
    assert rings[6] > 0.8 * sum(rings.values())
    assert np.isclose(rings[5], rings[7], atol=3)
