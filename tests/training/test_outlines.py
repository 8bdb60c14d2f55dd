# SPDX-License-Identifier: GPL-3.0-or-later
"""Outlines of particles: hulls, and contours of what a particle does to the phase."""

from __future__ import annotations

import abtem
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from matplotlib.path import Path
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial import ConvexHull

from hrtemnn_training.structures import ParticlesOnFilm, SupportedParticles, assemble

A = 4.08  # gold
FIELD = 60.0


def block(lower: tuple[float, ...], upper: tuple[float, ...]) -> np.ndarray:
    """Return the positions of a block of gold along [001]."""
    gold = bulk("Au", cubic=True).repeat((15, 15, 4)).positions
    return gold[np.all((gold > np.array(lower)) & (gold < np.array(upper)), axis=1)]


def outline(positions: np.ndarray, phase_at: float | None = 300.0) -> np.ndarray:
    numbers = np.full(len(positions), 79, np.uint8)
    return assemble(None, [(positions, numbers)], FIELD, phase_at=phase_at).outlines[0]


def area(corners: np.ndarray) -> float:
    x, y = corners.T
    return abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2


def phase_of_abtem(positions: np.ndarray, smoothing: float) -> np.ndarray:
    """Return the smoothed phase at 300 keV from abTEM's potential, 0.1 Å a pixel."""
    atoms = Atoms(["Au"] * len(positions), positions, cell=[FIELD, FIELD, 20], pbc=True)
    atoms.positions[:, 2] += 2 - atoms.positions[:, 2].min()
    potential = abtem.Potential(
        atoms, gpts=600, slice_thickness=20, projection="infinite"
    )
    projected = potential.build(lazy=False).array.sum(axis=0)
    sigma = abtem.core.energy.energy2sigma(300e3)
    return gaussian_filter(sigma * projected, smoothing / 0.1, mode="wrap")


def test_it_is_where_the_smoothed_phase_is_a_sixteenth_of_pi() -> None:
    positions = block((14, 11, -1), (41, 33, 16))
    phase = phase_of_abtem(positions, 1.3)
    at_corners = map_coordinates(phase, outline(positions).T / 0.1, order=1)
    np.testing.assert_allclose(at_corners, np.pi / 16, rtol=0.12)
    assert at_corners.mean() == pytest.approx(np.pi / 16, rel=0.03)


def test_it_goes_around_the_outermost_atoms() -> None:
    positions = block((14, 11, -1), (41, 33, 16))
    corners, hull = outline(positions), outline(positions, None)
    # All but those on the corners, which are rounded.
    assert np.mean(Path(corners).contains_points(positions[:, :2])) > 0.98
    perimeter = ConvexHull(hull).area  # of a hull in a plane that is its perimeter
    assert 0.3 < (area(corners) - area(hull)) / perimeter < 2


def test_slower_electrons_see_thinner_matter() -> None:
    wedge = block((14, 11, -1), (41, 33, 16))
    wedge = wedge[wedge[:, 2] < 0.7 * (wedge[:, 0] - 14)]
    widths = [np.ptp(outline(wedge, energy)[:, 0]) for energy in (80, 200, 300)]
    assert np.all(np.diff(widths) < -0.3)
    # About 10 Å of gold, which is 14 Å into the wedge.
    assert widths[2] == pytest.approx(41 - 14 - 14, abs=3)


def test_it_follows_a_corner_that_a_hull_spans() -> None:
    long, short = block((14, 11, -1), (24, 49, 16)), block((24, 11, -1), (49, 22, 16))
    ell = np.concatenate([long, short])
    missing = area(outline(ell, None)) - area(outline(ell))
    assert missing > 150
    inner = np.array([[36.0, 36.0]])
    assert not Path(outline(ell)).contains_points(inner)
    # The corner is at (23, 21); the straight line between the ends passes beyond it.
    assert Path(outline(ell, None)).contains_points([[33.0, 31.0]])
    assert not Path(outline(ell)).contains_points([[33.0, 31.0]])


def test_of_two_parts_the_larger_has_it() -> None:
    parts = [block((10, 10, -1), (20, 40, 16)), block((35, 10, -1), (45, 20, 16))]
    corners = outline(np.concatenate(parts))
    assert corners[:, 0].max() < 25
    np.testing.assert_allclose(corners, outline(parts[0]), atol=1e-3)


def test_thin_light_matter_is_not_seen() -> None:
    flat = np.stack(np.meshgrid([20, 24, 28], [20, 24, 30]), axis=-1).reshape(-1, 2)
    atoms = np.column_stack([flat, np.zeros(len(flat))]).astype(float)
    numbers = np.full(len(atoms), 6, np.uint8)
    assert len(assemble(None, [(atoms, numbers)], FIELD).outlines) == 1
    assert not assemble(None, [(atoms, numbers)], FIELD, phase_at=300.0).outlines


@pytest.mark.parametrize("generator", [SupportedParticles, ParticlesOnFilm])
def test_generators_have_either(generator) -> None:
    keys = {"field": 60, "layers": (11, 12), "particles": (1, 1)}
    hull, phase = (
        generator(**keys, outline=kind).make(3) for kind in ("hull", "phase")
    )
    np.testing.assert_array_equal(hull.positions, phase.positions)
    np.testing.assert_array_equal(hull.sites.positions, phase.sites.positions)
    ratio = area(phase.outlines[0]) / area(hull.outlines[0])
    assert ratio != 1
    assert ratio == pytest.approx(1, abs=0.25)
    assert phase.outlines[0].dtype == np.float32
