# SPDX-License-Identifier: GPL-3.0-or-later
"""New axes for plots that are not given any."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def new_axes() -> Axes:
    """Return the axes of a new figure."""
    # Imported here, because the import chooses a backend.
    import matplotlib.pyplot as plt

    return plt.subplots()[1]
