# SPDX-License-Identifier: GPL-3.0-or-later
"""Colors of the classes of columns, the same in all plots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_PALETTE = ("#1f9bff", "#e8262b", "#f2b701", "#2fb673", "#b26bd8", "#8c8c8c")


def class_colors(classes: Iterable[Any]) -> dict[Any, str]:
    """Return colors by class, in the order of their names."""
    ordered = sorted(set(classes), key=str)
    return {name: _PALETTE[i % len(_PALETTE)] for i, name in enumerate(ordered)}
