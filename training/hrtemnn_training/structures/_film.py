# SPDX-License-Identifier: GPL-3.0-or-later
"""Film: a field of view of an amorphous film alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from hrtemnn_training.ranges import Range

from ._amorphous import amorphous_film
from ._amorphous_materials import AMORPHOUS, Material, densities
from ._assembly import assemble
from ._choices import Shares, draw
from ._generator import Generator, Seed

if TYPE_CHECKING:
    from ._structure import Structure


class AmorphousFilm(Generator):
    """A membrane without particles, as that of amorphous carbon in Förster's slides.

    What a network has to learn to leave alone, and what the contrast transfer of a
    microscope is measured on.
    """

    generator: Literal["amorphous film"] = "amorphous film"
    films: Shares[Material] = Field(
        {"amorphous carbon": 1.0},
        description=f"relative shares of the materials, {', '.join(AMORPHOUS)}",
    )
    thickness: Range = Field((20.0, 80.0), description="thickness of the film [Å]")
    density: Range = Field(
        (1.8, 2.3), description="density of amorphous carbon [g/cm³]"
    )

    @property
    def column_names(self) -> tuple[str, ...]:
        return ()

    def make(self, seed: Seed) -> Structure:
        """Draw one film; its `values` are its thickness [Å] and density [g/cm³]."""
        rng = np.random.default_rng(seed)
        material = draw(self.films, rng)
        thickness = rng.uniform(*self.thickness)
        density = rng.uniform(*densities(material, of_carbon=self.density))
        lengths = (self.field, self.field, thickness)
        return assemble(
            amorphous_film(material, lengths, rng, density=density),
            [],
            self.field,
            values={"thickness": thickness, "density": density},
            support_of=material,
        )
