# SPDX-License-Identifier: GPL-3.0-or-later
"""Widgets of the local FFT tool."""

from __future__ import annotations

from typing import Any

from hyperspy_gui_ipywidgets.utils import add_display_arg

from .controls import choice, slider
from .preview import preview_widgets

# Of the shorter side of the image, half of which the soft edges then take.
_WIDEST_EDGE = 1 / 8


@add_display_arg  # type: ignore[untyped-decorator]
def local_fft_widgets(obj: Any, **_: Any) -> dict[str, Any]:
    """Return a menu of particles and sliders of the crop, with the preview.

    Parameters
    ----------
    obj
        The tool, from `HRTEM.local_fft_tool`.
    """
    side = min(obj.signal.data.shape[-2:]) * obj.pixel_size
    controls = {
        "id": choice(obj, "id", "Particle (0: image)", "ids"),
        "size": slider(
            obj,
            "size",
            f"Crop ({obj.unit})",
            low=2 * obj.pixel_size,
            high=side,
            step=2 * obj.pixel_size,
        ),
        "apodization": slider(
            obj,
            "apodization",
            f"Soft edge ({obj.unit})",
            low=0,
            high=_WIDEST_EDGE * side,
            step=obj.pixel_size,
        ),
    }
    return preview_widgets(obj, controls)
