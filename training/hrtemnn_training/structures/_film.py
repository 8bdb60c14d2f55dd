# SPDX-License-Identifier: GPL-3.0-or-later
"""Film: a field of view of amorphous carbon alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from hrtemnn_training.ranges import Range

from ._amorphous import amorphous_carbon
from ._assembly import assemble
from ._generator import Generator, Seed

if TYPE_CHECKING:
    from ._structure import Structure


class AmorphousFilm(Generator):
    """A membrane of amorphous carbon without particles, as in the slides of Förster.

    What a network has to learn to leave alone, and what the contrast transfer of a
    microscope is measured on.
    """

    generator: Literal["amorphous film"] = "amorphous film"
    thickness: Range = Field((20.0, 80.0), description="thickness of the film [Å]")
    density: Range = Field((1.8, 2.3), description="density of the film [g/cm³]")

    @property
    def column_names(self) -> tuple[str, ...]:
        return ()

    def make(self, seed: Seed) -> Structure:
        """Draw one film; its `values` are its thickness [Å] and density [g/cm³]."""
        rng = np.random.default_rng(seed)
        thickness, density = rng.uniform(*self.thickness), rng.uniform(*self.density)
        film = amorphous_carbon(
            (self.field, self.field, thickness), rng, density=density
        )
        values = {"thickness": thickness, "density": density}
        return assemble(
            film, [], self.field, values=values, support_of="amorphous carbon"
        )
