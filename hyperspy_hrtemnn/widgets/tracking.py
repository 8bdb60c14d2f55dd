# SPDX-License-Identifier: GPL-3.0-or-later
"""Widgets of the tracking tool."""

from __future__ import annotations

from typing import Any

from hyperspy_gui_ipywidgets.utils import add_display_arg

from .controls import slider, text
from .preview import preview_widgets

# Of the shorter side of the image: two particles do not lie farther apart in it.
_LARGEST = 1 / 2


@add_display_arg  # type: ignore[untyped-decorator]
def tracking_widgets(obj: Any, **_: Any) -> dict[str, Any]:
    """Return sliders of threshold and separation, with the preview.

    Parameters
    ----------
    obj
        The tool, from `Segmentation.tracking_tool`.
    """
    side = min(obj.segmentation.data.shape[-2:]) * obj.pixel_size
    controls = {
        "probability": slider(
            obj, "probability", "Threshold", low=0.01, high=1, step=0.01
        ),
        "min_separation": slider(
            obj,
            "min_separation",
            f"Separation ({obj.unit})" if obj.unit else "Separation",
            low=obj.pixel_size,
            high=_LARGEST * side,
            step=obj.pixel_size,
        ),
        "min_area": text(obj, "min_area", "Smallest area"),
    }
    return preview_widgets(obj, controls)
