# SPDX-License-Identifier: GPL-3.0-or-later
"""A field of view: particles on, over and beside the edge of an oxide support."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.data import atomic_numbers
from pydantic import BaseModel, ConfigDict, Field
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.transform import Rotation

from hyperspy_hrtemnn.networks import Range

from ._columns import cluster_columns
from ._crystal import oriented_block, rotation_between, tilt
from ._particle import make_particle
from ._structure import Structure

Share = Annotated[float, Field(ge=0, le=1)]

_INTERFACE = 1.0  # between particle and support [Å]
_VACUUM = 2.0  # at every edge of the box, against its periodicity [Å]


class SceneRanges(BaseModel):
    """From what a scene is drawn; ranges are uniform, both ends included.

    The defaults are thesis 3.1 and the noise paper's section 2, with what they do not
    have: several particles, particles off the zone axis, particles before and behind
    the support, and fields without any.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    element: str = Field("Au", description="FCC metal of the particles")
    field: float = Field(112.0, description="side of the field of view [Å]")
    layers: tuple[int, int] = Field((4, 15), description="planes of a particle")
    layer_spread: int = Field(
        3, description="the kinds of planes of one particle differ by at most this"
    )
    particles: tuple[int, int] = Field((1, 3), description="particles in a field")
    gap: Range = Field((0.5, 25.0), description="between neighbouring particles [Å]")
    axis_tilt: Range = Field((0.0, 3.0), description="of most particles [degrees]")
    far_tilt: Range = Field((3.0, 15.0), description="of the others [degrees]")
    far_tilted: Share = Field(0.3, description="share of the others")
    overlapping: Share = Field(
        0.2, description="share of the particles before or behind the support"
    )
    thickness: Range = Field((20.0, 50.0), description="of the support [Å]")
    support_tilt: Range = Field((0.0, 5.0), description="of the support [degrees]")
    support_offset: Range = Field(
        (-0.3, 0.3), description="of the edge from the centre, in fields of view"
    )
    bare_support: Share = Field(0.1, description="share of fields of support alone")
    free_particles: Share = Field(0.1, description="share of fields without support")
    empty: Share = Field(0.02, description="share of fields of vacuum")


def make_scene(ranges: SceneRanges, seed: int | np.random.SeedSequence) -> Structure:
    """Draw one field of view.

    The scene is built with the support below y = 0, then turned by a random angle
    about the beam, moved, and cut to the box with 2 Å of vacuum at every edge.

    Parameters
    ----------
    ranges
        What to draw from.
    seed
        The same seed gives the same structure.
    """
    rng = np.random.default_rng(seed)
    kind = rng.random()
    has_support = not kind < ranges.free_particles + ranges.empty
    n_particles = int(rng.integers(ranges.particles[0], ranges.particles[1] + 1))
    if kind < ranges.empty or kind > 1 - ranges.bare_support:
        n_particles = 0

    thickness = rng.uniform(*ranges.thickness)
    groups = [_make_support(ranges, thickness, rng)] if has_support else []
    groups += _place_particles(ranges, n_particles, thickness, rng, on=has_support)
    if not groups:
        return _empty_field(ranges.field)

    numbers = np.concatenate([g[1] for g in groups])
    first = 0 if has_support else 1
    particles = np.concatenate(
        [np.full(len(g[1]), i + first, np.uint8) for i, g in enumerate(groups)]
    )
    positions = np.concatenate([g[0] for g in groups])
    offset = rng.uniform(*ranges.support_offset) if has_support else 0.0
    positions[:, 0] += rng.uniform(-0.15, 0.15) * ranges.field
    positions[:, 1] += offset * ranges.field
    turn = Rotation.from_euler("z", rng.uniform(0, 360), degrees=True).as_matrix()
    positions = positions @ turn.T
    positions[:, :2] += ranges.field / 2
    positions[:, 2] += _VACUUM - positions[:, 2].min()
    inside = np.all(
        (positions[:, :2] > _VACUUM) & (positions[:, :2] < ranges.field - _VACUUM),
        axis=1,
    )
    return _describe(
        positions[inside], numbers[inside], particles[inside], n_particles, ranges.field
    )


