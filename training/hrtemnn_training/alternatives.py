# SPDX-License-Identifier: GPL-3.0-or-later
"""Alternatives among settings, chosen in a recipe by a key that may be missing."""

from __future__ import annotations

from typing import Any

from pydantic import Discriminator


def chosen_by(key: str, default: str) -> Discriminator:
    """Return what tells pydantic which settings of a union are meant.

    Parameters
    ----------
    key
        Key of the settings, and attribute of their classes.
    default
        Value where the key is missing.
    """

    def choose(values: Any) -> Any:
        if isinstance(values, dict):
            return values.get(key, default)
        return getattr(values, key, None)

    return Discriminator(choose)
