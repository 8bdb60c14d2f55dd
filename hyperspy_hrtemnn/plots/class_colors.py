# SPDX-License-Identifier: GPL-3.0-or-later
"""Colors of the classes of columns, the same in all plots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .palette import palette

if TYPE_CHECKING:
    from collections.abc import Iterable


def class_colors(classes: Iterable[Any]) -> dict[Any, str]:
    """Return a color for each class, in the order of their names; no two are alike."""
    ordered = sorted(set(classes), key=str)
    return dict(zip(ordered, palette(len(ordered)), strict=True))
