# SPDX-License-Identifier: GPL-3.0-or-later
"""Widgets of the segmentation tool."""

from __future__ import annotations

from typing import Any

from hyperspy_gui_ipywidgets.utils import add_display_arg

from .controls import choice, slider
from .preview import preview_widgets


@add_display_arg  # type: ignore[untyped-decorator]
def segmentation_widgets(obj: Any, **_: Any) -> dict[str, Any]:
    """Return a menu of networks and a slider of the threshold, with the preview.

    Parameters
    ----------
    obj
        The tool, from `HRTEM.segmentation_tool`.
    """
    controls = {
        "model": choice(obj, "model", "Network", "models"),
        "probability": slider(
            obj, "probability", "Threshold", low=0.01, high=1, step=0.01
        ),
    }
    return preview_widgets(obj, controls)
