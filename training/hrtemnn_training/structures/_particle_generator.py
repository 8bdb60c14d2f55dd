# SPDX-License-Identifier: GPL-3.0-or-later
"""Particle generator: what all generators of metal particles share."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
from ase.data import atomic_numbers
from pydantic import Field, model_validator

from hrtemnn_training.ranges import CountRange, Range, within

from ._alloys import Alloy, Arrangement, majority
from ._choices import Shares, draw
from ._generator import Generator
from ._metals import Lattice, close_packed_constant, lattice_of
from ._outlines import Outline
from ._particle import make_particle_and_crystal, shift_to_seat
from ._shapes import (
    Orientation,
    Shape,
    check_orientation,
)

if TYPE_CHECKING:
    from ._assembly import Group


class ParticleGenerator(Generator):
    """Ranges of the particles; where they are is the subclass' matter.

    With a second element the classes of the columns are the two elements, by the
    majority of the atoms.
    """

    element: str = Field("Au", description="metal of the particles; fcc, bcc or hcp")
    elements: Shares[str] | None = Field(
        None,
        description="relative shares of several metals instead, one of which is drawn "
        "for each field",
    )
    second_element: str | None = Field(
        None,
        description="second element of alloys; where it is apart from the first one it "
        "has a lattice constant of its own",
    )
    lattice_constant: float | None = Field(
        None,
        gt=0,
        description="lattice constant of an fcc crystal of the first element; its "
        "lattice is ASE's if not given [Å]",
    )
    second_lattice_constant: float | None = Field(
        None,
        gt=0,
        description="lattice constant of the second element as an FCC crystal; that of "
        "its density if not given [Å]",
    )
    shapes: Shares[Shape] = Field(
        {"single crystal": 1.0}, description="relative shares of the shapes"
    )
    orientations: Shares[Orientation] = Field(
        {"[110]": 1.0}, description="relative shares of what is along the beam"
    )
    arrangements: Shares[Arrangement] = Field(
        {"core-shell": 1.0, "Janus": 1.0, "disordered": 1.0},
        description="arrangements of alloys, relative shares; the core is of the "
        "second element",
    )
    concentration: Annotated[Range, within(0, 1)] = Field(
        (0.2, 0.8),
        description="concentration of the second element, share of the atoms of a "
        "particle",
    )
    layers: CountRange = Field((5, 15), description="planes of a particle")
    layer_spread: int = Field(
        3, ge=0, description="the kinds of planes of a particle differ by at most this"
    )
    particles: CountRange = Field((1, 3), description="particles in a field")
    outline: Outline = Field(
        "hull",
        description='outline of a particle in the labels: the "hull" of its atoms, or '
        'the contour where the "phase" of the wave is turned by pi/16',
    )
    outline_energy: float = Field(
        300.0, ge=1, le=10_000, description="beam energy of that contour [keV]"
    )

    @model_validator(mode="after")
    def _elements_exist(self) -> ParticleGenerator:
        metals = self.elements or {self.element: 1.0}
        for symbol in filter(None, (*metals, self.second_element)):
            if symbol not in atomic_numbers:
                raise ValueError(f"{symbol!r} is not a chemical symbol")
        if self.element == self.second_element:
            raise ValueError(
                f"both elements are {self.element!r}; leave the second out"
            )
        if self.elements and (self.second_element or self.lattice_constant):
            raise ValueError(
                "second_element and lattice_constant go with one element, not with "
                "several elements"
            )
        for element in metals:
            self._check_lattice(element)
        if self.second_element and self.second_lattice_constant is None:
            close_packed_constant(self.second_element)
        return self

    def _check_lattice(self, element: str) -> None:
        """Refuse what a metal of its lattice does not have."""
        symmetry = self._lattice(element).symmetry
        remedy = "" if symmetry == "fcc" else "; with a lattice_constant it is fcc"
        try:
            if self.second_element and symmetry != "fcc":
                raise ValueError("the first element of an alloy has to be fcc")
            for shape, orientation in product(self.shapes, self.orientations):
                check_orientation(shape, orientation, symmetry)
        except ValueError as error:
            raise ValueError(
                f"element {element!r} is {symmetry}: {error}{remedy}"
            ) from None

    def _lattice(self, element: str) -> Lattice:
        if self.lattice_constant is None:
            return lattice_of(element)
        return Lattice("fcc", self.lattice_constant)

    def of_one_material(self, rng: np.random.Generator) -> Self:
        """Draw one of the elements, for a whole field; a lone one draws nothing."""
        if self.elements is None:
            return self
        element = draw(self.elements, rng)
        return self.model_copy(update={"element": element, "elements": None})

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
        orientation = draw(self.orientations, rng)
        lattice = self._lattice(self.element)
        if self.second_element is None:
            alloy = None
        else:
            alloy = self._draw_alloy(lattice.a, self.second_element, rng)
        positions, crystal = make_particle_and_crystal(
            lattice,
            layers,
            angle,
            rng,
            shape=shape,
            orientation=orientation,
            cut=cut,
            other=alloy.constants[1] if alloy else None,
        )
        if alloy is None or crystal is None:
            number = atomic_numbers[self.element]
            return (positions, np.full(len(positions), number, np.uint8)), shape
        positions, numbers = alloy.make(positions, crystal, rng)
        group = positions + shift_to_seat(positions), numbers
        return group, f"{alloy.arrangement} {shape}"

    def _draw_alloy(self, first: float, second: str, rng: np.random.Generator) -> Alloy:
        own = self.second_lattice_constant or close_packed_constant(second)
        return Alloy(
            elements=(atomic_numbers[self.element], atomic_numbers[second]),
            constants=(first, own),
            arrangement=draw(self.arrangements, rng),
            concentration=rng.uniform(*self.concentration),
        )

    @property
    def metal(self) -> str:
        """Name of what the particles are of, such as "Au" or "Ag-Co"."""
        return "-".join(filter(None, (self.element, self.second_element)))

    @property
    def phase_at(self) -> float | None:
        """Energy of the contours that are outlines; None of hulls [keV]."""
        return self.outline_energy if self.outline == "phase" else None

    @property
    def column_names(self) -> tuple[str, ...]:
        """One class, and two of alloys."""
        if self.second_element is None:
            return super().column_names
        return self.element, self.second_element

    @property
    def column_classes(self) -> dict[str, Any]:
        """The arguments of `assemble` that name the classes of the columns."""
        if self.second_element is None:
            return {}
        return {
            "names": self.column_names,
            "classify": partial(majority, second=atomic_numbers[self.second_element]),
        }
