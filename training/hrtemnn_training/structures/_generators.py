# SPDX-License-Identifier: GPL-3.0-or-later
"""Registry of the generators, chosen in a recipe by the key `generator`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Tag

from ._mixture import Mixture
from ._parts import CHOSEN, Tagged

AnyGenerator = Annotated[Tagged | Annotated[Mixture, Tag("mixture")], CHOSEN]
