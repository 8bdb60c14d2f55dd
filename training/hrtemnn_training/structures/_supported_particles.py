# SPDX-License-Identifier: GPL-3.0-or-later
"""Supported particles: on, over and beside the edge of a crystal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from scipy.spatial.transform import Rotation

from hrtemnn_training.ranges import Range, Share

from ._amorphous_materials import AMORPHOUS, is_amorphous
from ._assembly import Group, assemble
from ._choices import Shares, draw
from ._crystal import Indices, check_zone_axis
from ._oxides import FACES, Face
from ._particle_generator import ParticleGenerator
from ._support import make_amorphous_support, make_support, make_turned_support

if TYPE_CHECKING:
    from ._generator import Seed
    from ._structure import Structure

_INTERFACE = 1.0  # between particle and support [Å]


class SupportedParticles(ParticleGenerator):
    """Nanoparticles on, over and beside the edge of a crystal seen in profile.

    The defaults are thesis 3.1 and the noise paper's section 2, with what they do not
    have: several particles, particles off the zone axis, particles before and behind
    the support, and fields without any.
    """

    generator: Literal["supported particles"] = "supported particles"
    gap: Range = Field((0.5, 25.0), description="gap between neighboring particles [Å]")
    axis_tilt: Range = Field((0.0, 3.0), description="tilt of most particles [degrees]")
    far_tilt: Range = Field((3.0, 12.0), description="tilt of the others [degrees]")
    far_tilted: Share = Field(0.25, description="share of the others")
    overlapping: Share = Field(
        0.2, description="share of the particles before or behind the support"
    )
    support: str = Field(
        "CeO2",
        description=f"{', '.join((*FACES, *AMORPHOUS))}, or a CIF by its path",
    )
    supports: Shares[str] | None = Field(
        None,
        description="relative shares of several supports instead, one of which is "
        "drawn for each field",
    )
    support_orientation: Literal["zone axis", "any"] = Field(
        "zone axis",
        description="whether the support is seen along a zone axis in the usual "
        "surface or in any orientation, half of them with a surface of low indices",
    )
    surface: Indices | None = Field(
        None, description="(hkl) that bears the particles; the usual one if not given"
    )
    zone_axis: Indices | None = Field(
        None,
        description="zone axis [uvw] of the support along the beam; goes with the "
        "surface",
    )
    thickness: Range = Field((15.0, 40.0), description="thickness of the support [Å]")
    support_tilt: Range = Field((0.0, 5.0), description="tilt of the support [degrees]")
    support_offset: Range = Field(
        (-0.3, 0.3), description="offset of the edge from the center, in fields of view"
    )
    bare_support: Share = Field(0.1, description="share of fields of support alone")
    free_particles: Share = Field(0.1, description="share of fields without support")
    empty: Share = Field(0.02, description="share of fields of vacuum")

    @model_validator(mode="after")
    def _surface_is_known(self) -> SupportedParticles:
        if (self.surface is None) != (self.zone_axis is None):
            raise ValueError("surface and zone_axis go together: give both or none")
        anyhow = self.support_orientation == "any"
        if face := self._face():
            if anyhow or self.supports or is_amorphous(self.support):
                raise ValueError(
                    "surface and zone_axis are of one crystal along its zone axis: "
                    "leave them out, or supports and support_orientation"
                )
            check_zone_axis(face.zone_axis, face.surface)
            return self
        known = (*FACES, *AMORPHOUS)
        for name in self.supports or {self.support}:
            if name not in known and not (anyhow and Path(name).suffix):
                raise ValueError(
                    f"support {name!r} is none of {', '.join(known)}; the crystal of a "
                    "CIF needs its surface and zone_axis, or the support_orientation "
                    "any"
                )
        return self

    def of_one_material(self, rng: np.random.Generator) -> Self:
        """Draw one of the elements and one of the supports, for a whole field."""
        ranges = super().of_one_material(rng)
        if ranges.supports is None:
            return ranges
        support = draw(ranges.supports, rng)
        return ranges.model_copy(update={"support": support, "supports": None})

    def make(self, seed: Seed) -> Structure:
        """Draw one field of view.

        The field of view is built with the support below y = 0, then turned by a random
        angle about the beam, moved, and cut to the box with 2 Å of vacuum at every
        edge.
        """
        rng = np.random.default_rng(seed)
        return self.of_one_material(rng)._make(rng)

    def _make(self, rng: np.random.Generator) -> Structure:
        kind = rng.random()
        has_support = not kind < self.free_particles + self.empty
        n_particles = int(rng.integers(self.particles[0], self.particles[1] + 1))
        if kind < self.empty or kind > 1 - self.bare_support:
            n_particles = 0

        thickness = rng.uniform(*self.thickness)
        support = None
        if has_support:
            support = self._draw_support(thickness, rng)
        drawn = _place_particles(self, n_particles, thickness, rng, on=has_support)
        if support is None and not drawn:
            return assemble(
                None,
                [],
                self.field,
                particles_of=self.metal,
                phase_at=self.phase_at,
                **self.column_classes,
            )

        offset = rng.uniform(*self.support_offset) if has_support else 0.0
        shift = np.array([rng.uniform(-0.15, 0.15), offset, 0]) * self.field
        turn = Rotation.from_euler("z", rng.uniform(0, 360), degrees=True).as_matrix()
        center = np.array([0.5, 0.5, 0]) * self.field

        def place(group: Group) -> Group:
            return (group[0] + shift) @ turn.T + center, group[1]

        return assemble(
            place(support) if support is not None else None,
            [place(particle) for particle, _ in drawn],
            self.field,
            kinds=[kind for _, kind in drawn],
            particles_of=self.metal,
            phase_at=self.phase_at,
            support_of=Path(self.support).stem,
            **self.column_classes,
        )

    def _draw_support(self, thickness: float, rng: np.random.Generator) -> Group:
        if is_amorphous(self.support):
            return make_amorphous_support(
                self.field, thickness, rng, material=self.support
            )
        if self.support_orientation == "any":
            return make_turned_support(self.field, thickness, rng, crystal=self.support)
        return make_support(
            self.field,
            thickness,
            self.support_tilt,
            rng,
            crystal=self.support,
            face=self._face(),
        )

    def _face(self) -> Face | None:
        if self.surface is None or self.zone_axis is None:
            return None
        return Face(self.surface, self.zone_axis)


def _place_particles(
    ranges: SupportedParticles,
    n: int,
    thickness: float,
    rng: np.random.Generator,
    *,
    on: bool,
) -> list[tuple[Group, str]]:
    """Particles side by side along x; the overlapping ones pushed over the support."""
    particles = []
    edge = 0.0
    for _ in range(n):
        layers = ranges.draw_layers(rng)
        over = on and rng.random() < ranges.overlapping
        # Over the support only the fringes give a particle away, so it has some.
        off_axis = not over and rng.random() < ranges.far_tilted
        angle = rng.uniform(*(ranges.far_tilt if off_axis else ranges.axis_tilt))
        (positions, numbers), kind = ranges.draw_particle(layers, angle, rng)
        if over:
            depth = np.ptp(positions[:, 2])
            spin = Rotation.from_euler("z", rng.uniform(0, 360), degrees=True)
            positions = positions @ spin.as_matrix().T
            height = np.ptp(positions[:, 1])
            positions[:, 1] -= positions[:, 1].min() + rng.uniform(0.2, 1.0) * height
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
        particles.append(((positions, numbers), kind))
    right = max((p[:, 0].max() for (p, _), _ in particles), default=0.0)
    for (positions, _), _ in particles:
        positions[:, 0] -= right / 2
    return particles
