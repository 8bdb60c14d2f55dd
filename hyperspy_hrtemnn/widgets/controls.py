# SPDX-License-Identifier: GPL-3.0-or-later
"""Controls: widgets for one option each, linked with its trait."""

from __future__ import annotations

from typing import Any

import ipywidgets
from link_traits import link

_STYLE = {"description_width": "9em"}
_WIDTH = "30em"


def slider(
    tool: Any, name: str, description: str, *, low: float, high: float, step: float
) -> Any:
    """Return a slider of a number, which says its value when it is let go."""
    widget = ipywidgets.FloatSlider(
        value=getattr(tool, name),
        min=min(low, getattr(tool, name)),
        max=max(high, getattr(tool, name)),
        step=step,
        readout_format=".3g",
        # A preview takes longer than a slider takes for a step.
        continuous_update=False,
        **_looks(tool, name, description),
    )
    link((tool, name), (widget, "value"))
    return widget


def text(tool: Any, name: str, description: str) -> Any:
    """Return a field for a text, which says it when it is left."""
    widget = ipywidgets.Text(continuous_update=False, **_looks(tool, name, description))
    link((tool, name), (widget, "value"))
    return widget


def choice(tool: Any, name: str, description: str, options: str) -> Any:
    """Return a menu of what a trait that is a list has, as that changes, too."""
    widget = ipywidgets.Dropdown(
        options=list(getattr(tool, options)),
        value=getattr(tool, name),
        **_looks(tool, name, description),
    )

    connected = [link((tool, name), (widget, "value"))]

    def renew(_: Any) -> None:
        # New options set the value to the first of them, which is nobody's choice.
        connected.pop().unlink()
        widget.options = list(getattr(tool, options))
        widget.value = getattr(tool, name)
        connected.append(link((tool, name), (widget, "value")))

    tool.observe(renew, options)
    return widget


def _looks(tool: Any, name: str, description: str) -> dict[str, Any]:
    return {
        "description": description,
        "tooltip": tool.trait(name).desc or "",
        "style": _STYLE,
        "layout": {"width": _WIDTH},
    }