def _make_support(
    ranges: SceneRanges, thickness: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """CeO2 with its (111) surface at y = 0 and [110] near z, as wide as any view."""
    # Lattice parameter of the Materials Project, as in the thesis.
    ceria = bulk("CeO2", crystalstructure="fluorite", a=5.47, cubic=True)
    orientation = rotation_between((1, 1, 0), (-1, 1, 1))
    if rng.random() < 0.5:
        orientation = orientation * [[-1], [1], [1]]
        orientation[2] *= -1  # mirrored twice: a rotation again, the other twin
    orientation = tilt(rng.uniform(*ranges.support_tilt), rng.uniform(0, 360)) @ (
        orientation
    )
    reach = ranges.field  # no turn or shift of the scene shows its sides or foot
    lower = [-reach, -1.3 * reach, -thickness / 2]
    upper = [reach, 0.0, thickness / 2]
    return oriented_block(ceria, orientation, lower, upper)


def _place_particles(
    ranges: SceneRanges,
    n: int,
    thickness: float,
    rng: np.random.Generator,
    *,
    on: bool,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Particles side by side along x; the overlapping ones pushed over the support."""
    groups = []
    edge = 0.0
    for _ in range(n):
        most = int(rng.integers(ranges.layers[0], ranges.layers[1] + 1))
        layers = (max(most - ranges.layer_spread, ranges.layers[0]), most)
        off_axis = rng.random() < ranges.far_tilted
        angle = rng.uniform(*(ranges.far_tilt if off_axis else ranges.axis_tilt))
        positions = make_particle(ranges.element, layers, angle, rng)
        if on and rng.random() < ranges.overlapping:
            height, depth = np.ptp(positions[:, 1]), np.ptp(positions[:, 2])
            spin = Rotation.from_euler("z", rng.uniform(0, 360), degrees=True)
            positions = positions @ spin.as_matrix().T
            positions[:, 1] -= rng.uniform(0.3, 2.0) * height
            apart = (thickness + depth) / 2 + _INTERFACE
            positions[:, 2] += rng.choice([-1, 1]) * apart
        elif on:
            positions[:, 1] += _INTERFACE
            slack = max(thickness - np.ptp(positions[:, 2]), 0) / 2
            positions[:, 2] += rng.uniform(-slack, slack)
        else:
            spin = Rotation.from_euler("z", rng.uniform(0, 360), degrees=True)
            positions = positions @ spin.as_matrix().T
            positions[:, 1] += rng.uniform(-0.25, 0.25) * ranges.field
        positions[:, 0] += edge - positions[:, 0].min()
        edge = positions[:, 0].max() + rng.uniform(*ranges.gap)
        numbers = np.full(len(positions), atomic_numbers[ranges.element], np.uint8)
        groups.append((positions, numbers))
    if groups:
        right = max(g[0][:, 0].max() for g in groups)
        for positions, _ in groups:
            positions[:, 0] -= right / 2
    return groups


def _describe(
    positions: np.ndarray,
    numbers: np.ndarray,
    particles: np.ndarray,
    n_particles: int,
    field: float,
) -> Structure:
    sites, site_particles, outlines = [], [], []
    kept = np.zeros_like(particles)
    for i in range(1, n_particles + 1):
        atoms = positions[particles == i]
        try:
            hull = ConvexHull(atoms[:, :2])
        except (QhullError, ValueError):
            continue  # cut to less than three columns by the edge of the box
        outlines.append(atoms[hull.vertices, :2].astype(np.float32))
        kept[particles == i] = len(outlines)
        columns = cluster_columns(atoms)
        sites.append(columns)
        site_particles.append(np.full(len(columns), len(outlines), np.uint8))
    real = (kept > 0) | (particles == 0)
    return Structure(
        positions=positions[real].astype(np.float32),
        numbers=numbers[real],
        particles=kept[real],
        box=(field, field, float(positions[:, 2].max(initial=0)) + _VACUUM),
        sites=np.concatenate(sites) if sites else np.zeros((0, 2), np.float32),
        site_particles=(
            np.concatenate(site_particles) if sites else np.zeros(0, np.uint8)
        ),
        outlines=tuple(outlines),
    )


def _empty_field(field: float) -> Structure:
    nothing = np.zeros((0, 3))
    none = np.zeros(0, np.uint8)
    return _describe(nothing, none, none, 0, field)


def to_ase(structure: Structure) -> Atoms:
    """Return a structure as ASE atoms, periodic in its box."""
    return Atoms(
        numbers=structure.numbers,
        positions=structure.positions,
        cell=structure.box,
        pbc=True,
    )
