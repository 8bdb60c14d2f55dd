# SPDX-License-Identifier: GPL-3.0-or-later
"""Alloy particle: a field of view with one relaxed particle of two metals on carbon."""

from __future__ import annotations

from math import pi, sqrt
from typing import TYPE_CHECKING, Literal

import numpy as np
from ase.data import atomic_numbers
from pydantic import Field, model_validator
from scipy.spatial import ConvexHull

from hrtemnn_training.ranges import CountRange, Range

from ._amorphous import amorphous_carbon
from ._assembly import assemble
from ._choices import Shares
from ._gupta_parameters import check_potential
from ._particle_generator import ParticleGenerator
from ._relaxation import relaxed
from ._shapes import Orientation, Shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._assembly import Group
    from ._generator import Seed
    from ._structure import Structure

_CONTACT = 1.5  # between the film and the particle [Å]

# Random displacements before the relaxation: atoms on a saddle leave it [Å].
_HEAT = 0.05


class AlloyParticle(ParticleGenerator):
    """A whole nanoparticle of two metals, before or behind a film of amorphous carbon.

    Its atoms are at rest in the Gupta potential, so that the misfit of the two metals
    is in the particle as it would be: strained near the interface, with steps in it.
    The `values` of a structure are its ``order``, one of the arrangements, its
    ``shape``, its ``concentration``, the share of the atoms that are of the second
    element, and its ``diameter``, that of a circle with the area of its outline [Å].
    """

    generator: Literal["alloy particle"] = "alloy particle"
    element: str = Field("Ag", description="metal of the shell")
    second_element: str | None = Field("Co", description="metal of the core")
    particles: CountRange = Field((1, 1), description="particles in a field; one")
    shapes: Shares[Shape] = Field(
        {"single crystal": 0.5, "twin": 0.1, "decahedron": 0.2, "icosahedron": 0.2},
        description="relative shares of the shapes",
    )
    orientations: Shares[Orientation] = Field(
        {"any": 1.0}, description="relative shares of what is along the beam"
    )
    thickness: Range = Field((20.0, 50.0), description="thickness of the film [Å]")
    density: Range = Field(
        (1.8, 2.3), description="density of amorphous carbon [g/cm³]"
    )

    @model_validator(mode="after")
    def _is_one_alloy(self) -> AlloyParticle:
        if self.particles != (1, 1):
            raise ValueError("particles: a field has one alloy particle, [1, 1]")
        if self.second_element is None:
            raise ValueError("second_element: an alloy has two elements")
        check_potential((self.element, self.second_element))
        return self

    def make(self, seed: Seed) -> Structure:
        """Draw one field of view, the particle in its center."""
        rng = np.random.default_rng(seed)
        (start, numbers), kind = self.draw_particle(
            self.draw_layers(rng), 0.0, rng, cut=False
        )
        start = start + rng.normal(0, _HEAT, start.shape)
        positions = relaxed((start, numbers))
        positions -= (positions.max(axis=0) + positions.min(axis=0)) / 2
        order, shape = kind.split(" ", 1)
        middle = np.array([self.field / 2, self.field / 2, 0])
        return assemble(
            self._film(positions, rng),
            [(positions + middle, numbers)],
            self.field,
            kinds=[order],
            values={
                "order": order,
                "shape": shape,
                "concentration": self._concentration(numbers),
                "diameter": 2 * sqrt(ConvexHull(positions[:, :2]).volume / pi),
            },
            particles_of=self.metal,
            support_of="amorphous carbon",
            phase_at=self.phase_at,
            **self.column_classes,
        )

    def _concentration(self, numbers: NDArray[np.uint8]) -> float:
        """Return the share of the atoms that are of the second element."""
        return float(np.mean(numbers != atomic_numbers[self.element]))

    def _film(self, positions: NDArray[np.float64], rng: np.random.Generator) -> Group:
        """Return a film that touches the particle, before or behind it."""
        thickness = rng.uniform(*self.thickness)
        lengths = (self.field, self.field, thickness)
        film, numbers = amorphous_carbon(
            lengths, rng, density=rng.uniform(*self.density)
        )
        low, high = positions[:, 2].min(), positions[:, 2].max()
        film[:, 2] += rng.choice([high + _CONTACT, low - _CONTACT - thickness])
        return film, numbers
