# SPDX-License-Identifier: GPL-3.0-or-later
"""Registry of the generators that may be part of a mixture: all but mixtures."""

from __future__ import annotations

from typing import Annotated

from pydantic import Tag

from hrtemnn_training.alternatives import chosen_by

from ._alloy_particle import AlloyParticle
from ._database import Database
from ._film import AmorphousFilm
from ._flake import MX2Flake
from ._nanotube import Nanotube
from ._plan_view import ParticlesOnFilm
from ._sheet import Sheet
from ._supported_particles import SupportedParticles
from ._tilted_particle import TiltedParticle

Tagged = (
    Annotated[SupportedParticles, Tag("supported particles")]
    | Annotated[ParticlesOnFilm, Tag("particles on film")]
    | Annotated[TiltedParticle, Tag("tilted particle")]
    | Annotated[AlloyParticle, Tag("alloy particle")]
    | Annotated[AmorphousFilm, Tag("amorphous film")]
    | Annotated[MX2Flake, Tag("mx2 flake")]
    | Annotated[Sheet, Tag("sheet")]
    | Annotated[Nanotube, Tag("nanotube")]
    | Annotated[Database, Tag("database")]
)

# The oldest recipes do not say.
CHOSEN = chosen_by("generator", "supported particles")

PartGenerator = Annotated[Tagged, CHOSEN]
