# SPDX-License-Identifier: GPL-3.0-or-later
"""Tilted particle: a field of view with one particle at a known tilt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from ase.data import atomic_numbers
from pydantic import Field, model_validator
from scipy.spatial.transform import Rotation

from hrtemnn_training.ranges import CountRange, Range, within

from ._amorphous import amorphous_carbon
from ._assembly import Group, assemble
from ._choices import Shares, draw
from ._generator import Generator, Seed
from ._metals import lattice_constant
from ._particle import make_particle
from ._support import make_support

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._structure import Structure

ZoneAxis = Literal["[110]", "[100]", "[111]", "[112]"]

_CONTACT = 1.5  # between a particle and what it is on [Å]


class TiltedParticle(Generator):
    """A whole nanoparticle, tilted off a zone axis about any axis in the image plane.

    It is free, before or behind a film of amorphous carbon, or beside the edge of
    CeO2 seen in profile. Its angle about the beam is random. The `values` of a
    structure are ``tilt`` [degrees], ``zone_axis``, ``shape`` and ``support``.

    Two of the zone axes are 19.5 degrees apart, [111] and [112], or more: a particle
    that is tilted by 15 degrees or less is 4.5 degrees or more off all others.
    """

    generator: Literal["tilted particle"] = "tilted particle"
    element: str = Field("Au", description="FCC metal of the particle")
    shapes: Shares[Literal["single crystal", "twin"]] = Field(
        {"single crystal": 0.65, "twin": 0.35}, description="relative shares"
    )
    zone_axes: Shares[ZoneAxis] = Field(
        {"[110]": 0.7, "[100]": 0.1, "[111]": 0.1, "[112]": 0.1},
        description="relative shares; twins have none along [100], where only one of "
        "their lattices would be on a zone axis",
    )
    layers: CountRange = Field((6, 13), description="planes of a particle")
    layer_spread: int = Field(
        3, ge=0, description="the kinds of planes of a particle differ by at most this"
    )
    tilt: Annotated[Range, within(0, 15)] = Field(
        (0.0, 15.0), description="off the zone axis [degrees]"
    )
    supports: Shares[Literal["none", "amorphous carbon", "CeO2"]] = Field(
        {"none": 0.35, "amorphous carbon": 0.4, "CeO2": 0.25},
        description="relative shares",
    )
    thickness: Range = Field((15.0, 40.0), description="thickness of the support [Å]")
    density: Range = Field(
        (1.8, 2.3), description="density of amorphous carbon [g/cm³]"
    )

    @model_validator(mode="after")
    def _possible(self) -> TiltedParticle:
        lattice_constant(self.element)
        if self.shapes.get("twin") and not any(self._axes("twin").values()):
            raise ValueError("zone_axes: twins need another one than [100]")
        return self

    def make(self, seed: Seed) -> Structure:
        """Draw one field of view, the particle in its center."""
        rng = np.random.default_rng(seed)
        shape = draw(self.shapes, rng)
        zone_axis = draw(self._axes(shape), rng)
        angle = rng.uniform(*self.tilt)
        most = int(rng.integers(self.layers[0], self.layers[1] + 1))
        positions = make_particle(
            self.element,
            (max(most - self.layer_spread, self.layers[0]), most),
            angle,
            rng,
            shape=shape,
            orientation=zone_axis,
            cut=False,
        )
        positions[:, 1] -= np.ptp(positions[:, 1]) / 2
        positions = positions @ _spin(rng).T
        numbers = np.full(len(positions), atomic_numbers[self.element], np.uint8)
        support = draw(self.supports, rng)
        below = self._support(support, positions, rng)
        middle = self._middle()
        return assemble(
            None if below is None else (below[0] + middle, below[1]),
            [(positions + middle, numbers)],
            self.field,
            kinds=[shape],
            values={
                "tilt": float(angle),
                "zone_axis": zone_axis,
                "shape": shape,
                "support": support,
            },
            particles_of=self.element,
            support_of=support,
        )

    def _middle(self) -> NDArray[np.float64]:
        return np.array([self.field / 2, self.field / 2, 0])

    def _axes(self, shape: str) -> dict[ZoneAxis, float]:
        """Return the shares of the zone axes that all lattices of a shape share."""
        alone = shape == "twin"
        return {z: s for z, s in self.zone_axes.items() if not (alone and z == "[100]")}

    def _support(
        self, support: str, positions: NDArray[np.float64], rng: np.random.Generator
    ) -> Group | None:
        """Return the atoms that touch a particle; its middle is at x = y = 0."""
        thickness = rng.uniform(*self.thickness)
        if support == "amorphous carbon":
            lengths = (self.field, self.field, thickness)
            density = rng.uniform(*self.density)
            film, numbers = amorphous_carbon(lengths, rng, density=density)
            film -= self._middle()
            low, high = positions[:, 2].min(), positions[:, 2].max()
            film[:, 2] += rng.choice([high + _CONTACT, low - _CONTACT - thickness])
            return film, numbers
        if support == "CeO2":
            slab, numbers = make_support(self.field, thickness, (0.0, 5.0), rng)
            turn = _spin(rng)
            # Where the particle ends towards the slab, before both are turned.
            slab[:, 1] += (positions @ turn)[:, 1].min() - _CONTACT
            return slab @ turn.T, numbers
        return None


def _spin(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a rotation by any angle about the beam."""
    turn = Rotation.from_euler("z", rng.uniform(0, 360), degrees=True)
    return np.asarray(turn.as_matrix())
