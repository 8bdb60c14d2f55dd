# SPDX-License-Identifier: GPL-3.0-or-later
"""All generators, chosen in a recipe by their key `generator`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from ._film import AmorphousFilm
from ._plan_view import ParticlesOnFilm
from ._scene import SupportedParticles


def _name(values: Any) -> Any:
    """Return which generator is meant; the oldest recipes do not say."""
    if isinstance(values, dict):
        return values.get("generator", "supported particles")
    return getattr(values, "generator", None)


AnyGenerator = Annotated[
    Annotated[SupportedParticles, Tag("supported particles")]
    | Annotated[ParticlesOnFilm, Tag("particles on film")]
    | Annotated[AmorphousFilm, Tag("amorphous film")],
    Discriminator(_name),
]
