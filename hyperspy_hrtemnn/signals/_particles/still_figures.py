# SPDX-License-Identifier: GPL-3.0-or-later
"""Still figures: those of a notebook without widgets, which do not react to clicks."""

from __future__ import annotations

from importlib.util import find_spec

from hyperspy_hrtemnn.user_warnings import warn_user

_COMMAND = "%matplotlib widget"


def warned_of_still_figure() -> str:
    """Warn if figures are still ones, with how to get others.

    Returns
    -------
    What is to be said in the figure; nothing where figures react.
    """
    import matplotlib as mpl

    if "inline" not in mpl.get_backend().lower():
        return ""
    install = "" if find_spec("ipympl") else "run 'pip install ipympl' once, and "
    warn_user(
        "Figures of this notebook do not react to clicks or to the navigator. For "
        f"figures that do, {install}run '{_COMMAND}' in a cell before this one."
    )
    return f"not interactive; run '{_COMMAND}' before"
