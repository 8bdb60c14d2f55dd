# SPDX-License-Identifier: GPL-3.0-or-later
"""Nanotubes drawn on their image: what `HRTEM.plot_chirality` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.plots.nanotubes import draw_nanotubes
from hyperspy_hrtemnn.signals._shared.frame_titles import frame_title
from hyperspy_hrtemnn.signals._shared.frames import frame_index
from hyperspy_hrtemnn.signals._shared.image_plots import draw_image

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D
    from matplotlib.axes import Axes

    from .chirality import Chirality


def plot_chirality(
    image: Signal2D, found: Chirality, frame: int, ax: Axes | None
) -> Axes:
    """Plot one image and the nanotubes in it; see `HRTEM.plot_chirality`."""
    index = frame_index(image, frame)
    ax = draw_image(np.asarray(image.data[index]), image.axes_manager.signal_axes, ax)
    ax.set_title(frame_title(image, index))
    tubes, regions = (table[table["frame"] == frame] for table in found)
    draw_nanotubes(ax, tubes, regions)
    return ax
