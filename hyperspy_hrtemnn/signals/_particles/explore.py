# SPDX-License-Identifier: GPL-3.0-or-later
"""A figure in which a click on a particle shows its reflections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.plots import plot_reflections
from hyperspy_hrtemnn.signals._movies.frames import frame_number

if TYPE_CHECKING:
    import pandas as pd
    from hyperspy.signals import Signal2D
    from matplotlib.backend_bases import MouseEvent
    from matplotlib.figure import Figure

    from hyperspy_hrtemnn.signals._instances import Instances
    from hyperspy_hrtemnn.signals._local_fft_signal import LocalFFT


def explore(
    instances: Instances,
    image: Signal2D,
    spectra: LocalFFT,
    peaks: pd.DataFrame,
    where: tuple[int, ...],
) -> Figure:
    """Return the figure; see `Instances.explore_reflections`."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplot_mosaic(
        [["image", "intensity"], ["spectrum", "angle"]],
        figsize=(11, 8),
        layout="constrained",
    )
    instances.plot_overlay(image, where[::-1], panels["image"])
    panels["image"].set_title("click on a particle")
    labels = np.asarray(instances.data[where])
    frame = frame_number(instances, where)
    x_axis, y_axis = instances.axes_manager.signal_axes

    def show(event: MouseEvent) -> None:
        if event.inaxes is not panels["image"]:
            return
        column = round((event.xdata - x_axis.offset) / x_axis.scale)
        row = round((event.ydata - y_axis.offset) / y_axis.scale)
        number = int(labels[row, column])
        if number not in set(peaks["id"]):
            return
        others = [panels[name] for name in ("spectrum", "intensity", "angle")]
        for panel in others:
            panel.clear()
        spectra.plot_reflections(peaks, number, frame, others[0])
        others[0].set_title(f"particle {number}")
        plot_reflections(peaks, number, axes=others[1:])
        figure.canvas.draw_idle()

    figure.canvas.mpl_connect("button_press_event", show)
    return figure
