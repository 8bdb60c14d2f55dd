# SPDX-License-Identifier: GPL-3.0-or-later
"""Rings of graphene from the positions of its atoms."""

from __future__ import annotations

import numpy as np
import pytest

from hyperspy_hrtemnn.analysis import count_rings, find_rings

BOND = 0.142


def honeycomb(columns=7, rows=5):
    """`columns` times `rows` rectangles of four atoms, and how many hexagons close."""
    cell = BOND * np.array([(0, 0.5), (0, 1.5), (3**0.5 / 2, 0), (3**0.5 / 2, 2)])
    corner = np.stack(np.mgrid[:columns, :rows], axis=-1).reshape(-1, 1, 2)
    return (cell + corner * BOND * np.array([3**0.5, 3])).reshape(-1, 2)


def test_a_perfect_lattice_has_hexagons_only():
    atoms = honeycomb()
    # Along x, 2 * rows - 1 strips of hexagons; each has columns - 1.
    assert count_rings(atoms) == {6: (7 - 1) * 5 + 7 * 4 - 4}
    rng = np.random.default_rng(0)
    noisy = 10 * atoms + rng.normal(0, 0.05 * 10 * BOND, atoms.shape)
    assert count_rings(noisy) == count_rings(atoms)


def test_rings_are_in_order_around_their_center():
    atoms = honeycomb()
    for ring in find_rings(atoms):
        corners = atoms[list(ring.atoms)]
        np.testing.assert_allclose(ring.center, corners.mean(axis=0))
        steps = np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1)
        np.testing.assert_allclose(steps, BOND)


def test_a_narrow_pentagon_is_one_ring():
    # As a network found one at a grain boundary: atoms across are 1.3 bonds apart.
    angle = np.pi / 2 + 2 * np.pi * np.arange(5) / 5
    direction = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    pentagon = direction * (0.68, 0.85)
    atoms = np.concatenate([pentagon, pentagon + direction])
    across = np.linalg.norm(pentagon[1] - pentagon[4])
    assert count_rings(atoms, longest_bond=1.01 * across) == {5: 1}


def test_a_missing_atom_leaves_a_hole_that_is_large():
    atoms = honeycomb()
    middle = np.argmin(np.linalg.norm(atoms - atoms.mean(axis=0), axis=1))
    left = np.delete(atoms, middle, axis=0)
    whole = count_rings(atoms)[6]
    assert count_rings(left) == {6: whole - 3}
    assert count_rings(left, largest=12) == {6: whole - 3, 12: 1}


@pytest.mark.parametrize(
    "few", [np.zeros((0, 2)), [(0, 0)], [(0, 0), (1, 0), (2, 0)], [(0, 0), (0, 1)]]
)
def test_without_rings(few):
    assert count_rings(few) == {}


@pytest.mark.parametrize("wrong", [np.zeros((4, 3)), [(0, np.nan), (1, 2), (3, 4)]])
def test_wrong_input(wrong):
    with pytest.raises(ValueError, match=r"\(atom, 2\)"):
        find_rings(wrong)
