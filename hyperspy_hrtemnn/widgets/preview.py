# SPDX-License-Identifier: GPL-3.0-or-later
"""Preview: the figure of a tool as a picture, its message, and what all tools have."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import ipywidgets

_DOTS_PER_INCH = 90


def preview_widgets(tool: Any, controls: dict[str, Any]) -> dict[str, Any]:
    """Return the widgets of a tool: its controls, preview, message and buttons.

    Parameters
    ----------
    tool
        A tool with a ``figure``, the traits ``message`` and ``drawn``, and the methods
        ``apply`` and ``close``.
    controls
        Widgets of its options, by the names of their traits, and linked with these.

    Returns
    -------
    ``widget``, which has all the others in it, and ``wdict``, the others by name.
    """
    # A picture in the widget itself is drawn anew with any backend of matplotlib.
    picture = ipywidgets.Image(format="png")
    message = ipywidgets.Textarea(disabled=True, rows=3)
    message.layout.width = "auto"
    apply = ipywidgets.Button(
        description="Apply", tooltip="Do it for all frames; the result is tool.result."
    )
    close = ipywidgets.Button(description="Close", tooltip="Close the widgets.")
    axes = tool.navigated.axes_manager
    parts = [*controls.values(), picture, message, ipywidgets.HBox([apply, close])]
    wdict = controls | {
        "picture": picture,
        "message": message,
        "apply_button": apply,
        "close_button": close,
    }
    if axes.navigation_dimension:
        sliders = axes.gui_navigation_sliders(display=False, toolkit="ipywidgets")
        wdict["navigation"] = sliders["ipywidgets"]["wdict"]
        # A frame may take the network seconds: not every one that a slider passes.
        wdict["navigation"]["continuous_update"].value = False
        parts.insert(0, sliders["ipywidgets"]["widget"])
    box = ipywidgets.VBox(parts)

    def show(_: Any = None) -> None:
        packed = BytesIO()
        tool.figure.savefig(packed, format="png", dpi=_DOTS_PER_INCH)
        picture.value = packed.getvalue()

    def say(_: Any = None) -> None:
        message.value = tool.message

    def do(_: Any) -> None:
        tool.message = "All frames are being computed."
        try:
            tool.message = f"tool.result is {tool.apply()!r}."
        except ValueError as error:
            tool.message = str(error)

    def end(_: Any) -> None:
        tool.observe(say, "message", remove=True)
        tool.observe(show, "drawn", remove=True)
        tool.close()
        box.close()

    tool.observe(say, "message")
    tool.observe(show, "drawn")
    apply.on_click(do)
    close.on_click(end)
    say()
    show()
    return {"widget": box, "wdict": wdict}
