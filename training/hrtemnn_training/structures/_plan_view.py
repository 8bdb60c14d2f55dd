# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan view: particles on a film that lies across the beam."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from ase.spacegroup import crystal
from pydantic import Field, model_validator
from scipy.spatial.transform import Rotation

from hrtemnn_training.ranges import CountRange, Range, Share

from ._amorphous import amorphous_film
from ._amorphous_materials import AMORPHOUS, densities, is_amorphous
from ._assembly import Group, assemble
from ._choices import Shares, draw
from ._crystal import oriented_block
from ._oxides import FACES
from ._particle_generator import ParticleGenerator
from ._shapes import Orientation
from ._support import make_slab

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._generator import Seed
    from ._structure import Structure

Circle = tuple[float, float, float]

_CONTACT = 1.5  # between the film and a particle, 3.2 from the middle of a sheet [Å]
_TRIES = 50

_THIRDS = [(1 / 3, 2 / 3, 1 / 4), (1 / 3, 2 / 3, 3 / 4)]
# Two layers each: graphite in AB, boron nitride in AA' stacking (space group 194).
_SHEETS = {
    "graphene": crystal(
        ("C", "C"),
        [(0, 0, 1 / 4), _THIRDS[0]],
        spacegroup=194,
        cellpar=[2.461, 2.461, 6.708, 90, 90, 120],
    ),
    "hBN": crystal(
        ("B", "N"), _THIRDS, spacegroup=194, cellpar=[2.504, 2.504, 6.661, 90, 90, 120]
    ),
}


class ParticlesOnFilm(ParticleGenerator):
    """Whole nanoparticles on both sides of a film, seen through it.

    The `values` of a structure say which `film` it is.
    """

    generator: Literal["particles on film"] = "particles on film"
    particles: CountRange = Field((0, 6), description="particles, if there is room")
    orientations: Shares[Orientation] = Field(
        {"[110]": 0.25, "[111]": 0.25, "any": 0.5},
        description="relative shares of what is along the beam",
    )
    axis_tilt: Range = Field((0.0, 3.0), description="off the orientation [degrees]")
    below: Share = Field(
        0.3, description="share of the particles that the beam meets first"
    )
    gap: float = Field(
        3.0, ge=0, description="least between particles, in the plane [Å]"
    )
    overlapping: bool = Field(
        False, description="whether particles on opposite sides may hide one another"
    )
    films: Shares[str] = Field(
        {"amorphous carbon": 0.7, "graphene": 0.1, "hBN": 0.1, "none": 0.1},
        description=f"relative shares of the films: {', '.join(AMORPHOUS)}, graphene, "
        f"hBN, none, and crystals in any orientation, {', '.join(FACES)}",
    )
    sheets: CountRange = Field(
        (1, 3), description="sheets of graphene or boron nitride"
    )
    thickness: Range = Field(
        (20.0, 50.0), description="thickness of films that are not sheets [Å]"
    )
    density: Range = Field(
        (1.8, 2.3), description="density of amorphous carbon [g/cm³]"
    )

    @model_validator(mode="after")
    def _films_are_known(self) -> ParticlesOnFilm:
        known = (*AMORPHOUS, *_SHEETS, "none", *FACES)
        for film in self.films:
            if film not in known:
                raise ValueError(f"film {film!r} is none of {', '.join(known)}")
        return self

    def make(self, seed: Seed) -> Structure:
        """Draw one field of view."""
        rng = np.random.default_rng(seed)
        return self.of_one_material(rng)._make(rng)

    def _make(self, rng: np.random.Generator) -> Structure:
        film = draw(self.films, rng)
        atoms, thickness = self._film(film, rng)
        particles, kinds = [], []
        taken: dict[bool, list[Circle]] = {False: [], True: []}
        for _ in range(rng.integers(self.particles[0], self.particles[1] + 1)):
            (positions, numbers), kind = self.draw_particle(
                self.draw_layers(rng), rng.uniform(*self.axis_tilt), rng, cut=False
            )
            positions = _spun(positions, rng)
            radius = (
                float(np.linalg.norm(positions[:, :2], axis=1).max()) + self.gap / 2
            )
            below = bool(rng.random() < self.below)
            near = taken[below] if self.overlapping else taken[True] + taken[False]
            circle = _free_circle(radius, self.field, near, rng)
            if circle is None:
                continue
            taken[below].append(circle)
            positions[:, :2] += circle[:2]
            if below:
                positions[:, 2] -= positions[:, 2].max() + _CONTACT
            else:
                positions[:, 2] += thickness + _CONTACT - positions[:, 2].min()
            particles.append((positions, numbers))
            kinds.append(kind)
        return assemble(
            atoms,
            particles,
            self.field,
            kinds=kinds,
            values={"film": film},
            particles_of=self.metal,
            phase_at=self.phase_at,
            support_of=film,
            **self.column_classes,
        )

    def _film(self, film: str, rng: np.random.Generator) -> tuple[Group | None, float]:
        """Return the atoms of a film from z = 0 up, and its thickness [Å]."""
        if film == "none":
            return None, 0.0
        if is_amorphous(film):
            thickness = rng.uniform(*self.thickness)
            lengths = (self.field, self.field, thickness)
            density = rng.uniform(*densities(film, of_carbon=self.density))
            return amorphous_film(film, lengths, rng, density=density), thickness
        if film not in _SHEETS:
            thickness = rng.uniform(*self.thickness)
            return make_slab(self.field, thickness, rng, crystal=film), thickness
        cell = _SHEETS[film]
        count = int(rng.integers(self.sheets[0], self.sheets[1] + 1))
        thickness = count * cell.cell[2, 2] / 2
        turn = Rotation.from_euler("z", rng.uniform(0, 360), degrees=True).as_matrix()
        upper = [self.field, self.field, thickness]
        return oriented_block(cell, turn, [0, 0, 0], upper), thickness


def _spun(
    positions: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return a particle at a random angle about the beam, its middle at the origin."""
    turn = Rotation.from_euler("z", rng.uniform(0, 360), degrees=True).as_matrix()
    turned = positions @ turn.T
    return np.asarray(turned - (turned.max(axis=0) + turned.min(axis=0)) / 2)


def _free_circle(
    radius: float, field: float, taken: list[Circle], rng: np.random.Generator
) -> Circle | None:
    """Return a circle somewhere in the field off the others, if one is soon found."""
    for _ in range(_TRIES):
        x, y = rng.uniform(0, field, 2).tolist()
        if all(np.hypot(x - u, y - v) >= radius + r for u, v, r in taken):
            return x, y, radius
    return None
