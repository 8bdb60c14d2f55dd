# SPDX-License-Identifier: GPL-3.0-or-later
"""All generators, chosen in a recipe by their key `generator`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from ._database import Database
from ._film import AmorphousFilm
from ._flake import MX2Flake
from ._nanotube import Nanotube
from ._plan_view import ParticlesOnFilm
from ._scene import SupportedParticles
from ._sheet import Sheet


def _name(values: Any) -> Any:
    """Return which generator is meant; the oldest recipes do not say."""
    if isinstance(values, dict):
        return values.get("generator", "supported particles")
    return getattr(values, "generator", None)


AnyGenerator = Annotated[
    Annotated[SupportedParticles, Tag("supported particles")]
    | Annotated[ParticlesOnFilm, Tag("particles on film")]
    | Annotated[AmorphousFilm, Tag("amorphous film")]
    | Annotated[MX2Flake, Tag("mx2 flake")]
    | Annotated[Sheet, Tag("sheet")]
    | Annotated[Nanotube, Tag("nanotube")]
    | Annotated[Database, Tag("database")],
    Discriminator(_name),
]
