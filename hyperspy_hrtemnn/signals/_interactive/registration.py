# SPDX-License-Identifier: GPL-3.0-or-later
"""Registration of widgets in HyperSpy, by name, so that nothing imports ipywidgets.

The file hyperspy_extension.yaml has the toolkeys only. HyperSpy takes a toolkit that
such a file names for installed, and its errors then no longer tell users of any of its
tools to install it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from hyperspy.ui_registry import TOOLKIT_REGISTRY, UI_REGISTRY, add_gui_method

if TYPE_CHECKING:
    from collections.abc import Callable

Tool = TypeVar("Tool", bound=type)

_TOOLKIT = "ipywidgets"


def shown_by(toolkey: str, function: str) -> Callable[[Tool], Tool]:
    """Return a decorator that gives a tool the method ``gui`` of HyperSpy's tools.

    Parameters
    ----------
    toolkey
        The key of the tool, as in hyperspy_extension.yaml.
    function
        Name of the function in `hyperspy_hrtemnn.widgets` that makes its widgets.
    """
    if _TOOLKIT in TOOLKIT_REGISTRY:
        UI_REGISTRY[toolkey][_TOOLKIT] = {
            "module": "hyperspy_hrtemnn.widgets",
            "function": function,
        }
    return add_gui_method(toolkey=toolkey)  # type: ignore[no-any-return]
