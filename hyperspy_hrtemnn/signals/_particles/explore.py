# SPDX-License-Identifier: GPL-3.0-or-later
"""Explorer: a figure of a movie; a click on a particle shows its reflections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.plots import plot_reflections
from hyperspy_hrtemnn.signals._fourier.reflections import frames_and_ids
from hyperspy_hrtemnn.signals._shared.entrance import given
from hyperspy_hrtemnn.signals._shared.frame_titles import frame_title
from hyperspy_hrtemnn.signals._shared.frames import frame_index, frame_number
from hyperspy_hrtemnn.signals._shared.tables import time_axis

from .instance_plots import draw_lines, draw_outlines
from .still_figures import warned_of_still_figure

if TYPE_CHECKING:
    import pandas as pd
    from hyperspy.signals import Signal2D
    from matplotlib.axes import Axes
    from matplotlib.backend_bases import MouseEvent
    from matplotlib.figure import Figure


class Explorer:
    """A figure that follows the navigator of a movie until it is closed.

    Parameters
    ----------
    instances, image, spectra, peaks, properties
        As in `Instances.explore_reflections`.
    where
        The first frame that is shown, an index in the order of the data.
    """

    def __init__(
        self,
        instances: Signal2D,
        image: Signal2D,
        *,
        spectra: Signal2D,
        peaks: pd.DataFrame,
        properties: pd.DataFrame | None,
        where: tuple[int, ...],
    ) -> None:
        import matplotlib.pyplot as plt

        self.instances, self.image = instances, image
        self.spectra, self.peaks, self.properties = spectra, peaks, properties
        self.particle = 0  # that was clicked on
        curves = ["intensity", "angle"]
        if properties is not None:
            curves.insert(0, "area")
        # Image and spectrum are as high, however many curves are beside them.
        mosaic: list[Any] = [
            ["image" if row < len(curves) else "spectrum", curves[row // 2]]
            for row in range(2 * len(curves))
        ]
        figure: Figure
        panels: dict[str, Axes]
        figure, panels = plt.subplot_mosaic(
            mosaic, figsize=(12, 9), layout="constrained"
        )
        self.figure, self.panels = figure, panels
        self.curves = [panels[name] for name in curves]
        for panel in self.curves[1:]:
            panel.sharex(self.curves[0])
        self.against = "time" if "time" in peaks else "frame"
        self.said = warned_of_still_figure() or "click on a particle"
        self._load_frame(where)
        self._draw_frame()
        # Matplotlib alone would forget the methods, the movie holds them.
        self._events().connect(self.move, [])
        figure.canvas.mpl_connect("button_press_event", self.click)
        figure.canvas.mpl_connect("close_event", self.close)

    def move(self) -> None:
        """Show the frame where the navigator is."""
        self._load_frame(frame_index(given(self.image), None))
        self._draw_frame_again()
        if self.particle:
            self._draw_spectrum()
            now = self._now()
            for mark in self.marks:
                mark.set_xdata([now, now])
        self.figure.canvas.draw_idle()

    def click(self, event: MouseEvent) -> None:
        """Show the particle that was clicked on."""
        x, y = event.xdata, event.ydata
        if event.inaxes is not self.panels["image"] or x is None or y is None:
            return
        number = self._particle_at(x, y)
        if number == 0:
            return
        missing = ""
        if number in frames_and_ids(self.spectra)[1]:
            self.particle = number
            self._draw_spectrum()
            self._draw_curves()
        else:
            missing = f"there are no spectra of particle {number}"
        selected = f"particle {self.particle} is selected" if self.particle else ""
        self.said = "; ".join(filter(None, (missing, selected)))
        self._draw_frame_again()
        self.figure.canvas.draw_idle()

    def close(self, event: Any) -> None:  # noqa: ARG002 - as matplotlib calls it
        """Leave the navigator alone."""
        self._events().disconnect(self.move)

    def _events(self) -> Any:
        return given(self.image).axes_manager.events.indices_changed

    def _load_frame(self, where: tuple[int, ...]) -> None:
        self.where = where
        self.labels = np.asarray(self.instances.data[where])
        self.shown = np.asarray(self.image.data[where])

    def _draw_frame(self) -> None:
        panel = self.panels["image"]
        draw_outlines(
            self.shown,
            self.labels,
            self.instances.axes_manager.signal_axes,
            panel,
            show_ids=True,
            selected=self.particle,
        )
        lines = (frame_title(self.image, self.where), self.said)
        panel.set_title("\n".join(filter(None, lines)))

    def _draw_frame_again(self) -> None:
        """Draw the frame anew, as much of it as was seen."""
        panel = self.panels["image"]
        view: dict[str, Any] = {"xlim": panel.get_xlim(), "ylim": panel.get_ylim()}
        panel.clear()
        self._draw_frame()
        panel.set(**view)

    def _draw_spectrum(self) -> None:
        panel = self.panels["spectrum"]
        panel.clear()
        frame = frame_number(self.image, self.where)
        self.spectra.plot_reflections(self.peaks, self.particle, frame, panel)
        there = (self.labels == self.particle).any()
        panel.set_title(f"particle {self.particle}" + ("" if there else " is not here"))

    def _draw_curves(self) -> None:
        for panel in self.curves:
            panel.clear()
        *area, intensity, angle = self.curves
        if (self.peaks["id"] == self.particle).any():
            plot_reflections(self.peaks, self.particle, axes=[intensity, angle])
        table = self.properties
        if table is not None and (table["id"] == self.particle).any():
            draw_lines(table, "area", self.against, [self.particle], area[0])
        now = self._now()
        self.marks = [panel.axvline(now, color="0.5", lw=1) for panel in self.curves]

    def _now(self) -> float:
        """Return the time of the frame that is shown, or its number."""
        if self.against == "time":
            axes = self.image.axes_manager.navigation_axes
            time = time_axis(axes)
            for axis, position in zip(axes, self.where[::-1], strict=True):
                if axis is time:
                    return float(axis.axis[position])
        return frame_number(self.image, self.where)

    def _particle_at(self, x: float, y: float) -> int:
        """Return the particle at a place, 0 if there is none."""
        x_axis, y_axis = self.instances.axes_manager.signal_axes
        row = round((y - y_axis.offset) / y_axis.scale)
        column = round((x - x_axis.offset) / x_axis.scale)
        height, width = self.labels.shape
        if not (0 <= row < height and 0 <= column < width):
            return 0
        return max(int(self.labels[row, column]), 0)
