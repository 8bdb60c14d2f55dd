# SPDX-License-Identifier: GPL-3.0-or-later
"""What all generators of metal particles share: which particles, of which elements."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from ase.data import atomic_numbers
from pydantic import Field, model_validator

from hyperspy_hrtemnn.networks import Range

from ._alloys import Arrangement, arrange, majority
from ._choices import CountRange, Shares, draw
from ._generator import Generator
from ._particle import make_particle
from ._ranges import within
from ._shapes import Orientation, Shape, check_orientation, lattice_constant

if TYPE_CHECKING:
    from ._assembly import Group


class ParticleGenerator(Generator):
    """Ranges of the particles; where they are is the subclass' matter.

    With a second element the classes of the columns are the two elements, by the
    majority of the atoms.
    """

    element: str = Field("Au", description="metal of the particles")
    second_element: str | None = Field(
        None, description="of alloys; it takes sites of the first one's lattice"
    )
    lattice_constant: float | None = Field(
        None, gt=0, description="ASE's of the first element if not given [Å]"
    )
    shapes: Shares[Shape] = Field(
        {"single crystal": 1.0}, description="relative shares of the shapes"
    )
    orientations: Shares[Orientation] = Field(
        {"[110]": 1.0}, description="relative shares of what is along the beam"
    )
    arrangements: Shares[Arrangement] = Field(
        {"core-shell": 1.0, "Janus": 1.0, "disordered": 1.0},
        description="of alloys, relative shares; the core is of the second element",
    )
    concentration: Annotated[Range, within(0, 1)] = Field(
        (0.2, 0.8),
        description="of the second element, share of the atoms of a particle",
    )
    layers: CountRange = Field((5, 15), description="planes of a particle")
    layer_spread: int = Field(
        3, ge=0, description="the kinds of planes of a particle differ by at most this"
    )
    particles: CountRange = Field((1, 3), description="particles in a field")

    @model_validator(mode="after")
    def _elements_exist(self) -> ParticleGenerator:
        for symbol in filter(None, (self.element, self.second_element)):
            if symbol not in atomic_numbers:
                raise ValueError(f"{symbol!r} is no chemical symbol")
        if self.element == self.second_element:
            raise ValueError(
                f"both elements are {self.element!r}; leave the second out"
            )
        if self.lattice_constant is None:
            lattice_constant(self.element)
        for shape, orientation in product(self.shapes, self.orientations):
            check_orientation(shape, orientation)
        return self

    def draw_layers(self, rng: np.random.Generator) -> tuple[int, int]:
        """Draw the fewest and the most planes of each kind of one particle."""
        most = int(rng.integers(self.layers[0], self.layers[1] + 1))
        return max(most - self.layer_spread, self.layers[0]), most

    def draw_particle(
        self,
        layers: tuple[int, int],
        angle: float,
        rng: np.random.Generator,
        *,
        cut: bool = True,
    ) -> tuple[Group, str]:
        """Draw a particle, as `make_particle`, and say what it is.

        Parameters
        ----------
        layers, angle, cut
            See `make_particle`.
        rng
            Source of all random choices.

        Returns
        -------
        The particle, and its arrangement and shape, like "core-shell decahedron".
        """
        shape = draw(self.shapes, rng)
        positions = make_particle(
            self.element,
            layers,
            angle,
            rng,
            shape=shape,
            orientation=draw(self.orientations, rng),
            a=self.lattice_constant,
            cut=cut,
        )
        first = atomic_numbers[self.element]
        if self.second_element is None:
            return (positions, np.full(len(positions), first, np.uint8)), shape
        arrangement = draw(self.arrangements, rng)
        elements = first, atomic_numbers[self.second_element]
        concentration = rng.uniform(*self.concentration)
        numbers = arrange(positions, elements, arrangement, concentration, rng)
        return (positions, numbers), f"{arrangement} {shape}"

    @property
    def column_classes(self) -> dict[str, Any]:
        """The arguments of `assemble` that name the classes of the columns."""
        if self.second_element is None:
            return {}
        return {
            "names": (self.element, self.second_element),
            "classify": partial(majority, second=atomic_numbers[self.second_element]),
        }
