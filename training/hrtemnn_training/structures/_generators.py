# SPDX-License-Identifier: GPL-3.0-or-later
"""All generators, chosen in a recipe by their key `generator`."""

from __future__ import annotations

from ._scene import SupportedParticles

AnyGenerator = SupportedParticles
