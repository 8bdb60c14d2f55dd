# SPDX-License-Identifier: GPL-3.0-or-later
"""Relaxed particles have the energies and bonds of their metals."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk
from ase.data import atomic_numbers
from pydantic import ValidationError
from scipy.spatial import cKDTree

from hrtemnn_training.structures import AlloyParticle, GuptaPotential, relaxed

AG, CO = atomic_numbers["Ag"], atomic_numbers["Co"]


def numbers_of(count: int, element: int = AG) -> np.ndarray:
    return np.full(count, element, np.uint8)


def energy_of_an_atom(element: str, a: float) -> float:
    """Return the energy of an atom deep in a crystal of a lattice constant [eV].

    Crystals of more and more cells are all surface but for a term that grows with their
    volume: the third difference of their energies.
    """
    energies = []
    for cells in (2, 3, 4, 5):
        crystal = bulk(element, "fcc", a=a, cubic=True).repeat(cells)
        potential = GuptaPotential(numbers_of(len(crystal), atomic_numbers[element]))
        energies.append(potential.forces(crystal.positions)[0])
    return float(np.diff(energies, 3)[0]) / 6 / 4


@pytest.mark.parametrize(
    # Cohesive energies and lattice constants of the paper, of cobalt as fcc crystal.
    ("element", "energy", "a"),
    [("Ag", -2.96, 4.085), ("Co", -4.41, 3.53)],
)
def test_metals_have_their_energy_and_lattice_constant(element, energy, a) -> None:
    tried = a * np.linspace(0.97, 1.03, 7)
    energies = [energy_of_an_atom(element, each) for each in tried]
    curve = np.polynomial.Polynomial.fit(tried, energies, 3)
    extrema = curve.deriv().roots().real
    best = extrema[np.argmin(np.abs(extrema - a))]
    assert best == pytest.approx(a, abs=0.015)
    assert curve(best) == pytest.approx(energy, abs=0.03)


def test_forces_are_the_slopes_of_the_energy() -> None:
    rng = np.random.default_rng(0)
    positions = bulk("Ag", "fcc", a=3.9, cubic=True).repeat((2, 2, 3)).positions
    positions += rng.normal(0, 0.15, positions.shape)
    numbers = np.where(rng.random(len(positions)) < 0.4, AG, CO)
    potential = GuptaPotential(numbers)
    _, forces = potential.forces(positions)
    np.testing.assert_allclose(forces.sum(axis=0), 0, atol=1e-9)
    step = 1e-5
    for atom, axis in ((0, 0), (17, 1), (40, 2)):
        moved = [positions.copy(), positions.copy()]
        moved[0][atom, axis] -= step
        moved[1][atom, axis] += step
        below, above = (potential.forces(each)[0] for each in moved)
        slope = (above - below) / (2 * step)
        assert forces[atom, axis] == pytest.approx(-slope, abs=1e-6)


def test_pairs_that_come_near_are_found() -> None:
    positions = np.array([[0.0, 0, 0], [2.9, 0, 0], [12, 0, 0]])
    potential = GuptaPotential(numbers_of(3))
    _, apart = potential.forces(positions)
    assert not apart[2].any()
    positions[2, 0] = 6.0
    _, near = potential.forces(positions)
    assert near[2, 0] < 0


def test_a_pressed_particle_gets_its_bonds_back() -> None:
    crystal = bulk("Ag", "fcc", a=4.085, cubic=True).repeat(4).positions
    numbers = numbers_of(len(crystal))
    found = relaxed((crystal * 0.96, numbers), force=0.02, steps=300)
    _, forces = GuptaPotential(numbers).forces(found)
    assert np.linalg.norm(forces, axis=1).max() < 0.02
    middle = np.linalg.norm(found - found.mean(axis=0), axis=1) < 4
    bonds = cKDTree(found).query(found[middle], k=13)[0][:, 1:]
    # Surfaces press small particles together, by a percent here.
    assert bonds.mean() == pytest.approx(2.87, abs=0.03)


@pytest.fixture(scope="module")
def core_shell():
    ranges = AlloyParticle(
        field=60,
        layers=(9, 9),
        thickness=(10, 10),
        arrangements={"core-shell": 1},
        shapes={"single crystal": 1},
        concentration=(0.4, 0.4),
    )
    return ranges.make(3)


def test_silver_is_outside_and_no_bond_is_pressed(core_shell) -> None:
    own = core_shell.particles == 1
    positions = core_shell.positions[own].astype(float)
    numbers = core_shell.numbers[own]
    assert core_shell.kinds == (core_shell.values["order"],) == ("core-shell",)
    assert core_shell.values["concentration"] == pytest.approx(np.mean(numbers == CO))
    assert core_shell.values["concentration"] == pytest.approx(0.4, abs=0.05)
    silver, cobalt = (positions[numbers == each] for each in (AG, CO))
    assert cKDTree(silver).query(silver, k=2)[0][:, 1].min() > 2.6
    assert cKDTree(cobalt).query(cobalt, k=2)[0][:, 1].min() > 2.25
    _, forces = GuptaPotential(numbers).forces(positions)
    assert np.percentile(np.linalg.norm(forces, axis=1), 99) < 0.1
    middle = positions.mean(axis=0)
    far = [np.linalg.norm(each - middle, axis=1) for each in (silver, cobalt)]
    assert np.percentile(far[0], 10) > np.percentile(far[1], 60)
    # Each metal keeps its own distances.
    inner = cobalt[far[1] < 5]
    assert cKDTree(cobalt).query(inner, k=9)[0][:, 1:].mean() < 2.6


def test_the_particle_is_in_the_middle_beside_its_film(core_shell) -> None:
    own = core_shell.particles == 1
    positions, film = core_shell.positions[own], core_shell.positions[~own]
    assert (core_shell.numbers[~own] == 6).all()
    middle = (positions.max(axis=0) + positions.min(axis=0)) / 2
    assert middle[:2] == pytest.approx((30, 30), abs=0.01)
    gap = max(
        positions[:, 2].min() - film[:, 2].max(),
        film[:, 2].min() - positions[:, 2].max(),
    )
    assert gap == pytest.approx(1.5, abs=0.5)
    extent = np.ptp(positions[:, :2], axis=0).mean()
    assert core_shell.values["diameter"] == pytest.approx(extent, rel=0.15)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"particles": (1, 2)}, "one alloy particle"),
        ({"second_element": None}, "has two elements"),
        ({"second_element": "Ni"}, "no potential for 'Ni', only for Ag, Co"),
    ],
)
def test_what_cannot_be_relaxed_is_refused(changes, message) -> None:
    with pytest.raises(ValidationError, match=message):
        AlloyParticle(**changes)
